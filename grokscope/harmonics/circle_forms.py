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


def circle_form(n: int, k: int, form: str) -> Float[ndarray, "n n n"]:
    """Return the logits [x, y, c] of a form at frequency k.

    clock: cos w(x + y - c); pizza: |cos w(x - y)/2| cos w(x + y - c), with w = 2 pi k / n. Both have mean 0 over c, and
    over all (x, y) but for k = n / 2.

    Source: Zhong et al. 2023 (arXiv 2306.17844), section 3.
    """
    # cos(w (x - y) / 2) changes sign with a turn of x, its absolute value does not.
    x = np.arange(n)
    total = x[:, None] + x
    logits = np.cos(2 * np.pi * k / n * (total[..., None] - x))
    if form == "pizza":
        logits = logits * np.abs(np.cos(np.pi * k / n * (x[:, None] - x)))[..., None]
    return logits


def form_shares(logits: Float[ndarray, "n n n"], k: int, form: str) -> FormShares:
    """Return how much of the logits [x, y, c] of a circle has a form; not-a-number for constant logits.

    Parameters
    ----------
    logits
        By the operands' exponents and the answer's; float64.
    k
        Frequency of the circle.
    form
        clock or pizza.

    Notes
    -----
    The means that `share` takes away are harmless ones: a model whose other circles are taken away is left with the
    answers' preferences that these balanced. With them, in the published clock no circle has the form of a clock.
    """
    expected = circle_form(len(logits), k, form)
    centred = logits - logits.mean(2, keepdims=True)
    r = _correlation(centred - centred.mean((0, 1)), expected - expected.mean((0, 1)))
    r_published = _correlation(logits - logits.mean(), expected - expected.mean())
    return FormShares(r * r, 2 * r_published - 1)


def _correlation(first: Float[ndarray, "n n n"], second: Float[ndarray, "n n n"]) -> float:
    energy = float(np.vdot(first, first) * np.vdot(second, second))
    return float(np.vdot(first, second)) / energy**0.5 if energy > 0 else float("nan")
