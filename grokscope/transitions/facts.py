"""What a Dataset says about its run beside the curves: classes, chance, numbers of rows."""

from dataclasses import dataclass
from math import log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Facts:
    """Numbers from the Dataset's attributes; None where it does not know them."""

    n_classes: int | None
    n_test: int | None
    n_test_twin_free: int | None
    has_train: bool

    @classmethod
    def of(cls, ds: "xr.Dataset") -> "Facts":
        """Read the attributes of a Dataset."""

        def count(name: str) -> int | None:
            value = ds.attrs.get(name)
            return None if value is None else int(value)

        return cls(
            n_classes=count("n_classes"),
            n_test=count("n_test"),
            n_test_twin_free=count("n_test_twin_free"),
            has_train=bool(count("n_train")),
        )

    @property
    def chance_accuracy(self) -> float | None:
        """Accuracy of a guess, c = 1 / classes."""
        return None if not self.n_classes else 1 / self.n_classes

    @property
    def chance_loss(self) -> float | None:
        """Loss of a guess, ln(classes)."""
        return None if not self.n_classes else log(self.n_classes)


def off_chance_level(chance: float, n_rows: int, deviations: float) -> float:
    """Accuracy `deviations` binomial standard deviations above chance: c + d sqrt(c(1-c)/n)."""
    return chance + deviations * sqrt(chance * (1 - chance) / n_rows)


def beyond_luck(
    accuracy: Float[np.ndarray, " evaluation"], chance: float, n_rows: int, luck: float
) -> Bool[np.ndarray, " evaluation"]:
    """Whether guessing reaches so many correct rows with a probability below `luck`.

    The binomial tail P(X >= accuracy * n_rows) with success probability `chance`, exact where the
    normal approximation of `off_chance_level` fails: on small test sets.
    """
    from scipy.special import bdtrc

    correct = np.clip(np.round(accuracy * n_rows), 0, n_rows)
    tail = np.where(correct > 0, bdtrc(np.maximum(correct - 1, 0), n_rows, chance), 1.0)
    return np.asarray(tail < luck)
