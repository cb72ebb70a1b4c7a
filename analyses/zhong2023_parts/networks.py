"""One network of Zhong et al. 2023, with what tells a clock from a pizza."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from grokscope.runs.run import Run
from published.measured import Measured, last

MEASURES = (
    "loss",
    "gradient_symmetricity",
    "distance_irrelevance",
    "circularity",
    "circle_forms",
    "weight_norm_squared",
)
QUANTITIES = ("gradient_symmetricity", "distance_irrelevance", "circularity")


@dataclass(frozen=True)
class Network:
    """One measured network.

    Attributes
    ----------
    label, seed, rate
        Setting, seed and attention rate.
    accuracy
        Test accuracy; of all rows where the split is not known.
    values
        Quantities by name, `norm` the root of the sum of all squared weights.
    circles
        Key frequency -> (clock form, pizza form), percent of the variance of its logits explained as published.
    shares
        Key frequency -> the same as squared correlations without means, in percent.
    shifted
        Of each key frequency's circle in the form of a shifted pizza, percent; empty where it was not measured.
    """

    label: str
    seed: int
    rate: float
    accuracy: float
    values: dict[str, float]
    circles: dict[int, tuple[float, float]]
    shares: dict[int, tuple[float, float]]
    shifted: tuple[float, ...] = ()

    @property
    def grokked(self) -> bool:
        """Whether it answers at least 99 % of the test rows."""
        return self.accuracy >= 0.99


def network_of(label: str, seed: int, run: Run, ds: xr.Dataset) -> Network:
    """Return what was measured of a run's last checkpoint."""
    rows = "test" if run.split is not None else "all"
    values = {name: last(ds, name) for name in QUANTITIES}
    values["norm"] = float(np.sqrt(last(ds, "weight_norm_squared", param="all")))
    keys = [int(k) for k in np.atleast_1d(ds["key_frequency"].values)]

    def percent(form: str, k: int) -> float:
        return 100 * last(ds, form, freq=k)

    circles, shares = (
        {k: (percent(f"circle_clock_{what}", k), percent(f"circle_pizza_{what}", k)) for k in keys}
        for what in ("explained", "share")
    )
    shifted = ()
    if "circle_shifted_share" in ds:
        shifted = tuple(100 * last(ds, "circle_shifted_share", freq=k) for k in keys)
    rate, accuracy = run.config.model.attention_rate, last(ds, "accuracy", rows=rows)
    return Network(label, seed, rate, accuracy, values, circles, shares, shifted)


def networks_of(measured: Measured) -> list[Network]:
    """Return every measured run of a sweep."""
    return [network_of(record.label, record.seed, run, ds) for record, run, ds in measured]
