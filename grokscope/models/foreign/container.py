"""What stands around the weights in a file.

It is a bare state dict, a dictionary with losses and settings beside the weights, or a whole
series.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from grokscope.errors import RequestError
from grokscope.models.foreign.pickle_file import Settings

State = dict[str, Tensor]
MAX_STEP = 10**12
"""No step of a run is above; a number that is, is no step."""

ONE = ("model", "state_dict", "model_state_dict", "model_state", "weights", "params")
MANY = ("state_dicts", "checkpoints", "model_checkpoints", "models", *ONE)
STEPS = ("epochs", "checkpoint_epochs", "steps", "checkpoint_steps")
STEP = ("step", "epoch", "global_step", "iteration")
SETTINGS = ("config", "cfg", "model_config", "args", "hparams")
WRAPPERS = ("module.", "_orig_mod.", "model.")
"""Prefixes that DataParallel, torch.compile and Lightning put before every key."""


@dataclass(frozen=True)
class Content:
    """What one file holds.

    Attributes
    ----------
    states
        (step or None, state dict) in the file's order.
    settings
        The file's own configuration, as plain values.
    recorded
        Everything else at the top level: loss lists, indices of the split, numbers.
    notes
        What had to be read between the lines.
    """

    states: tuple[tuple[int | None, State], ...]
    settings: dict[str, Any]
    recorded: dict[str, Any]
    notes: tuple[str, ...] = field(default=())


def unwrap(content: Any, where: str) -> Content:
    """Find the state dicts in what a file holds.

    Parameters
    ----------
    content
        A state dict; a list of them; a dictionary step -> state dict; or a dictionary with one of
        these under `model`, `state_dict`, `model_state_dict`, `state_dicts`, `checkpoints`, ...
        and, beside it, the steps (`epochs`, `checkpoint_epochs`, ...), settings (`config`, ...) and
        losses.
    where
        The file, for messages.

    Raises
    ------
    RequestError
        No state dict is found, or the list of steps has another length than the list of state
        dicts.
    """
    if _is_state(content):
        return Content(((None, _unprefixed(content)),), {}, {})
    if bare := _states(content):
        return _with_steps(bare, None, {}, {}, where)
    if not isinstance(content, dict):
        raise RequestError(
            f"'{where}' holds a {type(content).__name__}, not weights",
            "a state dict, or one in a dictionary",
        )
    settings = next((_plain(content[key]) for key in SETTINGS if key in content), {})
    left = {str(k): v for k, v in content.items() if k not in SETTINGS and k not in MANY}
    recorded = {
        k: v for k, v in left.items() if not isinstance(v, dict)
    }  # optimiser states are large
    found = [states for key in MANY if (states := _states(content.get(key)))]
    one = next((content[key] for key in ONE if _is_state(content.get(key))), None)
    if found:
        steps = next((content[key] for key in STEPS if key in content), None)
        read = _with_steps(found[0], steps, settings, recorded, where)
        return read if one is None else _with_final(read, _unprefixed(one))
    if one is None:
        raise RequestError(
            f"'{where}' holds no state dict; its keys are {_some(content)}",
            "a state dict itself, or under " + ", ".join(ONE[:3]) + ", state_dicts or checkpoints",
        )
    step = next((_whole(content[key]) for key in STEP if key in content), None)
    return Content(((step, _unprefixed(one)),), settings, recorded)


def _with_steps(
    states: list[tuple[int | None, State]], steps: Any, settings: Any, recorded: Any, where: str
) -> Content:
    notes: tuple[str, ...] = ()
    if steps is not None:
        listed = [_whole(s) for s in _listed(steps)]
        if len(listed) != len(states):
            raise RequestError(
                f"'{where}' lists {len(listed)} steps for {len(states)} state dicts",
                "one step for each",
            )
        states = [(step, state) for step, (_, state) in zip(listed, states, strict=True)]
    if len(states) > 1 and any(step is None for step, _ in states):
        states = [(i, state) for i, (_, state) in enumerate(states)]
        notes = ("the state dicts have no steps in the file: numbered 0, 1, 2, ... in its order",)
    return Content(tuple(states), settings, recorded, notes)


def _with_final(read: Content, final: State) -> Content:
    """Append the final model of a file with a series, at the number of updates its losses tell."""
    last = read.states[-1][1]
    same = final.keys() == last.keys() and all(final[k].equal(last[k]) for k in final)
    losses = read.recorded.get("train_losses")
    step = len(losses) if isinstance(losses, list) else 0
    if same or step <= max((s or 0) for s, _ in read.states):
        note = () if same else ("the model beside the series has no step of its own: left out",)
        return Content(read.states, read.settings, read.recorded, read.notes + note)
    return Content((*read.states, (step, final)), read.settings, read.recorded, read.notes)


def _is_state(value: Any) -> bool:
    if not isinstance(value, dict) or not value or not all(isinstance(key, str) for key in value):
        return False
    return all(isinstance(v, Tensor) for v in value.values())


def _states(value: Any) -> list[tuple[int | None, State]]:
    """Return (step, state dict) of a list of state dicts or of a dictionary step -> state dict."""
    if isinstance(value, list | tuple) and value and all(_is_state(v) for v in value):
        return [(None, _unprefixed(v)) for v in value]
    if isinstance(value, dict) and value and all(_is_state(v) for v in value.values()):
        steps = [_whole(key) for key in value]
        if None not in steps:
            return [(s, _unprefixed(v)) for s, v in zip(steps, value.values(), strict=True)]
    return []


def _unprefixed(state: State) -> State:
    for prefix in WRAPPERS:
        if all(key.startswith(prefix) for key in state):
            return _unprefixed({key.removeprefix(prefix): value for key, value in state.items()})
    return dict(state)


def _plain(settings: Any) -> dict[str, Any]:
    if isinstance(settings, Settings):
        return dict(vars(settings))
    return {str(k): v for k, v in settings.items()} if isinstance(settings, dict) else {}


def _whole(value: Any) -> int | None:
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # First the range: infinity and NaN have no int, and are outside.
    return int(value) if 0 <= value < MAX_STEP and value == int(value) else None


def _listed(steps: Any) -> list[Any]:
    if isinstance(steps, Tensor):
        return list(steps.flatten().tolist())
    return list(steps) if isinstance(steps, list | tuple | range) else []


def _some(content: dict[Any, Any]) -> str:
    keys = [str(key) for key in content]
    return ", ".join(keys[:8]) + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")
