"""When a measured number counts as reproduced: one rule a kind of number, stated beforehand, none tuned to a row.

Inside means: inside the published interval; or, of one published number, no further from it than two recorded runs of
the same recipe lie from each other in any number of that kind, or inside the spread of our own seeds. The two recorded
runs are the paper's and the independent one: where both give the same number, they say how far rounding alone moves it.

- equal: the same number.
- at most: no larger.
- neurons: the largest difference between the recorded runs in any neuron count.
- percent: the difference between the recorded runs in the one share that both give.
- loss: the largest ratio between the recorded runs in any loss, up or down. They take a frequency from the neurons in
  two ways, so that these losses are compared after conversion by what both ways give on the reference run.
- rounding: the printed digits, half a unit of the last.

With seeds: also inside where the published number lies between the smallest and the largest of theirs. Not so a number
that names a frequency: other seeds have other frequencies.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nanda2023_parts.numbers import INDEPENDENT, PAPER, ROWS, WAVES_OVER_NEURONS, Published

INSIDE, OUTSIDE, NOT_RUN, OTHER = "inside", "outside", "not run", "does not apply"


@dataclass(frozen=True)
class Tolerance:
    """What a row's measured number may be.

    Attributes
    ----------
    low, high
        The interval about the published number.
    words
        The rule with its number.
    seeds
        The smallest and largest value over our seeds; None without seeds.
    """

    low: float
    high: float
    words: str
    seeds: tuple[float, float] | None = None

    def verdict(self, published: float, measured: float) -> str:
        """Return inside or outside; not-a-number is outside."""
        if self.low <= measured <= self.high:
            return INSIDE
        if self.seeds is None or math.isnan(measured):
            return OUTSIDE
        return INSIDE if self.seeds[0] <= published <= self.seeds[1] else OUTSIDE


def recorded(kind: str) -> float:
    """Return how far the two recorded runs lie apart in numbers of a kind: a difference, or for losses a ratio."""
    by_run = {
        run: dict(_comparable(row) for row in ROWS if row.of == run and row.kind == kind)
        for run in (PAPER, INDEPENDENT)
    }
    both = by_run[PAPER].keys() & by_run[INDEPENDENT].keys()
    pairs = [(by_run[PAPER][name], by_run[INDEPENDENT][name]) for name in both]
    if kind == "loss":
        return max(max(a / b, b / a) for a, b in pairs)
    return max(abs(a - b) for a, b in pairs)


def tolerance(row: Published, seeds: Sequence[Mapping[str, float]] = ()) -> Tolerance:
    """Return the tolerance of a row, with the spread over seeds where there are at least two.

    Parameters
    ----------
    row
        The published number.
    seeds
        The measured quantities of each of our seeds.
    """
    value = row.value
    spread = _spread(row, seeds)
    match row.kind:
        case "equal":
            return Tolerance(value, value, "the same")
        case "at most":
            return Tolerance(-math.inf, value, "as published", spread)
        case "rounding":
            half = 0.5 * 10.0 ** -len(row.text.partition(".")[2])
            return Tolerance(value - half, value + half, f"printed digits, ± {half:g}", spread)
        case "loss":
            factor = recorded("loss")
            return Tolerance(value / factor, value * factor, f"a factor {factor:.2f}", spread)
        case _:
            apart = recorded(row.kind)
            return Tolerance(value - apart, value + apart, f"± {apart:.3g}", spread)


def _spread(row: Published, seeds: Sequence[Mapping[str, float]]) -> tuple[float, float] | None:
    """Return the smallest and largest value of a quantity over seeds; None where it names a frequency of one seed."""
    values = [found[row.quantity] for found in seeds if row.quantity in found]
    values = [value for value in values if not math.isnan(value)]
    return (min(values), max(values)) if len(values) > 1 and not row.mainline else None


def _comparable(row: Published) -> tuple[str, float]:
    """Return (name, value) of a number that both runs may give, in the independent run's definition."""
    if row.quantity.startswith("without neurons"):
        k = int(row.quantity.split()[-1])
        return f"without waves {k}", row.value * WAVES_OVER_NEURONS[k]
    return row.quantity, row.value
