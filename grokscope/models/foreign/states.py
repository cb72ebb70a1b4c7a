"""The state dicts of a file or folder, by ascending step."""

from pathlib import Path
from typing import Any

from grokscope.errors import RequestError, UnsoundError
from grokscope.models.foreign import records
from grokscope.models.foreign.beside import Beside
from grokscope.models.foreign.container import Content, State, unwrap
from grokscope.models.foreign.nanda import idle_norms
from grokscope.models.foreign.pickle_file import load_file

MAX_SERIES_BYTES = 8 * 1024**3
"""Largest sum of the weights of a series."""
Placed = tuple[int | None, State, str]
"""Step, state dict, and the file it is of."""


def load_states(
    path: Path, files: list[tuple[int | None, Path]], beside: Beside, notes: list[str]
) -> tuple[list[Placed], list[tuple[int | None, Content]]]:
    """Return the state dicts by ascending step, and what stood around them, file by file."""
    states: list[Placed] = []
    contents: list[tuple[int | None, Content]] = []
    size = 0
    for named, file in files:
        content = unwrap(load_file(file), str(file))
        notes += content.notes
        found = _placed(content, named, file, path.is_dir(), beside, notes)
        size += sum(t.numel() * t.element_size() for _, state in found for t in state.values())
        if size > MAX_SERIES_BYTES:
            raise RequestError(
                f"'{path}' has too many weights", f"up to {MAX_SERIES_BYTES:,} bytes in all"
            )
        states += [(step, state, str(file)) for step, state in found]
        contents.append((found[-1][0], Content((), content.settings, content.recorded)))
    return _ordered(states, path), contents


def without_idle_norms(
    states: list[Placed], settings: dict[str, Any], notes: list[str]
) -> list[Placed]:
    """Leave the LayerNorm parameters out that no state dict has ever used (`idle_norms`)."""
    idle = [idle_norms(state) for _, state, _ in states]
    if not all(idle) or settings.get("use_ln") is True:
        return states
    notes.append("LayerNorm parameters are exactly 1 and 0 throughout: read as not used, left out")
    return [
        (step, {k: v for k, v in state.items() if k not in keys}, where)
        for (step, state, where), keys in zip(states, idle, strict=True)
    ]


def _placed(
    content: Content,
    named: int | None,
    file: Path,
    in_folder: bool,
    beside: Beside,
    notes: list[str],
) -> list[tuple[int | None, State]]:
    """Give the state dicts of one file their steps."""
    if len(content.states) > 1:
        if in_folder and named is not None:
            notes.append(f"{file.name} holds a series of its own: its steps are taken from inside")
        return list(content.states)
    state = content.states[0][1]
    if named is not None:
        own = content.states[0][0]
        if own is not None and own != named:
            notes.append(f"{file.name} says step {own} inside; the name's {named} is taken")
        return [(named, state)]
    step, said = records.single_step(content, file.stem)
    if step is None and "train_loss" in beside.curves and not beside.final:
        step = int(beside.curves["train_loss"][0][-1])
        said = f"step {step}: that of the last evaluation recorded beside the file"
    if step is not None:
        notes.append(said)
    return [(step, state)]


def _ordered(states: list[Placed], path: Path) -> list[Placed]:
    if len(states) == 1:
        return states
    by_step: dict[int, Placed] = {}
    for step, state, where in states:
        if step is None:
            raise RequestError(
                f"'{where}' does not tell its step", "a name with the step", "rename it"
            )
        if step in by_step:
            other = by_step[step]
            same = state.keys() == other[1].keys() and all(
                state[k].equal(other[1][k]) for k in state
            )
            if not same:
                raise UnsoundError(
                    f"'{path}' has two different state dicts at step {step}: {other[2]}, {where}"
                )
            continue
        by_step[step] = (step, state, where)
    return [by_step[step] for step in sorted(by_step)]
