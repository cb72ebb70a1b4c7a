"""Which form the logits of one circle have: a clock's cos w(x + y - c), or a pizza's |cos w(x - y)/2| times that.

Source: Zhong et al. 2023 (arXiv 2306.17844), section 4 and table 1; profile and turned pizza are grokscope's own.
"""

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
    x = np.arange(n)
    total = x[:, None] + x
    waves = np.cos(2 * np.pi * k / n * (total[..., None] - x))
    return waves * _profile(n, k, form, turn)[..., None]


@dataclass(frozen=True, eq=False)
class CircleProjection:
    """What the forms at one frequency need of logits L[x, y, c]: every form is f(x - y) cos w(x + y - c).

    Attributes
    ----------
    k
        The frequency.
    along
        sum_c L~ cos w(x + y - c) for each (x, y), L~ the logits without their means over c and over (x, y).
    energy
        Sum of L~^2.
    answer_means
        Mean of L over (x, y), less that of all.
    total_energy
        Sum of (L - mean of all)^2.
    """

    k: int
    along: Float[ndarray, "n n"]
    energy: float
    answer_means: Float[ndarray, " n"]
    total_energy: float

    @property
    def squares(self) -> float:
        """The sum over c of cos^2 w(x + y - c), the same for all (x, y)."""
        n = len(self.along)
        return float(n) if 2 * self.k == n else n / 2

    def shares(self, form: str, turn: float = 0.0) -> FormShares:
        """Return `form_shares`."""
        n = len(self.along)
        x = np.arange(n)
        profile = np.broadcast_to(_profile(n, self.k, form, turn), (n, n))
        wave = np.exp(2j * np.pi * self.k / n * (x[:, None] + x))
        # The form's mean over (x, y) for each c, which is 0 but at the Nyquist frequency.
        means = ((profile * wave).mean() * np.exp(-2j * np.pi * self.k / n * x)).real
        form_energy = float(self.squares * np.square(profile).sum())
        own = float(np.vdot(profile, self.along))
        centred = form_energy - n * n * float(means @ means)
        r = _correlation(own, self.energy, centred)
        whole = own + n * n * float(self.answer_means @ means)
        return FormShares(r * r, 2 * _correlation(whole, self.total_energy, form_energy) - 1)

    def profile_share(self) -> float:
        """Return `profile_share`."""
        n = len(self.along)
        x = np.arange(n)
        by_distance = np.array([self.along[(x + d) % n, x].sum() for d in range(n)])
        norm = n * self.squares * self.energy
        return float(by_distance @ by_distance / norm) if norm > 0 else float("nan")


def circle_projection(logits: Float[ndarray, "n n n"], k: int) -> CircleProjection:
    """Return what the forms at frequency k need of logits [x, y, c]; sums in float64, one row x at a time."""
    n = len(logits)
    x = np.arange(n)
    answer_means = logits.reshape(n * n, n).mean(0, dtype=np.float64)
    waves = np.exp(-2j * np.pi * k / n * x)
    waves = np.stack([waves.real, waves.imag], axis=1)
    along, pair_means, energy = np.empty((n, n)), np.empty((n, n)), 0.0
    row = np.empty((n, n))
    for first in range(n):
        np.subtract(logits[first], answer_means, out=row)
        row.mean(1, out=pair_means[first])
        row -= pair_means[first][:, None]
        energy += float(np.vdot(row, row))
        re, im = (row @ waves).T
        angle = 2 * np.pi * k / n * (first + x)
        along[first] = np.cos(angle) * re - np.sin(angle) * im
    answer_means = answer_means - answer_means.mean()
    rest = n * float(np.vdot(pair_means, pair_means)) + n * n * float(answer_means @ answer_means)
    return CircleProjection(k, along, energy, answer_means, energy + rest)


def form_shares(
    logits: Float[ndarray, "n n n"], k: int, form: str, turn: float = 0.0
) -> FormShares:
    """Return how much of the logits [x, y, c] of a circle has a form; not-a-number for constant logits.

    Parameters
    ----------
    logits
        By the operands' exponents and the answer's.
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
    return circle_projection(logits, k).shares(form, turn)


def profile_share(logits: Float[ndarray, "n n n"], k: int) -> float:
    """Return the share of a circle's logits [x, y, c] on f(x - y) cos w(x + y - c) with any f; NaN for constant logits.

    It is what a form like the clock's or the pizza's can have at most. The means of `FormShares.share` are taken away.
    """
    return circle_projection(logits, k).profile_share()


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


def _profile(n: int, k: int, form: str, turn: float) -> Float[ndarray, "#n #n"]:
    """Return f(x - y) of a form f(x - y) cos w(x + y - c)."""
    if form == "clock":
        return np.ones((1, 1))
    # cos(w (x - y) / 2) changes sign with a turn of x, its absolute value does not.
    x = np.arange(n)
    return np.abs(np.cos(np.pi * k / n * (x[:, None] - x) - turn / 2))


def _correlation(product: float, first: float, second: float) -> float:
    energy = first * second
    return product / energy**0.5 if energy > 0 else float("nan")
