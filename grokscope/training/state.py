"""Key frames: everything that training needs to go on from a step to the same bits."""

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from grokscope.config import RunConfig
from grokscope.errors import RequestError, UnsoundError
from grokscope.runs.checkpoints import checkpoint_path, list_steps, read_tensors
from grokscope.runs.run import Run

if TYPE_CHECKING:
    from grokscope.training.trainer import Trainer


def declared_keyframes(config: RunConfig) -> tuple[int, ...]:
    """Return the steps of a run's scheduled key frames, ascending.

    Those of its schedule; but with Grokfast's window, of which every key frame holds a hundred copies of the weights,
    the last alone where none were asked for.
    """
    schedule = config.schedule
    if schedule.keyframe_every == 0 and config.intervention.grokfast == "ma":
        return (schedule.steps,)
    return schedule.keyframes()


def frames(run: Run) -> tuple[int, ...]:
    """Return the steps that have a key frame on the disk, ascending, sound or not."""
    return list_steps(run.state) if run.state.is_dir() else ()


def state_tensors(trainer: "Trainer") -> dict[str, Tensor]:
    """Return weights, optimiser, batch order and what interventions remember; copies of none of them."""
    trainer.collect_state()
    tensors = {f"weights.{name}": weight for name, weight in trainer.weights.items()}
    names = _names(trainer)
    for index, slots in trainer.optimiser.state_dict()["state"].items():
        for slot, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{names[index]}.{slot}"] = value
    for key, value in trainer.interventions.state().items():
        tensors[f"intervention.{key}"] = value
    return tensors | {
        "order.generator": trainer.order.get_state(),
        "order.epoch": trainer.epoch,
    }


def read_state(run: Run, trainer: "Trainer", step: int | None = None) -> None:
    """Put `trainer` at the key frame of `step`, at the last one that is sound where None.

    Step 0, and a run that has no sound key frame, is the beginning: the trainer stays as it was made.

    Raises
    ------
    RequestError
        Where `step` has no key frame (those that there are are named).
    UnsoundError
        Where the key frame of `step` is damaged, or not of this run.
    """
    steps = frames(run)
    if step is None:
        for last in reversed(steps):
            with contextlib.suppress(UnsoundError):
                return load_state(run, trainer, last)
        return None
    if step == 0:
        return None
    if step not in steps:
        raise RequestError(
            f"{run.path} has no key frame at step {step}",
            f"0 or one of {list(steps)}" if steps else "0, the beginning",
        )
    return load_state(run, trainer, step)


def load_state(run: Run, trainer: "Trainer", step: int) -> None:
    """Put `trainer` at the key frame of `step`; where UnsoundError is raised it was not moved."""
    path = checkpoint_path(run.state, step)
    tensors, header = read_tensors(path, run.config_hash)
    try:
        if header.get("step") != str(step):
            raise ValueError(f"it says that it is step {header.get('step')}")
        state = _checked(tensors, trainer)
    except (KeyError, ValueError, RuntimeError) as error:
        raise UnsoundError(
            f"{path} is not a key frame of this run: {error}", todo="delete it"
        ) from error
    _put(trainer, tensors, state)
    trainer.step = step


def put_state(trainer: "Trainer", tensors: Mapping[str, Tensor]) -> None:
    """Go back to what `state_tensors` returned, of which the trainer may keep the tensors."""
    _put(trainer, tensors, _checked(tensors, trainer))


def _put(
    trainer: "Trainer", tensors: Mapping[str, Tensor], state: Mapping[int, dict[str, Tensor]]
) -> None:
    with torch.no_grad():
        for name, weight in trainer.weights.items():
            weight.copy_(tensors[f"weights.{name}"])
    held = trainer.optimiser.state_dict()
    trainer.optimiser.load_state_dict({"state": state, "param_groups": held["param_groups"]})
    prefix = "intervention."
    trainer.interventions.load(
        {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    )
    trainer.order.set_state(tensors["order.generator"])
    trainer.epoch = tensors["order.epoch"]


def _checked(tensors: Mapping[str, Tensor], trainer: "Trainer") -> dict[int, dict[str, Tensor]]:
    """Return the optimiser's part of a key frame; KeyError, ValueError or RuntimeError where anything does not fit."""
    for name, own in state_tensors(trainer).items():
        if name.startswith("optimiser.") or name == "order.epoch":
            continue  # what a fresh trainer has of these is not what a later one has
        _same_kind(name, tensors[name], own)
        if name.endswith("generator"):
            torch.Generator().set_state(tensors[name])
    epoch, rows = tensors["order.epoch"], trainer.train_rows
    if epoch.ndim != 1 or epoch.dtype != rows.dtype or not torch.isin(epoch, rows).all():
        raise ValueError("its batch order holds other rows than those that train")
    names, state = _names(trainer), dict[int, dict[str, Tensor]]()
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            name, slot = key.removeprefix("optimiser.").rsplit(".", 1)
            if value.ndim:
                _same_kind(key, value, trainer.weights[name])
            state.setdefault(names.index(name), {})[slot] = value
    if len({frozenset(slots) for slots in state.values()}) > 1 + _has_two_rules(trainer):
        raise ValueError("its optimiser's state is not whole")
    return state


def _same_kind(name: str, found: Tensor, wanted: Tensor) -> None:
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        raise ValueError(f"{name} is {list(found.shape)} {found.dtype}")


def _has_two_rules(trainer: "Trainer") -> bool:
    """Return whether the optimiser moves some weights by one rule and others by another, as Muon does."""
    return trainer.config.optimiser.optimiser == "muon"


def _names(trainer: "Trainer") -> list[str]:
    """Return the names of the weights in the optimiser's own order."""
    name = {id(weight): name for name, weight in trainer.weights.items()}
    groups = trainer.optimiser.param_groups
    return [name[id(weight)] for group in groups for weight in group["params"]]
