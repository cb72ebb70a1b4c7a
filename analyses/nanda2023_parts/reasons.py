"""Why a number lies outside its tolerance, from what was measured; where nothing tells, that it is not known."""

import math
from collections.abc import Mapping

from nanda2023_parts.numbers import KEY, Published

PAPER_STEP = 40_000
MOVES = 1.3
"""A quantity that changed by more than this factor since the checkpoint before has not settled."""


def reason(
    row: Published,
    quantities: Mapping[str, float],
    before: Mapping[int, Mapping[str, float]],
    last_step: int,
    grokked: bool,
) -> str:
    """Return why a row is outside.

    Parameters
    ----------
    row
        The row.
    quantities
        Measured at the last checkpoint.
    before
        The same at checkpoints before it, by step.
    last_step
        The last checkpoint.
    grokked
        Whether the run has grokked by then.
    """
    if not grokked:
        return "the run has not grokked: the published network has"
    value = quantities.get(row.quantity, math.nan)
    if math.isnan(value):
        frequency = row.quantity.split()[-1]
        return (
            f"{frequency} is no key frequency here" if frequency.isdigit() else "no key frequency"
        )
    if row.quantity == "attention skip, zero":
        return _attention_skip(quantities)
    if row.quantity == "W_L directions kept":
        return (
            f"here W_L is of rank ten but for {quantities['W_L residual by rank']:.2g} % of its norm, so "
            f"that the projection changes the loss by {abs(value / quantities['loss'] - 1):.1%} only; why it "
            "halves the paper's is not known"
        )
    if row.mainline and row.quantity.startswith("neurons "):
        return _neurons(row, quantities, before, last_step)
    moving = _moving(row.quantity, value, before)
    if moving:
        last = max(before)
        if abs(value - row.value) > abs(before[last][row.quantity] - row.value):
            return f"not known: {moving} at {last_step:,}, away from the published number since step {last:,}"
        told = (
            f"not settled: {moving} at {last_step:,}; the paper's network is of step {PAPER_STEP:,}"
        )
        if row.quantity == "W_L residual":
            told += f". The best ten directions of any shape leave {quantities['W_L residual by rank']:.2g} %"
        return told
    if not before:
        return f"one checkpoint alone: whether it has settled cannot be told; the paper's is of step {PAPER_STEP:,}"
    return "not known"


def _attention_skip(quantities: Mapping[str, float]) -> str:
    constant = quantities["attention skip, mean"] / quantities["loss"] - 1
    return (
        "that stream is the same vector for every pair (its mean in its place changes the loss by "
        f"{abs(constant):.1e} of it), so only a constant is lost; why the published network needs it is not known"
    )


def _neurons(
    row: Published,
    quantities: Mapping[str, float],
    before: Mapping[int, Mapping[str, float]],
    last_step: int,
) -> str:
    k = row.quantity.split()[-1]
    best = quantities[f"best {k}"]
    told = f"{best:.0f} neurons have {k} as their best frequency, {quantities[f'neurons {k}']:.0f} pass .85"
    moving = _moving(row.quantity, quantities[row.quantity], before)
    told += f"; the count is still rising ({moving} at {last_step:,})" if moving else ""
    if int(k) not in KEY or best < row.value:
        told += (
            "; so fewer than the paper's were recruited at all: runs of one seed differ by rounding"
        )
    return told


def _moving(quantity: str, value: float, before: Mapping[int, Mapping[str, float]]) -> str:
    """Return the way of a quantity that still moves between the last checkpoints, in words; nothing where it rests."""
    steps = sorted(before)
    if quantity.startswith("share"):  # what is left unexplained is what moves
        value = 100 - value
        before = {step: {quantity: 100 - before[step][quantity]} for step in steps}
    values = [before[step].get(quantity, math.nan) for step in steps]
    if not steps or not values[-1] or not value or math.isnan(values[-1]):
        return ""
    ratio = max(value / values[-1], values[-1] / value)
    if ratio <= MOVES:
        return ""
    way = ", ".join(f"{v:.3g} at step {s:,}" for s, v in zip(steps, values, strict=True))
    left = "unexplained " if quantity.startswith("share") else ""
    return f"{left}{way}, {value:.3g}"
