"""Reading a foreign file or folder whole: layout, weights at every step, what was recorded."""

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from grokscope.errors import RequestError, UnsoundError
from grokscope.models.foreign import records
from grokscope.models.foreign.beside import Beside, read_beside
from grokscope.models.foreign.checkpoint import ForeignCheckpoint, ForeignSeries
from grokscope.models.foreign.container import State
from grokscope.models.foreign.detect import detect
from grokscope.models.foreign.facts import Facts, model_facts, unit_norms
from grokscope.models.foreign.folder import series_files
from grokscope.models.foreign.layout import Layout, Sizes, check_name, convert, pattern
from grokscope.models.foreign.pickle_file import sha256
from grokscope.models.foreign.settings import training_settings
from grokscope.models.foreign.shared_mlp import BIAS
from grokscope.models.foreign.states import Placed, load_states, without_idle_norms


def read_foreign(
    path: str | Path,
    layout: str | None = None,
    config: str | Path | None = None,
    given: Mapping[str, Any] | None = None,
) -> ForeignSeries:
    """Read a checkpoint, or a series of them, that another program wrote.

    Parameters
    ----------
    path
        A `.pt`, `.pth` or `.safetensors` file with a state dict, with a dictionary around one, or
        with a series of them; or a folder of such files whose names carry the step (see
        `folder.series_files`).
    layout
        A name of `LAYOUTS`; detected where None.
    config
        A JSON file with the model's settings; found beside `path` where None (see `beside`).
    given
        Fields of ModelConfig that neither keys, shapes nor settings tell: `act_fn`,
        `attention_rate`, `architecture`.

    Raises
    ------
    RequestError
        The path, the layout or the kind of file is not one that can be read; the message says which
        can. Or something is needed that nobody says.
    UnsoundError
        The file is damaged, or its weights are incomplete, of the wrong shape, not finite, or not
        of the model that its settings describe.

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
    files: list[tuple[int | None, Path]] = series_files(path) if path.is_dir() else [(None, path)]
    only = files[0][1] if len(files) == 1 else path
    beside = read_beside(only, None if config is None else Path(config))
    notes = [f"read beside it: {', '.join(beside.files)}"] if beside.files else []
    states, contents = load_states(path, files, beside, notes)
    last = contents[-1][1]
    settings = {**beside.settings, **last.settings}
    raw = states[-1]
    layouts = detect(raw[1], settings, layout, raw[2])
    if layouts[0].name == "nanda":
        states = without_idle_norms(states, settings, notes)
    queue = deque(states)
    del states  # so that each state dict can go as soon as it is converted
    checkpoints, sizes = _converted(queue, layouts[0])
    facts = model_facts(
        raw[1], checkpoints[-1].weights, sizes, layouts, settings, given or {}, raw[2]
    )
    facts, checkpoints = _completed(layouts[0], raw[1], facts, checkpoints)
    task = training_settings(settings)
    p = _modulus(layouts[0], facts.model, task, path)
    curves, said = records.losses(last)
    if not curves:
        curves = records.point_losses(contents) or _of_rows(beside, "loss")
    rows = next((r for _, c in contents if (r := records.train_inputs(c, p)) is not None), None)
    dropped = sorted(k for k in raw[1] if pattern(k) in layouts[0].dropped)
    if dropped:
        notes.append(f"left out, as they are no weights of the model: {', '.join(dropped)}")
    if curves:
        notes.append("losses are as the file has them, in its own precision")
    return ForeignSeries(
        layout=layouts[0].name,
        checkpoints=tuple(checkpoints),
        model=facts.model,
        assumed=facts.assumed,
        p=p,
        task=task,
        losses=curves,
        train_inputs=rows,
        source_file=str(path),
        sha256=_digest(path, [f for _, f in files]),
        notes=tuple(dict.fromkeys([*notes, *said, *facts.notes])),
        accuracies=_of_rows(beside, "acc"),
        recorded=beside.final,
        open_field=facts.open_field,
        open_values=facts.open_values,
    )


def _converted(states: deque[Placed], layout: Layout) -> tuple[list[ForeignCheckpoint], Sizes]:
    """Convert all state dicts; each is let go once it is converted."""
    checkpoints: list[ForeignCheckpoint] = []
    sizes: Sizes = {}
    alone = len(states) == 1
    while states:
        step, state, where = states.popleft()
        at = where if alone else f"{where} (step {step})"
        weights, sizes = convert(state, layout, at)
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
    layout: Layout, state: State, facts: Facts, checkpoints: list[ForeignCheckpoint]
) -> tuple[Facts, list[ForeignCheckpoint]]:
    """Add what a layout implies: LNPre is written out; what was turned into something else is said."""
    model, notes = facts.model, list(facts.notes)
    normalised = model.get("normalization") == "pre"
    if layout.name == "nanda" and normalised:
        notes.append(
            "LayerNorm w is scaled by sqrt((d_model - 1) / d_model): this layout divides by the "
            "unbiased deviation"
        )
    if "normalization" in facts.assumed:
        notes.append(
            "a LayerNorm without parameters (LNPre) leaves no trace in a file: check there was none"
        )
    if BIAS in state and layout.name == "mlp":
        notes.append(f"{BIAS} / 2 was added to every row of W_in, which computes the same")
    if normalised and "ln_final.w" not in checkpoints[-1].weights:
        notes.append("LayerNorm without parameters (LNPre) is written out with weights 1 and 0")
        checkpoints = [
            ForeignCheckpoint(
                c.step, {**c.weights, **unit_norms(c.weights, model["n_layers"], model["d_model"])}
            )
            for c in checkpoints
        ]
    return replace(facts, notes=tuple(notes)), checkpoints


def _modulus(layout: Layout, model: dict[str, Any], task: dict[str, Any], path: Path) -> int | None:
    """Return the number of values of an operand, where layout or settings tell it."""
    said = task.get("p")
    told = None
    if layout.name != "transformerlens" and model["n_ctx"] in (2, 3):
        tokens = model["d_vocab"] - (model["n_ctx"] - 2)
        if task.get("own_tokens") and tokens % 2:
            raise UnsoundError(
                f"'{path}' has {tokens} tokens of values, and a set of its own for each operand",
                "an even number of them (diff_vocab)",
            )
        told = tokens // 2 if task.get("own_tokens") else tokens
    if isinstance(said, int) and told is not None and said != told:
        raise UnsoundError(
            f"'{path}' says p={said}, but reads {told} values of an operand",
            f"as many tokens as p={told}" if layout.name != "nanda" else f"p + 1 tokens, p={told}",
        )
    return told if told is not None else said if isinstance(said, int) else None


def _of_rows(beside: Beside, quantity: str) -> dict[str, records.Curve]:
    found = {rows: beside.curves.get(f"{rows}_{quantity}") for rows in ("train", "test")}
    return {rows: curve for rows, curve in found.items() if curve is not None}


def _digest(path: Path, files: list[Path]) -> str:
    if path.is_file():
        return sha256(path)
    lines = "".join(f"{sha256(file)}  {file.name}\n" for file in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()
