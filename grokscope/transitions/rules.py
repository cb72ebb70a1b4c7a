"""The numbers in the definitions of events: one frozen dataclass, each number a named option."""

from dataclasses import dataclass, fields

from grokscope.errors import RequestError


@dataclass(frozen=True)
class EventRules:
    """Every threshold that decides whether and when an event happened.

    Parameters
    ----------
    consecutive
        Evaluations in a row at which a condition must hold to be called sustained (K).
    memorised
        Train accuracy that counts as memorised.
    off_chance_deviations
        Binomial standard deviations above chance at which test accuracy has left chance.
    luck
        Probability (binomial, at chance accuracy) below which a number of correct rows is no
        luck. It matters on small test sets and where chance is high (two classes) only.
    onset_errors
        Standard errors below chance loss that the held-out restricted loss must reach.
    formed
        Share of the restricted loss's logarithmic way down at which a circuit counts as formed.
    online_ratio
        Rise of the excluded loss over its running minimum that raises the online alarm.
    online_floor
        The running minimum counts as no less than this. Losses below the float32 resolution of a
        probability near one (1.2e-7) move by such factors without any circuit.
    collapsed
        Test accuracy below which a run that had grokked has collapsed.
    cleanup_reach
        The change-point fit ends this many delays (grokked_99 - memorised) after grokked_99, or
        with the run: what a run does long after grokking must not move the knots.
    cleanup_excluded
        Share of its logarithmic way up from its minimum that the excluded loss must have come
        where cleanup starts: the circuit forms first, then the rest is cleaned up.
    cleanup_level
        Level of the F-like threshold on the residual that widens the interval of `cleanup`.
    loss_floor
        Losses are taken as no less than this before their logarithm.
    learned_share
        Share of its final share of the logits at which a representation, or frequency, counts as learned.
    learned_similarity
        Cosine of the logits with a character above which it counts as learned by the published rule.

    Raises
    ------
    RequestError
        Where a threshold is outside the range in which it means something.
    """

    consecutive: int = 3
    memorised: float = 0.99
    off_chance_deviations: float = 5.0
    luck: float = 1e-4
    onset_errors: float = 5.0
    formed: float = 0.9
    online_ratio: float = 1.5
    online_floor: float = 1e-7
    collapsed: float = 0.95
    cleanup_reach: float = 0.5
    cleanup_excluded: float = 0.5
    cleanup_level: float = 0.99
    loss_floor: float = 1e-16
    learned_share: float = 0.5
    learned_similarity: float = 0.05

    def __post_init__(self) -> None:
        if self.consecutive < 1:
            raise RequestError(f"consecutive={self.consecutive}", "a whole number from 1 on")
        shares = ("memorised", "luck", "formed", "collapsed", "cleanup_excluded", "cleanup_level",
                  "learned_share", "learned_similarity")  # fmt: skip
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in shares and not 0 < value < 1:
                raise RequestError(f"{field.name}={value}", "a number between 0 and 1")
            if not value >= 0:
                raise RequestError(f"{field.name}={value}", "a number from 0 on")
        if self.online_ratio <= 1 or self.loss_floor == 0:
            raise RequestError(
                f"online_ratio={self.online_ratio}, loss_floor={self.loss_floor}",
                "a ratio above 1 and a floor above 0",
            )
