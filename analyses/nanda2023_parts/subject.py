"""The run that the table is about: what it is, its quantities, its events."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import xarray as xr

from grokscope.config import RunConfig, override
from grokscope.models.initialise import initialise
from grokscope.presets import get_preset
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_split, task_of
from grokscope.transitions import transitions
from nanda2023_parts.model import Model, model_of
from nanda2023_parts.numbers import SWEEP_LOSS
from nanda2023_parts.quantities import quantities
from nanda2023_parts.row import Subject
from nanda2023_parts.studies import Interval, first_below

PRESET = "nanda2023"
MEASURES = (
    "performance",
    "embedding_spectrum",
    "neuron_logit_spectrum",
    "gini",
    "restricted_loss",
    "restricted_loss_held_out",
    "excluded_loss",
    "weight_norms",
)
MOST = 0.9
"""Of its way: what `circuit_formed` asks of the restricted loss, asked of the test loss."""
LOOKED_BACK = 2
"""Checkpoints before the last that are measured too, to see what still moves."""


def subject_of(run: Run, ds: xr.Dataset) -> tuple[Subject, Model]:
    """Return a run as the table needs it, and its network at the last checkpoint.

    Parameters
    ----------
    run
        A run of addition by a one-layer transformer (`model_of` says what is refused).
    ds
        Its `MEASURES` at every checkpoint.
    """
    model = model_of(run)
    split, network = run.config.split, run.config.model
    events = transitions(ds)
    grokked = any(e.name == "grokked_99" and e.high is not None for e in events)
    setting = in_setting(run.config)
    before = run.steps[-1 - LOOKED_BACK : -1]
    lines = [line for line in run.metrics() if "loss_test" in line]
    subject = Subject(
        name=run.name,
        seed=split.split_seed,
        last_step=run.steps[-1],
        setting=setting,
        mainline=setting and split.split_seed == 0 and network.init_seed == 0,
        grokked=grokked,
        key=model.key,
        quantities=quantities(model),
        before={step: quantities(model_of(run, step)) for step in before if grokked},
        events=events,
        curve_below=first_below(lines, "loss_test", SWEEP_LOSS),
        cleanup_end=_most_of_the_way(lines) if grokked else (None, None),
        first_loss=first_loss(),
    )
    return subject, model


def _most_of_the_way(lines: Sequence[dict]) -> Interval:
    """Return when the test loss had come 90 % of its way down from its highest to its last value, in ln, for good."""
    logs = np.log([line["loss_test"] for line in lines])
    top = int(logs.argmax())
    level = logs[top] - MOST * (logs[top] - logs[-1])
    above = np.flatnonzero(logs > level)
    at = int(above[-1]) + 1
    return int(lines[at - 1]["step"]), int(lines[at]["step"])


def first_loss() -> float:
    """Return the training loss of the published setting with seed 1 before training."""
    config = override(get_preset(PRESET).config, split_seed=1, init_seed=1)
    task = task_of(config.task)
    weights = initialise(config.model)
    split = make_split(task, config.split)
    return Snapshot(task, split, config.model, weights).loss.train


def in_setting(config: RunConfig) -> bool:
    """Return whether a configuration is the paper's in all but its seeds and how long and how often it is looked at."""
    return _setting(config) == _setting(get_preset(PRESET).config)


def _setting(config: RunConfig) -> dict[str, dict[str, object]]:
    sections = {name: asdict(getattr(config, name)) for name in ("task", "split", "model", "optimiser")}  # fmt: skip
    return {
        name: {field: value for field, value in fields.items() if not field.endswith("seed")}
        for name, fields in sections.items()
    }
