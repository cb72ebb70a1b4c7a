"""A run and a snapshot, as a notebook shows them: what is on disk; nothing is measured for it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.errors import GrokscopeError
from grokscope.notebook.card import Card, Table, number, share
from grokscope.notebook.of_transitions import events_table
from grokscope.notebook.small_figures import WORDS, Panel, curves
from grokscope.tasks import ROWS

if TYPE_CHECKING:
    from grokscope.runs.run import Run
    from grokscope.runs.snapshot import Snapshot
    from grokscope.transitions import Transitions

LINES = ("memorised", "circuit_onset", "off_chance", "circuit_formed", "grokked_99", "cleanup")
"""Events that the small figure marks."""


def run_card(run: "Run") -> Card:
    """Return what is shown of a run: what it learns, how far it came, its curves with the events known on disk."""
    lines = run.metrics()
    events, where = known_events(run)
    last = lines[-1] if lines else {}
    seen = [] if events is None else [(e.name, e.high) for e in events if e.high is not None]
    marked = [(name.replace("_", " "), step) for name, step in seen if name in LINES]
    more: list[tuple[str, Table | str]] = []
    if events is not None:
        more.append((f"events ({where})", events_table(events)))
    more += [("configuration", _configuration(run)), ("what to type next", _next(run))]
    return Card(
        f"Run {run.name}",
        [_task_words(run), _model_words(run.config.model), _how_far(run, last)],
        metric_curves(lines, sorted(marked, key=lambda mark: mark[1])),
        [_metrics_table(last)] if last else [],
        more,
    )


def snapshot_card(snap: "Snapshot") -> Card:
    """Return what is shown of a snapshot: its place in the run, what was recorded there, its weights."""
    recorded, words = _recorded(snap)
    weights = [
        (name, " × ".join(map(str, w.shape)) or "1", f"{float(w.double().norm()):.3g}")
        for name, w in snap.weights.items()
    ]
    run = "" if snap.run is None else f" of {snap.run.name}"
    lines = [f"{snap.task.formula}; {_model_words(snap.config)}", words]
    if snap.run is not None and (events := known_events(snap.run)[0]) is not None:
        from grokscope.notebook.where import where_in_run

        lines.append(where_in_run(events, snap.step))
    return Card(
        f"Snapshot{run} at step {snap.step:,}",
        lines,
        tables=[_metrics_table(recorded)] if recorded else [],
        more=[
            ("weights", Table(("name", "shape", "norm"), weights)),
            (
                "what to type next",
                "logits, cache = snap.model.run_with_cache(snap.tokens)\n"
                "snap.loss, snap.accuracy, snap.key, snap.neurons, snap.W_E, snap.W_L\n"
                'gs.ablate(snap, "head 0")',
            ),
        ],
    )


def metric_curves(lines: list[dict[str, Any]], events: list[tuple[str, int]]) -> Any:
    """Return the curves of lines of metrics as inline SVG, nothing where there are fewer than two."""
    from markupsafe import Markup

    if len(lines) < 2:
        return Markup("")
    steps = np.array([line["step"] for line in lines], dtype=np.float64)
    panels = []
    for quantity, log in (("loss", True), ("accuracy", False)):
        found = {
            rows: np.array([_as_number(line.get(f"{quantity}_{rows}")) for line in lines])
            for rows in ("train", "test", "test_twin_free")
        }
        found = {name: values for name, values in found.items() if np.isfinite(values).any()}
        words = "loss (nat, log scale)" if log else "accuracy (share)"
        panels.append(Panel(words, steps, found, log))
    said = ", ".join(f"{name} at step {step:,}" for name, step in events)
    return curves(panels, events, f"Loss and accuracy over training. {said}")


def known_events(run: "Run") -> "tuple[Transitions | None, str]":
    """Return the events that are known without measuring anything, and where from: the analysis, or the metrics."""
    from grokscope.reading import read_json_bounded
    from grokscope.runs.metrics_dataset import metrics_dataset
    from grokscope.transitions import Transitions, transitions

    file = run.path / "transitions.json"
    if file.is_file():
        try:
            return Transitions.from_json(read_json_bounded(file)), "from its analysis"
        except GrokscopeError:
            pass  # what the metrics tell is shown in its place
    ds = metrics_dataset(run)
    if "metric_accuracy" not in ds:
        return None, "not looked at"
    found = transitions(ds)
    return Transitions([e for e in found if e.when != "not looked at"]), "from its metrics"


def _task_words(run: "Run") -> str:
    facts, task = run.config.split, run.task
    p = f" (p = {task.p})" if "p" in task.formula.split() else ""
    if run.info.get("split_known", True):
        return f"{task.formula}{p}, {task.n_inputs:,} inputs; {facts.frac_train:.0%} of them train"
    return f"{task.formula}{p}, {task.n_inputs:,} inputs; which of them trained is not known"


def _model_words(c: Any) -> str:
    layers = f"{c.n_layers} layer{'s' if c.n_layers > 1 else ''}, " if c.has_attention else ""
    heads = f"{c.n_heads} head{'s' if c.n_heads > 1 else ''}, " if c.has_attention else ""
    neurons = "no MLP" if c.attn_only else f"{c.d_mlp} neurons ({c.act_fn})"
    return f"{c.architecture}: {layers}{heads}width {c.d_model}, {neurons}"


def _how_far(run: "Run", last: dict[str, Any]) -> str:
    from grokscope.runs.status import run_status

    steps = run.steps
    kept = (
        f"{len(steps)} checkpoints, {steps[0]:,} to {steps[-1]:,}" if steps else "no checkpoint yet"
    )
    if "origin" in run.info:
        return f"{kept}; trained elsewhere"
    went = f"step {last['step']:,} of {run.config.schedule.steps:,}" if last else "not evaluated"
    return f"{run_status(run)}, {went}; {kept}"


def _metrics_table(last: dict[str, Any]) -> Table:
    found = [
        (WORDS[rows], number(_as_number(last.get(f"loss_{rows}"))),
         share(_as_number(last.get(f"accuracy_{rows}"))))
        for rows in ROWS if f"loss_{rows}" in last
    ]  # fmt: skip
    return Table((f"step {last['step']:,}", "loss (nat)", "accuracy"), found)


def _configuration(run: "Run") -> Table:
    from grokscope.config import RunConfig

    default = _flat(RunConfig().to_dict())
    changed = [
        (name, value)
        for name, value in _flat(run.config.to_dict()).items()
        if default.get(name) != value
    ]
    return Table(("not as by default", "value"), changed)


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        here = f"{before}{name}"
        found |= _flat(value, f"{here}.") if isinstance(value, dict) else {here: value}
    return found


def _next(run: "Run") -> str:
    step = run.steps[-1] if run.steps else 0
    return (
        f"snap = run.snapshot({step})\nds = gs.analyze(run)\ngs.transitions(ds)\ngs.identify(ds)\n"
        'gs.figures.progress(ds, gs.transitions(ds))\ngs.explore(run, "final_spectrum")'
    )


def _recorded(snap: "Snapshot") -> tuple[dict[str, Any], str]:
    """Return what is known of loss and accuracy without a forward pass, and a sentence about it."""
    known = {
        f"{kind}_{rows}": getattr(snap.__dict__[kind], rows)
        for kind in ("loss", "accuracy") if kind in snap.__dict__
        for rows in ROWS
    }  # fmt: skip
    if known:
        return {"step": snap.step} | known, ""
    lines = [] if snap.run is None else snap.run.metrics()
    for line in lines:
        if line["step"] == snap.step:
            return line, ""
    return {}, "Its loss was not recorded: snap.loss computes it."


def _as_number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
