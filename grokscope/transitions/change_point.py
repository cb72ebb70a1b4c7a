"""Ordered change points: straight pieces that meet at knots shared by several signals.

The model, for signals y_1..y_m over steps t, with knots k_1 < ... < k_r common to all signals::

    y_j(t) = a_j + b_j t + sum_i c_ij max(t - k_i, 0) + residual

so a knot is a step at which slopes change and no signal jumps. For given knots this is linear least
squares, and all signals share one normal matrix; the knots are found by exhaustive search over the
evaluations. What a knot has to mean ("here the norm turns downwards") is given as signs that the
slope changes c_ij must have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

SCAN = 32  # candidates per knot in one pass of the search: 32^3 / 6 small systems at most
EDGE = 2  # evaluations from one knot to the next, at least
PIECES = 10  # the fewest degrees of freedom that the profile's threshold assumes


@dataclass(frozen=True)
class OrderedFit:
    """The best fit: where the knots are and how well each is determined.

    Attributes
    ----------
    knots
        Index of each knot among the evaluations, ascending.
    residual
        Weighted residual sum of squares over all standardised signals.
    degrees
        Degrees of freedom of the residuals, lowered for their autocorrelation.
    """

    knots: tuple[int, ...]
    residual: float
    degrees: float


def standardise(
    signals: Float[np.ndarray, "evaluation signal"], weights: Float[np.ndarray, " evaluation"]
) -> Float[np.ndarray, "evaluation signal"]:
    """Centre each signal and divide it by its standard deviation; a constant signal becomes 0."""
    mean = np.average(signals, axis=0, weights=weights)
    spread = np.sqrt(np.average((signals - mean) ** 2, axis=0, weights=weights))
    return (signals - mean) / np.where(spread > 0, spread, 1.0)


def step_weights(steps: Int[np.ndarray, " evaluation"]) -> Float[np.ndarray, " evaluation"]:
    """Share of the stretch that each evaluation stands for (trapezoid rule), with mean 1.

    With these weights the fit approximates the curves over *steps*: a schedule that is denser in
    one place does not pull the knots there.
    """
    share = np.gradient(steps.astype(float))
    return share / share.mean()


class OrderedKnots:
    """Search for ordered knots in signals over steps.

    Parameters
    ----------
    steps
        Ascending steps of the evaluations, shape [evaluation].
    signals
        One column per signal, finite; standardised here, so units do not matter.
    signs
        For each knot the sign wanted of each signal's change of slope: -1 (turns downwards),
        +1 (turns upwards) or 0 (free). Shape [knot][signal].
    within
        For some knots the first and the last evaluation at which they may lie.
    """

    def __init__(
        self,
        steps: Int[np.ndarray, " evaluation"],
        signals: Float[np.ndarray, "evaluation signal"],
        signs: Sequence[Sequence[int]],
        within: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        self.signs = np.asarray(signs, dtype=float)  # knot signal
        whole = (0, len(steps) - 1)
        self.within = [(within or {}).get(knot, whole) for knot in range(len(signs))]
        self.weights = step_weights(steps)
        self.signals = standardise(signals, self.weights)
        self.x = (steps - steps[0]) / (steps[-1] - steps[0])

    def _coefficients(
        self, knots: Int[np.ndarray, "set knot"]
    ) -> tuple[Float[np.ndarray, "set column signal"], Float[np.ndarray, " set"]]:
        """Least squares for every set of knots: coefficients and residual sums of squares."""
        used, where = np.unique(knots, return_inverse=True)
        basis = self._basis(used)
        weighted = basis * self.weights[:, None]
        all_gram, all_target = basis.T @ weighted, weighted.T @ self.signals
        level_slope = np.broadcast_to([0, 1], (len(knots), 2))
        columns = np.concatenate([level_slope, where.reshape(knots.shape) + 2], axis=1)
        gram = all_gram[columns[:, :, None], columns[:, None, :]]
        target = all_target[columns]
        coefficients = np.linalg.solve(gram + 1e-12 * np.eye(columns.shape[1]), target)
        total = float((self.weights[:, None] * self.signals**2).sum())
        residual = total - (coefficients * target).sum(axis=(1, 2))
        return coefficients, np.maximum(residual, 1e-12 * total)

    def _basis(self, knots: Int[np.ndarray, " knot"]) -> Float[np.ndarray, "evaluation column"]:
        """Level, slope, and one hinge for each knot."""
        hinges = np.maximum(self.x[:, None] - self.x[knots][None, :], 0.0)
        return np.column_stack([np.ones_like(self.x), self.x, hinges])

    def residuals_of(self, knots: Int[np.ndarray, "set knot"]) -> Float[np.ndarray, " set"]:
        """Residual sum of squares of each set of knots; infinite where a sign is not as wanted."""
        coefficients, residual = self._coefficients(knots)
        changes = coefficients[:, 2:, :]  # set knot signal
        wanted: Bool[np.ndarray, " set"] = ((self.signs == 0) | (changes * self.signs > 0)).all(
            axis=(1, 2)
        )
        return np.where(wanted, residual, np.inf)

    def _ordered(self, choices: Sequence[Int[np.ndarray, " _"]]) -> Int[np.ndarray, "set knot"]:
        """Every combination of the candidates that keeps knots EDGE evaluations apart."""
        grids = np.meshgrid(*choices, indexing="ij")
        knots = np.stack([grid.ravel() for grid in grids], axis=1)
        last = len(self.x) - 1
        padded = np.column_stack([np.zeros(len(knots), int), knots, np.full(len(knots), last)])
        return knots[(np.diff(padded, axis=1) >= EDGE).all(axis=1)]

    def search(self) -> OrderedFit | None:
        """Find the knots of least residual, or None where no set of knots has the wanted signs.

        A first pass tries at most `SCAN` evenly spread evaluations for each knot; later passes look
        between the neighbours of the best ones until every evaluation there has been tried.
        """
        spans = list(self.within)
        best: tuple[int, ...] | None = None
        residual = np.inf
        while True:
            choices = [_spread(low, high) for low, high in spans]
            if best is not None:
                choices = [np.union1d(c, [b]) for c, b in zip(choices, best, strict=True)]
            knots = self._ordered(choices)
            if not len(knots):
                return None
            found = self.residuals_of(knots)
            if not np.isfinite(found).any():
                return None
            at = int(np.argmin(found))
            best, residual = tuple(int(knot) for knot in knots[at]), float(found[at])
            gaps = [
                max(b - a for a, b in pairwise(c.tolist())) if len(c) > 1 else 1 for c in choices
            ]
            if max(gaps) == 1:
                break
            spans = [
                (max(knot - gap, first), min(knot + gap, last))
                for knot, gap, (first, last) in zip(best, gaps, self.within, strict=True)
            ]
        return OrderedFit(best, residual, self._degrees(best))

    def _degrees(self, knots: tuple[int, ...]) -> float:
        """Degrees of freedom left, counting autocorrelated residuals as fewer observations."""
        coefficients, _ = self._coefficients(np.array([knots]))
        left = self.signals - self._basis(np.array(knots)) @ coefficients[0]
        energy = float((left**2).sum())
        rho = float((left[1:] * left[:-1]).sum()) / energy if energy > 0 else 0.0
        rho = min(max(rho, 0.0), 0.99)
        effective = self.signals.size * (1 - rho) / (1 + rho)
        parameters = coefficients[0].size + len(knots)
        return max(effective - parameters, float(PIECES))

    def limit(self, fit: OrderedFit, level: float) -> float:
        """Largest residual that counts as like the best: best (1 + F(level; 1, df) / df)."""
        from scipy.special import fdtri

        return fit.residual * (1 + float(fdtri(1, fit.degrees, level)) / fit.degrees)

    def profile(self, fit: OrderedFit, knot: int, level: float) -> tuple[int, int]:
        """Evaluations between which a knot lies, by the profile of the residual.

        A knot is accepted where the other knots can be put such that the residual is at most
        `limit`. Returns the evaluation before the lowest accepted one and the one after the
        highest: a knot between two evaluations is seen at either.
        """
        limit, at = self.limit(fit, level), fit.knots[knot]
        first, last = self.within[knot]
        tried = np.union1d(_spread(first, last), at)
        low = high = at
        while True:
            accepted = self._accepted(fit, knot, tried, limit)
            low, high = min(low, *accepted), max(high, *accepted)
            below = int(tried[tried < low].max(initial=first))
            above = int(tried[tried > high].min(initial=last))
            if low - below <= 1 and above - high <= 1:
                return max(low - 1, 0), min(high + 1, len(self.x) - 1)
            tried = np.union1d(_spread(below, low), _spread(high, above))

    def _accepted(
        self, fit: OrderedFit, knot: int, tried: Int[np.ndarray, " _"], limit: float
    ) -> list[int]:
        """Those of the tried places of a knot that are as good as the best."""
        choices = [np.union1d(_spread(*self.within[i]), k) for i, k in enumerate(fit.knots)]
        choices[knot] = tried
        knots = self._ordered(choices)
        good = self.residuals_of(knots) <= limit if len(knots) else np.zeros(0, bool)
        return [fit.knots[knot], *np.unique(knots[good][:, knot]).tolist()]


def _spread(low: int, high: int, most: int = SCAN) -> Int[np.ndarray, " candidate"]:
    """At most `most` whole numbers from low to high, evenly spread, ends included."""
    return np.unique(np.linspace(low, high, min(most, high - low + 1)).round().astype(int))
