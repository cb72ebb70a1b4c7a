"""Which split a foreign model was trained on, told by its own recorded losses.

A published file rarely holds its split, but a rule is published: shuffle the p * p ordered pairs,
in row order, with Python's `random.seed(s); random.shuffle`, and train on the first int(f n) (Nanda
et al. 2023). There are few seeds and fractions, and each says what the training and the test loss
must be, since the loss of every row is known from the weights. So the split is found by looking for
the (s, f) whose two means are the recorded ones.

**Tolerance.** Recorded losses are means of float32 losses (an error of some 1e-7 in each row,
however small the loss), so a mean matches within `rel` (1e-3) of itself plus `absolute` (6e-8, half
a float32 epsilon, the step in which a tiny log-softmax moves). The last recorded loss is mostly not
that of the saved weights: it was computed one update (test: one stride) earlier. In the one
published file where this was seen, 2.9708e-4 is recorded and the weights have 3.0452e-4, which no
tolerance worth having would accept. `expected_loss` therefore carries the curve on to the step of
the weights, on a logarithmic scale, once along a line and once along a parabola; the distance of
the two is taken as its error. There it gives 3.0452e-4 within 1e-4.

**False positives.** Training and test loss of a candidate are tied by their sum over all rows,
which is first compared with the recorded one: this excludes wrong fractions and losses that are not
of these weights, before any shuffle. What is left is in effect one number for each seed, the
training mean, and a chance match is as frequent as candidates lie densely around the recorded
value. That density is measured, not assumed: if k of the candidates that are *not* the match lie
within m times its tolerance, a chance match is expected k / m times. The match is accepted only if
it is the only one and k / m is below .05 for every m of 10, 100, 1000. A model that has memorised,
or is on its way out of it, passes easily: the training rows have losses that no other 30 % of the
rows come near. An untrained model, or one whose rows all have the same loss, is refused, as it
should be.
Tried on the row losses of two published models with the means of 120 splits each whose seeds are no
candidates, no match was found in 240.
"""

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import Tensor

FRACTIONS = (0.3, 0.1, 0.2, 0.25, 0.28, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SEEDS = range(100)
WINDOWS = (10, 100, 1000)
MAX_CHANCE = 0.05
MAX_EXTRAPOLATION = 0.1


class Expected(NamedTuple):
    """A loss with the relative error within which it is known."""

    value: float
    rel: float


class IdentifiedSplit(NamedTuple):
    """A split by the published rule: seed, shuffle the rows, the first int(frac * n) train."""

    split_seed: int
    frac_train: float


def expected_loss(
    steps: Int64[ndarray, " record"],
    values: Float64[ndarray, " record"],
    step: int,
    rel: float = 1e-3,
) -> Expected | None:
    """Return the loss of a recorded curve at `step`, carried on by at most one stride.

    Parameters
    ----------
    steps, values
        The recorded curve, by ascending step.
    step
        Step of the weights.
    rel
        Relative error of a recorded value.

    Returns
    -------
    Expected or None
        None where the step lies neither on the curve nor one stride behind it, or where the curve
        bends so much that a line and a parabola through its end differ by more than a tenth.
    """
    at = np.flatnonzero(steps == step)
    if len(at):
        value = float(values[at[0]])
        return Expected(value, rel) if np.isfinite(value) and value >= 0 else None
    if (
        len(steps) < 3
        or step != 2 * steps[-1] - steps[-2]
        or steps[-1] - steps[-2] != steps[-2] - steps[-3]
    ):
        return None
    tail = values[-3:]
    if not (np.isfinite(tail).all() and (tail > 0).all()):
        return None
    first, second, third = np.log(tail)
    line = 2 * third - second
    parabola = 3 * third - 3 * second + first
    error = abs(float(np.expm1(line - parabola)))
    return None if error > MAX_EXTRAPOLATION else Expected(float(np.exp(parabola)), rel + error)


def identify_split(
    per_row_loss: Float64[Tensor, " input"],
    recorded_train: float | Expected,
    recorded_test: float | Expected,
    seeds: Iterable[int] = SEEDS,
    fractions: Sequence[float] = FRACTIONS,
    rel: float = 1e-3,
    absolute: float = 6e-8,
) -> IdentifiedSplit | None:
    """Return the published-rule split with the recorded losses; None where that is not certain.

    Parameters
    ----------
    per_row_loss
        Cross-entropy of each of the n ordered pairs, in row order (a slowest), in nats, over the
        classes that were trained.
    recorded_train, recorded_test
        Losses at the step of the weights; plain numbers are known within `rel`.
    seeds, fractions
        The candidates.
    absolute
        Error of a recorded mean that does not shrink with it, in nats.

    Notes
    -----
    See the head of this file for the tolerance and for why a chance match is negligible.
    """
    train, test = (
        loss if isinstance(loss, Expected) else Expected(float(loss), rel)
        for loss in (recorded_train, recorded_test)
    )
    loss = per_row_loss.detach().to(torch.float64).cpu().numpy()
    if not (np.isfinite(loss).all() and np.isfinite([*train, *test]).all()):
        return None
    near_train, near_test = (e.rel * abs(e.value) + absolute for e in (train, test))
    counts = _possible(loss, train.value, test.value, near_train, near_test, fractions)
    if not counts:
        return None
    matches: list[IdentifiedSplit] = []
    away: list[float] = []
    for seed in seeds:
        running = np.cumsum(loss[_shuffled(len(loss), seed)])
        for n_train, fraction in counts.items():
            mean_train = running[n_train - 1] / n_train
            mean_test = (running[-1] - running[n_train - 1]) / (len(loss) - n_train)
            off = abs(mean_train - train.value) / near_train
            if off <= 1 and abs(mean_test - test.value) <= near_test:
                matches.append(IdentifiedSplit(seed, fraction))
                if len(matches) > 1:
                    return None
            else:
                away.append(off)
    expected_by_chance = max(sum(off <= window for off in away) / window for window in WINDOWS)
    return matches[0] if matches and expected_by_chance < MAX_CHANCE else None


def _possible(
    loss: Float64[ndarray, " input"],
    train: float,
    test: float,
    near_train: float,
    near_test: float,
    fractions: Sequence[float],
) -> dict[int, float]:
    """Return n_train -> fraction where the two recorded means give the sum over all rows."""
    n, total = len(loss), float(loss.sum())
    counts: dict[int, float] = {}
    for fraction in fractions:
        n_train = int(fraction * n)
        if 0 < n_train < n:
            n_test = n - n_train
            if (
                abs(n_train * train + n_test * test - total)
                <= n_train * near_train + n_test * near_test
            ):
                counts.setdefault(n_train, fraction)
    return counts


def _shuffled(n: int, seed: int) -> Int64[ndarray, " input"]:
    rows = list(range(n))
    random.Random(seed).shuffle(rows)
    return np.array(rows, dtype=np.int64)
