"""Datasets of runs whose events and curves are known: what a comparison says of them can be done by hand."""

import json

import numpy as np
import xarray as xr

ROWS = ["train", "test", "test_twin_free", "all"]
STEPS = np.arange(0, 1001, 100)


def planted(
    name: str,
    *,
    memorised: int = 200,
    grokked: int | None = 600,
    seed: int = 0,
    weight_decay: float = 1.0,
    steps: np.ndarray = STEPS,
    scale: float = 1.0,
    task: str = "mod_add",
    **more,
) -> xr.Dataset:
    """Build a run that is memorised, and grokked, at just these evaluations; its Gini is `scale` times the step."""
    train = (steps >= memorised).astype(float)
    test = np.zeros(len(steps)) if grokked is None else (steps >= grokked).astype(float)
    accuracy = np.stack([train, test, test, (train + test) / 2])
    loss = np.where(accuracy == 1, 1e-3, 2.0)
    ds = xr.Dataset(
        {
            "accuracy": (("rows", "step"), accuracy, {"long_name": "Accuracy", "units": "1"}),
            "loss": (("rows", "step"), loss, {"long_name": "Loss", "units": "nat"}),
            "gini_embedding": (
                ("step",),
                scale * steps / 1000.0,
                {"long_name": "Gini", "formula": "planted", "source": "by hand"},
            ),
        },
        coords={"rows": ROWS, "step": steps},
    )
    fields = {
        "task": {"task": task, "p": 7},
        "split": {"frac_train": 0.5, "split_seed": seed},
        "model": {"init_seed": seed},
        "optimiser": {"weight_decay": weight_decay, "lr": 0.001} | more,
        "preset": None,
    }
    ds.attrs = {
        "run": name,
        "task": task,
        "task_formula": "a + b mod p",
        "n_classes": 7,
        "chance_accuracy": 1 / 7,
        "chance_loss": float(np.log(7)),
        "config": json.dumps({"config": fields}),
    }
    return ds


def seeds(*grokked: int | None, **same) -> list[xr.Dataset]:
    """Build runs that differ in their seeds, and in when they grokked."""
    return [
        planted(f"seed {n}", seed=n, grokked=step, scale=1.0 + n, **same)
        for n, step in enumerate(grokked)
    ]
