"""Key frames: digests, everything that training needs in its shape, finite, and the weights of the checkpoint there."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from grokscope.checking.finding import Finding, fault, guarded
from grokscope.checking.recomputed import compare
from grokscope.checking.scene import CHECKPOINTS, STATE, Scene, name_of
from grokscope.errors import GrokscopeError
from grokscope.models.shapes import check_weights
from grokscope.runs.checkpoints import read_tensors

if TYPE_CHECKING:
    from grokscope.training.trainer import Trainer

PREFIX = "weights."
REMEDY = "restore it from a copy, or delete it: training then goes on from an earlier one"


def check_key_frames(scene: Scene, on_frame: Callable[[], None]) -> Iterator[Finding]:
    """Yield what is wrong with each key frame."""
    reader = _Reader(scene)
    for step in scene.frames:
        found = guarded(name_of(STATE, step), _look_at, scene, step, reader, remedy=REMEDY)
        if not (scene.is_written and not scene.frame(step).exists()):  # a later one took its place
            yield from found
        on_frame()


class _Reader:
    """Loads key frames into a trainer, as training does that goes on from them."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.trainer: Trainer | None = None

    def load(self, step: int) -> None:
        """Raise UnsoundError where a trainer could not go on from this key frame."""
        from grokscope.training.engine import EngineConfig, choose_engine
        from grokscope.training.state import load_state
        from grokscope.training.trainer import Trainer

        run = self.scene.run
        if run.split is None or not self.scene.is_ours:
            return
        if self.trainer is None:
            here = EngineConfig(compile="off", device="cpu")
            engine = choose_engine(run.config, len(run.split.rows("train")), here)
            self.trainer = Trainer(run.config, run.task, run.split, engine)
        load_state(run, self.trainer, step)


def _look_at(scene: Scene, step: int, reader: _Reader) -> Iterator[Finding]:
    name, path = name_of(STATE, step), scene.frame(step)
    if not path.exists() and not path.is_symlink():
        return  # a later one took its place meanwhile
    tensors, _ = read_tensors(path, scene.run.config_hash)
    # First of all: a trainer has the size that the configuration says, which may be a stranger's.
    own = {k.removeprefix(PREFIX): t for k, t in tensors.items() if k.startswith(PREFIX)}
    check_weights(own, scene.run.config.model, name)
    reader.load(step)
    not_finite = [n for n, t in tensors.items() if t.is_floating_point() and not t.isfinite().all()]
    if not_finite and (scene.end != "diverged" or any(n.startswith(PREFIX) for n in not_finite)):
        yield fault(name, f"{not_finite[0]} holds NaN or infinity", REMEDY)
    if step not in scene.steps:
        return
    try:
        weights = scene.run.weights(step)
    except GrokscopeError:
        return  # the checkpoint's own finding says so
    for key, weight in weights.items():
        if own[key].dtype != weight.dtype or not torch.equal(own[key], weight):
            yield _differ(scene, step, key)
            return


def _differ(scene: Scene, step: int, key: str) -> Finding:
    """Return which of key frame and checkpoint is the wrong one, as the recorded metrics say where there are any."""
    line = scene.by_step.get(step)
    if line is not None and any(c.differs for c in compare(scene, scene.run.snapshot(step))):
        return fault(
            name_of(CHECKPOINTS, step), f"{key} is not that of the key frame at step {step}"
        )
    return fault(
        name_of(STATE, step), f"{key} is not that of the checkpoint at step {step}", REMEDY
    )
