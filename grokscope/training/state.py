"""Key frames: everything that training needs to go on from a step to the same bits."""

from typing import TYPE_CHECKING

import torch

from grokscope.errors import UnsoundError
from grokscope.files import make_folder
from grokscope.runs.checkpoints import checkpoint_path, list_steps, read_tensors, write_tensors
from grokscope.runs.run import Run

if TYPE_CHECKING:
    from grokscope.training.trainer import Trainer


def write_state(run: Run, trainer: "Trainer") -> None:
    """Keep weights, optimiser, batch order and what interventions remember; nothing where a weight is not finite."""
    if not trainer.is_finite():
        return
    make_folder(run.state)
    trainer.collect_state()
    tensors = {f"weights.{name}": weight for name, weight in trainer.weights.items()}
    names = _names(trainer)
    for index, slots in trainer.optimiser.state_dict()["state"].items():
        for slot, value in slots.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimiser.{names[index]}.{slot}"] = value
    for key, value in trainer.interventions.state().items():
        tensors[f"intervention.{key}"] = value
    tensors["order.generator"] = trainer.order.get_state()
    tensors["order.epoch"] = trainer.epoch
    write_tensors(checkpoint_path(run.state, trainer.step), tensors, trainer.step, run.config_hash)


def read_state(run: Run, trainer: "Trainer") -> None:
    """Put `trainer` where the last key frame of `run` was; at the beginning where there is none."""
    steps = list_steps(run.state) if run.state.is_dir() else ()
    if not steps:
        return
    path = checkpoint_path(run.state, steps[-1])
    tensors, _ = read_tensors(path, run.config_hash)
    names = _names(trainer)
    try:
        with torch.no_grad():
            for name, weight in trainer.weights.items():
                weight.copy_(tensors[f"weights.{name}"])
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimiser."):
                name, slot = key.removeprefix("optimiser.").rsplit(".", 1)
                state.setdefault(names.index(name), {})[slot] = value
        held = trainer.optimiser.state_dict()
        trainer.optimiser.load_state_dict({"state": state, "param_groups": held["param_groups"]})
        prefix = "intervention."
        trainer.interventions.load(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
        trainer.order.set_state(tensors["order.generator"])
        trainer.epoch = tensors["order.epoch"]
    except (KeyError, ValueError, RuntimeError) as error:
        raise UnsoundError(
            f"{path} is not a key frame of this run: {error}", todo="delete it"
        ) from error
    trainer.step = steps[-1]


def _names(trainer: "Trainer") -> list[str]:
    """Return the names of the weights in the optimiser's own order."""
    name = {id(weight): name for name, weight in trainer.weights.items()}
    groups = trainer.optimiser.param_groups
    return [name[id(weight)] for group in groups for weight in group["params"]]
