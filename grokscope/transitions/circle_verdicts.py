"""The form of each circle: clock, pizza or undecided, and what the circles of a form carry together."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from grokscope.transitions.evidence import Reader

APART = 0.05
"""By how much the one form must be more of the profile than the other: pure forms differ by .19."""
LIKE = 0.3
"""The share of the logits that the form must have; below it the circle does next to nothing by itself."""


@dataclass(frozen=True)
class Circle:
    """One key frequency.

    Attributes
    ----------
    freq
        Its frequency.
    weight
        What it carries of the row-centred logits' energy on all key frequencies.
    clock, pizza
        Shares of its own logits in either form.
    profile
        Share of its own logits that any such form could have.
    """

    freq: int
    weight: float
    clock: float
    pizza: float
    profile: float = 1.0

    @property
    def form(self) -> str:
        """Clock or pizza, "undecided" where the two are too close or neither is there."""
        gap = (self.clock - self.pizza) / self.profile if self.profile > 0 else 0.0
        if max(self.clock, self.pizza) < LIKE or abs(gap) < APART:
            return "undecided"
        return "clock" if gap > 0 else "pizza"

    def to_json(self) -> dict[str, Any]:
        """As one entry of the verdict."""
        return asdict(self) | {"form": self.form}


def circles_of(reader: Reader) -> tuple[Circle, ...]:
    """Return the circles of a cyclic run's key frequencies, () where they were not measured."""
    clock, pizza = reader.array("circle_clock_share"), reader.array("circle_pizza_share")
    shares = reader.array("logit_trig_share")
    if clock is None or pizza is None or shares is None:
        return ()
    freq = reader.ds["circle_clock_share"]["freq"].values
    profile = reader.array("circle_profile_share")
    profile = np.ones(len(clock)) if profile is None else profile
    there = np.isfinite(clock) & np.isfinite(pizza) & np.isfinite(shares)
    total = shares[there].sum()
    if total <= 0:
        return ()
    return tuple(
        Circle(
            int(freq[i]),
            float(shares[i] / total),
            float(clock[i]),
            float(pizza[i]),
            float(profile[i]),
        )
        for i in np.flatnonzero(there)
    )


def weight_of(circles: tuple[Circle, ...], form: str) -> float | None:
    """Return what the circles of a form carry together, None without circles."""
    return float(sum(c.weight for c in circles if c.form == form)) if circles else None
