"""Small runs whose checkpoints are random weights, and a count of what an analysis computes."""

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from grokscope.config import RunConfig, override
from grokscope.measures import registry
from grokscope.models.initialise import initialise
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.run import Run, create_run

SHAPE = dict(p=7, frac_train=0.5, d_model=16, d_head=4, d_mlp=24, steps=40)
STEPS = (0, 10, 20, 30)


def make_run(path: Path, steps=STEPS, **fields) -> Run:
    """Write a run with random weights at `steps`."""
    p = fields.get("p", 7)
    config = override(RunConfig(), **(SHAPE | {"d_vocab": p + 1, "d_vocab_out": p + 1} | fields))
    run = create_run(path, config)
    for step in steps:
        add_checkpoint(run, step)
    return run


def add_checkpoint(run: Run, step: int, seed: int | None = None, scale: float = 1.0) -> None:
    """Write random weights as the checkpoint of a step."""
    shape = dataclasses.replace(run.config.model, init_seed=step if seed is None else seed)
    weights = {name: scale * w for name, w in initialise(shape).items()}
    write_tensors(checkpoint_path(run.checkpoints, step), weights, step, run.config_hash)


@contextlib.contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    """Count (measure, step) as they are really computed inside."""
    found: Counter = Counter()
    plain, over = registry.Measure.__call__, registry.Measure.over

    def call(self, snapshot):
        found[self.name, snapshot.step] += 1
        return plain(self, snapshot)

    def call_over(self, snapshots):
        found.update((self.name, s.step) for s in snapshots)
        return over(self, snapshots)

    with monkeypatch.context() as patch:
        patch.setattr(registry.Measure, "__call__", call)
        patch.setattr(registry.Measure, "over", call_over)
        yield found
