"""Which form the logits of one circle have: a clock's cos w(x + y - c), or a pizza's |cos w(x - y)/2| times that."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

FORMS = ("clock", "pizza")


@dataclass(frozen=True)
class FormShares:
    """How much of the logits a form explains, in two conventions.

    Attributes
    ----------
    share
        Share of the logits' energy on the form, r^2, after both means are taken away: over answers, which the softmax
        does not see, and over inputs, which is a constant for each answer.
    published
        2 r - 1, the fraction of variance explained by the form scaled to the variance of the logits (not by least
        squares), one mean taken away. It can be negative.
    """

    share: float
    published: float


def circle_form(n: int, k: int, form: str, turn: float = 0.0) -> Float[ndarray, "n n n"]:
    """Return the logits [x, y, c] of a form at frequency k.

    clock: cos w(x + y - c); pizza: |cos (w(x - y) - turn)/2| cos w(x + y - c), with w = 2 pi k / n. Both have mean 0
    over c, and over all (x, y) but for k = n / 2. `turn` is the angle by which the second operand's circle is ahead.

    Source: Zhong et al. 2023 (arXiv 2306.17844), section 3.
    """
    # cos(w (x - y) / 2) changes sign with a turn of x, its absolute value does not.
    x = np.arange(n)
    total = x[:, None] + x
    logits = np.cos(2 * np.pi * k / n * (total[..., None] - x))
    if form == "pizza":
        logits = logits * np.abs(np.cos(np.pi * k / n * (x[:, None] - x) - turn / 2))[..., None]
    return logits


def form_shares(
    logits: Float[ndarray, "n n n"], k: int, form: str, turn: float = 0.0
) -> FormShares:
    """Return how much of the logits [x, y, c] of a circle has a form; not-a-number for constant logits.

    Parameters
    ----------
    logits
        By the operands' exponents and the answer's; float64.
    k
        Frequency of the circle.
    form
        clock or pizza.
    turn
        As for `circle_form`.

    Notes
    -----
    The means that `share` takes away are harmless ones: a model whose other circles are taken away is left with the
    answers' preferences that these balanced. With them, in the published clock no circle has the form of a clock.
    """
    expected = circle_form(len(logits), k, form, turn)
    centred = logits - logits.mean(2, keepdims=True)
    r = _correlation(centred - centred.mean((0, 1)), expected - expected.mean((0, 1)))
    r_published = _correlation(logits - logits.mean(), expected - expected.mean())
    return FormShares(r * r, 2 * r_published - 1)


def profile_share(logits: Float[ndarray, "n n n"], k: int) -> float:
    """Return the share of a circle's logits [x, y, c] on f(x - y) cos w(x + y - c) with any f; NaN for constant logits.

    It is what a form like the clock's or the pizza's can have at most. The means of `FormShares.share` are taken away.
    """
    n = len(logits)
    centred = logits - logits.mean(2, keepdims=True)
    centred = centred - centred.mean((0, 1))
    along = (centred * circle_form(n, k, "clock")).sum(2)
    x = np.arange(n)
    by_distance = np.array([along[(x + d) % n, x].sum() for d in range(n)])
    # sum of cos^2 over the n pairs at a distance and the n answers
    norm = n * (n if 2 * k == n else n / 2) * float(np.vdot(centred, centred))
    return float(by_distance @ by_distance / norm) if norm > 0 else float("nan")


def circle_turn(
    first: Float[ndarray, "n column"], second: Float[ndarray, "n column"], k: int
) -> tuple[float, float]:
    """Return (alignment, angle) of two operands' circles: how far the second is the first one, turned.

    With F(x) = sum_x table[x] exp(-i w x), the angle is that of sum F_second conj(F_first), and the alignment is its
    absolute value over the norms of both: 1 where second[x] = first[x + angle / w] at frequency k, 0 where the columns
    have phases of their own. Not-a-number where a table has nothing at k.
    """
    wave = np.exp(-2j * np.pi * k / len(first) * np.arange(len(first)))
    one, two = wave @ first, wave @ second
    norm = float(np.linalg.norm(one) * np.linalg.norm(two))
    if norm == 0:
        return float("nan"), float("nan")
    product = complex(np.vdot(one, two))
    return abs(product) / norm, float(np.angle(product))


def _correlation(first: Float[ndarray, "n n n"], second: Float[ndarray, "n n n"]) -> float:
    energy = float(np.vdot(first, first) * np.vdot(second, second))
    return float(np.vdot(first, second)) / energy**0.5 if energy > 0 else float("nan")
