"""The Dataset of a sweep, of believable shape and with planted answers, without any training."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

EVENTS = [
    "memorised", "off_chance", "grokked_50", "grokked_90", "grokked_95", "grokked_99", "diverged",
]  # fmt: skip
ROWS = ["train", "test", "test_twin_free"]
LEVELS = {"grokked_50": 0.5, "grokked_90": 0.9, "grokked_95": 0.95, "grokked_99": 0.99}

Setting = dict[str, Any]


def grid(last: int, every: int = 10) -> np.ndarray:
    """Evaluated steps: every 10 to 1,000, then about 60 a decade, the last one among them."""
    early = np.arange(0, min(1000, last) + 1, every)
    late = np.geomspace(1000, max(last, 1001), 180)
    return np.unique(np.concatenate([early, (late / every).round() * every, [last]]).astype(int))


def sweep(
    settings: Sequence[Setting],
    seeds: Sequence[int] = (0, 1, 2),
    *,
    grok: Callable[[Setting, int], float],
    memorise: Callable[[Setting, int], float] = lambda setting, seed: 300.0 + 40 * seed,
    top: Callable[[Setting, int], float] = lambda setting, seed: 1.0,
    last: int = 100_000,
    stop_early: bool = False,
    name: str = "synthetic",
) -> xr.Dataset:
    """Build a sweep in which each run memorises and groks at the steps that two functions say.

    Accuracy rises as a logistic function of ln(step), to 0.995 of `top` at the step of grokking; infinity: never.
    Events are read off the curves: the first evaluated step at or above the level.
    """
    step = grid(last)
    shape = (len(settings), len(seeds), len(step))
    accuracy = np.full((len(ROWS), *shape), np.nan)
    loss = np.full_like(accuracy, np.nan)
    low = np.full((len(EVENTS), *shape[:2]), np.nan)
    high = np.full_like(low, np.nan)
    status = np.full(shape[:2], "done", dtype=object)
    last_step = np.full(shape[:2], last)
    for r, setting in enumerate(settings):
        for s, seed in enumerate(seeds):
            train = rise(step, memorise(setting, seed), 3.0)
            test = 0.01 + (top(setting, seed) - 0.01) * rise(step, grok(setting, seed), 4.0)
            both = np.stack([np.maximum(train, 0.01), test, np.maximum(test - 0.004, 0)])
            bump = np.exp(-np.square(np.log10(np.maximum(step, 1) / 3e3)))
            losses = np.stack([4.6 * (1 - train) + 1e-5, (4.6 + 6 * bump) * (1 - test) + 1e-4,
                               (4.6 + 7 * bump) * (1 - test) + 1e-4])  # fmt: skip
            end = len(step) - 1
            if stop_early and (test >= 0.99).any():
                end = int(np.argmax(test >= 0.99))
                status[r, s], last_step[r, s] = "stopped early", step[end]
            accuracy[:, r, s, : end + 1] = both[:, : end + 1]
            loss[:, r, s, : end + 1] = losses[:, : end + 1]
            for e, event in enumerate(EVENTS):
                curve = both[0] if event == "memorised" else both[1]
                hit = curve[: end + 1] >= (
                    0.05 if event == "off_chance" else LEVELS.get(event, 0.99)
                )
                if event == "diverged" or not hit.any():
                    low[e, r, s] = step[end]
                    continue
                first = int(np.argmax(hit))
                high[e, r, s] = step[first]
                low[e, r, s] = step[first - 1] if first else np.nan
    ds = xr.Dataset(
        {
            "accuracy": (("rows", "run", "seed", "step"), accuracy),
            "loss": (("rows", "run", "seed", "step"), loss),
            "best_accuracy": (("rows", "run", "seed"), np.nanmax(accuracy, axis=-1)),
            "final_accuracy": (("rows", "run", "seed"), _last(accuracy)),
            "event_low": (("event", "run", "seed"), low),
            "event_high": (("event", "run", "seed"), high),
            "status": (("run", "seed"), status.astype(str)),
            "last_step": (("run", "seed"), last_step),
        },
        coords={"run": [label(s) for s in settings], "seed": list(seeds), "step": step,
                "rows": ROWS, "event": EVENTS},
        attrs={"kind": "sweep", "name": name, "task": "mod_div", "task_formula": "a / b mod 97",
               "specification": json.dumps({"name": name})},
    )  # fmt: skip
    for field in settings[0]:
        if len({s[field] for s in settings}) > 1:
            ds = ds.assign_coords({field: ("run", [s[field] for s in settings])})
    for variable, units in (("loss", "nats"), ("accuracy", "share"), ("best_accuracy", "share"),
                            ("final_accuracy", "share"), ("event_low", "step"), ("event_high", "step")):  # fmt: skip
        ds[variable].attrs = {"long_name": variable.replace("_", " "), "units": units,
                              "formula": f"formula of {variable}", "source": "a source"}  # fmt: skip
    return ds


def rise(step: np.ndarray, at: float, sharp: float) -> np.ndarray:
    """A logistic rise in ln(step) that is 0.995 at the step `at`; nothing for infinity."""
    if not np.isfinite(at):
        return np.zeros(len(step))
    shift = np.log(0.995 / 0.005) / sharp
    return 1 / (1 + np.exp(-sharp * (np.log(np.maximum(step, 1e-9)) - np.log(at) + shift)))


def label(setting: Setting) -> str:
    """As the contract has it: the case's name, then the grid's fields."""
    words = [str(setting["case"])] if "case" in setting else []
    words += [f"{k} {v}" for k, v in setting.items() if k not in ("case", "optimiser")]
    return ", ".join(words)


def _last(accuracy: np.ndarray) -> np.ndarray:
    seen = np.isfinite(accuracy)
    position = accuracy.shape[-1] - 1 - np.argmax(seen[..., ::-1], axis=-1)
    return np.take_along_axis(accuracy, position[..., None], -1)[..., 0]
