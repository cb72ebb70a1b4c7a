"""Reading a foreign file or folder whole: layout, weights at every step, what was recorded."""

import hashlib
from pathlib import Path
from typing import Any

from grokscope.errors import RequestError, UnsoundError
from grokscope.models.foreign import records
from grokscope.models.foreign.checkpoint import ForeignCheckpoint, ForeignSeries
from grokscope.models.foreign.container import Content, State, unwrap
from grokscope.models.foreign.facts import Facts, model_facts, unit_norms
from grokscope.models.foreign.folder import series_files
from grokscope.models.foreign.layout import (
    LAYOUTS,
    NOT_YET,
    Layout,
    Sizes,
    check_name,
    convert,
    detect,
    pattern,
)
from grokscope.models.foreign.nanda import NANDA, idle_norms
from grokscope.models.foreign.pickle_file import load_file, sha256
from grokscope.models.foreign.transformerlens import TRANSFORMERLENS

_READERS = {"nanda": NANDA, "transformerlens": TRANSFORMERLENS}
MAX_SERIES_BYTES = 8 * 1024**3
"""Largest sum of the weights of a series."""


def read_foreign(path: str | Path, layout: str | None = None) -> ForeignSeries:
    """Read a checkpoint, or a series of them, that another program wrote.

    Parameters
    ----------
    path
        A `.pt`, `.pth` or `.safetensors` file with a state dict, with a dictionary around one, or
        with a series of them; or a folder of such files whose names carry the step (see
        `folder.series_files`).
    layout
        A name of `LAYOUTS`; detected where None.

    Raises
    ------
    RequestError
        The path, the layout or the kind of file is not one that can be read; the message says which
        can.
    UnsoundError
        The file is damaged, or its weights are incomplete, of the wrong shape or not finite.

    Examples
    --------
    >>> series = read_foreign("low_precision_mod_addition.pth")  # doctest: +SKIP
    >>> series.layout, series.p, series.checkpoints[-1].step  # doctest: +SKIP
    ('nanda', 113, 50000)
    """
    if layout is not None:
        check_name(layout)
    path = Path(path)
    if not path.exists():
        raise RequestError(f"'{path}' does not exist", "a checkpoint file, or a folder of them")
    files = series_files(path) if path.is_dir() else [(None, path)]
    notes: list[str] = []
    states: list[tuple[int | None, State, str]] = []
    contents: list[tuple[int | None, Content]] = []
    size = 0
    for named, file in files:
        content = unwrap(load_file(file), str(file))
        notes += content.notes
        found = _placed(content, named, file, path.is_dir(), notes)
        size += sum(t.numel() * t.element_size() for _, state in found for t in state.values())
        if size > MAX_SERIES_BYTES:
            raise RequestError(
                f"'{path}' has too many weights", f"up to {MAX_SERIES_BYTES:,} bytes in all"
            )
        states += [(step, state, str(file)) for step, state in found]
        contents.append((found[-1][0], Content((), content.settings, content.recorded)))
    states = _ordered(states, path)
    name = _layout(states[-1][1], layout, states[-1][2])
    if name == "nanda":
        states = _without_idle_norms(states, contents[-1][1].settings, notes)
    return _series(path, [f for _, f in files], name, states, contents, notes)


def _series(
    path: Path,
    files: list[Path],
    name: str,
    states: list[tuple[int | None, State, str]],
    contents: list[tuple[int | None, Content]],
    notes: list[str],
) -> ForeignSeries:
    reader = _READERS[name]
    checkpoints, sizes = _converted(states, reader)
    last = contents[-1][1]
    facts = model_facts(states[-1][1], checkpoints[-1].weights, sizes, last.settings, states[-1][2])
    facts, checkpoints = _completed(name, facts, checkpoints, path)
    task = records.training_settings(last)
    p = _modulus(name, facts.model, task, path)
    curves, said = records.losses(last)
    if not curves:
        curves = records.point_losses(contents)
    rows = next((r for _, c in contents if (r := records.train_inputs(c, p)) is not None), None)
    dropped = sorted(k for k in states[-1][1] if pattern(k) in reader.dropped)
    if dropped:
        notes.append(f"left out, as they are no weights of the model: {', '.join(dropped)}")
    if curves:
        notes.append("losses are as the file has them, in its own precision")
    return ForeignSeries(
        layout=name,
        checkpoints=tuple(checkpoints),
        model=facts.model,
        assumed=facts.assumed,
        p=p,
        task=task,
        losses=curves,
        train_inputs=rows,
        source_file=str(path),
        sha256=_digest(path, files),
        notes=tuple(dict.fromkeys([*notes, *said, *facts.notes])),
    )


def _placed(
    content: Content, named: int | None, file: Path, in_folder: bool, notes: list[str]
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
    notes.append(said)
    return [(step, state)]


def _ordered(
    states: list[tuple[int | None, State, str]], path: Path
) -> list[tuple[int | None, State, str]]:
    if len(states) == 1:
        return states
    by_step: dict[int, tuple[int | None, State, str]] = {}
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


def _layout(state: State, asked: str | None, where: str) -> str:
    try:
        found = detect(state, where)
    except RequestError:
        if asked is None:
            raise
        return asked
    if asked is not None and asked != found:
        raise RequestError(
            f"layout '{asked}' was asked for, but the shapes in '{where}' are of '{found}'",
            ", ".join(LAYOUTS),
            f"ask for {found}, or let it be detected",
        )
    positions = state.get("pos_embed.W_pos")
    if (
        found == "nanda"
        and positions is not None
        and positions.ndim == 2
        and positions.shape[0] == 2
    ):
        raise RequestError(
            f"'{where}' looks like layout pizza ({NOT_YET['pizza']}), which is not read yet",
            ", ".join(LAYOUTS),
        )
    return found


def _without_idle_norms(
    states: list[tuple[int | None, State, str]], settings: dict[str, Any], notes: list[str]
) -> list[tuple[int | None, State, str]]:
    idle = [idle_norms(state) for _, state, _ in states]
    if not all(idle) or settings.get("use_ln") is True:
        return states
    notes.append("LayerNorm parameters are exactly 1 and 0 throughout: read as not used, left out")
    return [
        (step, {k: v for k, v in state.items() if k not in keys}, where)
        for (step, state, where), keys in zip(states, idle, strict=True)
    ]


def _converted(
    states: list[tuple[int | None, State, str]], reader: Layout
) -> tuple[list[ForeignCheckpoint], Sizes]:
    checkpoints: list[ForeignCheckpoint] = []
    sizes: Sizes = {}
    for step, state, where in states:
        at = where if len(states) == 1 else f"{where} (step {step})"
        weights, sizes = convert(state, reader, at)
        first = checkpoints[0].weights if checkpoints else weights
        if weights.keys() != first.keys():
            odd = sorted(weights.keys() ^ first.keys())[0]
            raise UnsoundError(
                f"'{at}': {odd} is not in every file of the series", "one model in a series"
            )
        for key, tensor in weights.items():
            if tensor.shape != first[key].shape:
                raise UnsoundError(
                    f"'{at}': {key} has shape {tuple(tensor.shape)}, "
                    f"but {tuple(first[key].shape)} at step {checkpoints[0].step}",
                    "one model in a series",
                )
        checkpoints.append(ForeignCheckpoint(step, weights))
    return checkpoints, sizes


def _completed(
    name: str, facts: Facts, checkpoints: list[ForeignCheckpoint], path: Path
) -> tuple[Facts, list[ForeignCheckpoint]]:
    """Add what a layout implies: nanda's LayerNorm has parameters; LNPre is written out."""
    model, assumed, notes = dict(facts.model), set(facts.assumed), list(facts.notes)
    if name == "nanda" and "normalization" in assumed:
        assumed -= {"normalization"}
        notes = [note for note in notes if not note.startswith("normalization ")]
    if name == "nanda" and model["normalization"] == "pre":
        notes.append(
            "LayerNorm w is scaled by sqrt((d_model - 1) / d_model): this layout divides by the "
            "unbiased deviation"
        )
    if name == "transformerlens" and "normalization" in assumed:
        notes.append(
            "a LayerNorm without parameters (LNPre) leaves no trace in a file: check there was none"
        )
    if model["normalization"] == "pre" and "ln_final.w" not in checkpoints[-1].weights:
        notes.append("LayerNorm without parameters (LNPre) is written out with weights 1 and 0")
        checkpoints = [
            ForeignCheckpoint(
                c.step, {**c.weights, **unit_norms(c.weights, model["n_layers"], model["d_model"])}
            )
            for c in checkpoints
        ]
    return Facts(model, tuple(n for n in facts.assumed if n in assumed), tuple(notes)), checkpoints


def _modulus(name: str, model: dict[str, Any], task: dict[str, Any], path: Path) -> int | None:
    said = task.get("p")
    told = model["d_vocab"] - 1 if name == "nanda" and model["n_ctx"] == 3 else None
    if isinstance(said, int) and told is not None and said != told:
        raise UnsoundError(
            f"'{path}' says p={said}, but W_E has {told + 1} tokens", f"p + 1 tokens, p={told}"
        )
    return told if told is not None else said if isinstance(said, int) else None


def _digest(path: Path, files: list[Path]) -> str:
    if path.is_file():
        return sha256(path)
    lines = "".join(f"{sha256(file)}  {file.name}\n" for file in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()
