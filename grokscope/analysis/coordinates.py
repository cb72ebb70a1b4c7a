"""The labels along the dataset's dimensions: names and numbers, which need no weights, and two that do."""

import json
from collections.abc import Collection
from typing import Any

import numpy as np
import torch

from grokscope.analysis.cache import Cache
from grokscope.analysis.cache_file import Kept
from grokscope.models.shapes import weight_shapes
from grokscope.runs.context import Context
from grokscope.runs.key import GROUP_RULES, RULES
from grokscope.runs.products import irreps_of, product_form_of
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import N_DRAWS
from grokscope.tasks import ROWS

OF_FINAL = ("ablation_loss", "neuron_activation")
"""Variables whose labels are read off the final weights: what can be ablated, which neurons are shown."""


def weightless_snapshot(run: Run, context: Context, step: int) -> Snapshot:
    """Return a snapshot whose weights have names and shapes and no numbers: for what all steps have in common."""
    config = run.config.model
    shapes = weight_shapes(config)
    weights = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    return Snapshot(run.task, run.split, config, weights, step, run, context)


def coordinates(snap: Snapshot) -> dict[str, Any]:
    """Return the coordinate of each dimension that has names or numbers of its own, whatever the weights are."""
    from grokscope.measures.ablations import MODES

    config, task = snap.config, snap.task
    found: dict[str, Any] = {
        "rows": list(ROWS),
        "param": [*snap.weights, "all"],
        "head": np.arange(config.n_heads),
        "pos": np.arange(config.n_ctx),
        "draw": np.arange(N_DRAWS),
        "phase": ["cos", "sin"],
        "mode": list(MODES),
        "rule": list(RULES),
        "token": np.arange(task.p),
        "class": np.arange(task.n_classes),
        "input": np.arange(task.n_inputs),
        "d_model": np.arange(config.d_model),
    }
    if snap.has_neurons:
        found["neuron"] = np.arange(config.d_mlp)
    if task.cyclic is not None:
        found["freq"] = np.arange(1, task.cyclic.n_freq + 1)
    elif irreps_of(snap) is not None:
        found["rule"] = list(GROUP_RULES)
    form = product_form_of(snap)
    if form is not None:
        found["irrep"] = list(form.irreps.names)
    return found


def coordinates_of_final(
    run: Run, context: Context, cache: Cache, step: int, variables: Collection[str]
) -> dict[str, Any]:
    """Return the labels of what is ablated and of the neurons that are shown, where the dataset has them."""
    from grokscope.measures.ablations import component_names
    from grokscope.measures.displays import example_neurons

    wanted = sorted(set(OF_FINAL) & set(variables))
    if not wanted:
        return {}
    name = f"labels {context.key} {wanted}"
    kept = cache.named(name, step, final=True)
    if kept is None:
        snap = context.living_snapshot(step) or run.snapshot(step, context)
        values: dict[str, np.ndarray] = {}
        if "ablation_loss" in wanted:
            text = json.dumps(component_names(snap)).encode()
            values["component"] = np.frombuffer(text, dtype=np.uint8)
        if "neuron_activation" in wanted:
            values["example_neuron"] = np.asarray(example_neurons(snap), dtype=np.int64)
        kept = Kept(cache.keys.named(name, step), (), values)
        cache.keep(step, {name: kept}, final=True)
    found: dict[str, Any] = dict(kept.values)
    if "component" in found:
        found["component"] = json.loads(found["component"].tobytes())
    return found
