"""The smallest sweep with everything in it: cases, a grid, seeds, runs that end, runs that diverge."""

from typing import Any

TINY: dict[str, Any] = {
    "name": "tiny",
    "task": "mod_add",
    "seeds": [0, 3],
    "set": {
        "p": 5, "d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 12, "lr": 0.02, "warmup": 0, "steps": 8,
        "eval_every": 3, "checkpoint_every": 4, "frac_train": 0.9, "loss_dtype": "float32",
    },
    "grid": {"frac_train": [0.6, 0.8]},
    "case": [
        {"name": "AdamW, to zero"},
        {"name": "too fast", "lr": 1e30},
    ],
}  # fmt: skip


def changed(**parts: Any) -> dict[str, Any]:
    """Return the sweep with parts replaced; None leaves one out."""
    return {k: v for k, v in (TINY | parts).items() if v is not None}


def only(**fields: Any) -> dict[str, Any]:
    """Return a sweep of one setting and one seed, with these fields changed."""
    return changed(set=TINY["set"] | fields, grid=None, case=None, seeds=[0])
