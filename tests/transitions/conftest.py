"""Planted runs: Datasets whose curves are written down, so that every event is known."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

ROWS = ("train", "test", "test_twin_free", "all")
CLASSES = 113
ATTRS = {"n_classes": CLASSES, "n_train": 3830, "n_test": 8939, "n_test_twin_free": 6200}


def over_rows(size: int, given: dict[str, np.ndarray]) -> np.ndarray:
    """Stack curves by rows, NaN where a row has none."""
    return np.stack([np.asarray(given.get(row, np.full(size, np.nan)), float) for row in ROWS])


def planted_dataset(
    steps: np.ndarray,
    *,
    accuracy: dict[str, np.ndarray] | None = None,
    loss: dict[str, np.ndarray] | None = None,
    metric_steps: np.ndarray | None = None,
    metric_accuracy: dict[str, np.ndarray] | None = None,
    metric_loss: dict[str, np.ndarray] | None = None,
    restricted: np.ndarray | None = None,
    error: float = 0.01,
    null: np.ndarray | float = 6.0,
    excluded: np.ndarray | None = None,
    norm: np.ndarray | None = None,
    keys: tuple[int, ...] = (14, 35, 41),
    suffix: str = "",
    **attrs: int | None,
) -> xr.Dataset:
    """Build a Dataset that holds exactly what is given."""
    steps = np.asarray(steps)
    variables: dict[str, object] = {"key_frequency": ("key", np.array(keys, float))}
    coords: dict[str, object] = {"step": steps, "rows": list(ROWS), "param": ["all"]}
    for name, given in (("accuracy", accuracy), ("loss", loss)):
        if given is not None:
            variables[name] = (("rows", "step"), over_rows(len(steps), given))
    for name, given in (("metric_accuracy", metric_accuracy), ("metric_loss", metric_loss)):
        if given is not None:
            coords["metric_step"] = metric_steps
            variables[name] = (("rows", "metric_step"), over_rows(len(metric_steps), given))
    if restricted is not None:
        held_out = f"restricted_loss_held_out{suffix}"
        draws = np.broadcast_to(null, len(steps))[:, None] + np.linspace(0, 1, 20)
        variables[held_out] = ("step", np.asarray(restricted, float))
        variables[f"{held_out}_se"] = ("step", np.full(len(steps), error))
        variables[f"restricted_loss_null{suffix}"] = (("step", "draw"), draws)
    if excluded is not None:
        variables["excluded_loss"] = ("step", np.asarray(excluded, float))
    if norm is not None:
        variables["weight_norm_squared"] = (("param", "step"), np.asarray(norm, float)[None])
    known = {key: value for key, value in (ATTRS | attrs).items() if value is not None}
    return xr.Dataset(variables, coords=coords, attrs=known)


def rise(steps: np.ndarray, at: float, before: float = 0.0, after: float = 1.0) -> np.ndarray:
    """Give a curve that jumps from `before` to `after` at the first step >= `at`."""
    return np.where(np.asarray(steps) >= at, after, before)


def grokking_run(steps: np.ndarray, **changes: object) -> xr.Dataset:
    """Build a whole run with known events.

    memorised 500, circuit onset 1500, online onset 2000, cleanup 6000, off chance 6500,
    grokked 7000; cleanup ends at 9000.
    """
    t = np.asarray(steps, float)
    down = np.interp(t, [0, 1499, 1500, 9000], np.log([5.0, 5.0, 4.4, 1e-6]))
    excluded = np.interp(t, [0, 500, 2000, 6000, 12000], np.log([4.7, 0.01, 0.02, 5.0, 8.0]))
    norm = np.interp(t, [0, 500, 6000, 9000, 12000], np.log([1700, 2500, 1900, 800, 790]))
    test = np.interp(t, [0, 500, 6000, 9000, 12000], np.log([4.8, 20, 8, 1e-5, 5e-6]))
    given: dict[str, object] = {
        "accuracy": {
            "train": rise(t, 500),
            "test": rise(t, 7000, before=0.3),
            "test_twin_free": rise(t, 6500, before=0.008, after=0.6),
        },
        "loss": {"train": np.exp(-t / 500), "test": np.exp(test)},
        "restricted": np.exp(down),
        "excluded": np.exp(excluded),
        "norm": np.exp(norm),
    }
    return planted_dataset(steps, **(given | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def planted() -> Callable[..., xr.Dataset]:
    """Build a Dataset that holds exactly the curves given."""
    return planted_dataset


@pytest.fixture(scope="session")
def grokking() -> Callable[..., xr.Dataset]:
    """Build a run that groks, its events known."""
    return grokking_run


@pytest.fixture(scope="session")
def step_curve() -> Callable[..., np.ndarray]:
    """Give a curve that jumps at a step."""
    return rise
