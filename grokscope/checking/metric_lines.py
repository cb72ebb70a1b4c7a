"""metrics.jsonl: sums, order, gaps, values in range, and whether it reaches as far as the weights do."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from grokscope.checking.finding import Finding, fault, note, warning
from grokscope.checking.scene import Scene
from grokscope.runs.metrics import FILE
from grokscope.tasks import ROWS

NAMED = 10
"""Lines with a fault that are named one by one."""
WHOLE = 1e-6
"""How far accuracy times rows may be from a whole number: float64 makes 1e-10 of it."""


def check_metrics(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with lines that could be read."""
    lines = scene.lines
    if lines is None:
        return
    if not lines and not scene.half:
        if scene.is_ours and (scene.steps or scene.frames) and not scene.is_written:
            yield fault(FILE, "no line in it", _remedy(scene))
        return
    if scene.half and not scene.is_written:
        yield _half(scene)
    yield from _order(lines)
    if scene.is_ours:
        yield from _gaps(scene)
        yield from _end(scene)
    yield from _values(scene)


def check_sums(scene: Scene) -> Iterator[Finding]:
    """Yield that lines have no sums where a run of this version must have them."""
    if scene.lines and scene.is_sealed and not scene.has_sums:
        yield fault(FILE, "its lines have no sums, as all lines of this version have")


def _remedy(scene: Scene) -> str:
    return "restore it from a copy" if scene.end or not scene.is_ours else _resume(scene)


def _resume(scene: Scene) -> str:
    return f"grokscope resume {scene.run.path} writes it again"


def _half(scene: Scene) -> Finding:
    what = "its last line is half written"
    steps = scene.run.config.schedule.steps
    if not scene.is_ours:
        return fault(FILE, what)
    if scene.end or steps in scene.steps or steps in scene.frames:
        return fault(FILE, f"{what}, though the run came to its end", _resume(scene))
    return warning(FILE, f"{what}, as a power cut leaves it", _resume(scene))


def _order(lines: tuple[Mapping[str, Any], ...]) -> Iterator[Finding]:
    before, bad = -1, 0
    for number, line in enumerate(lines, start=1):
        step = line["step"]
        # A run that diverges in an update stands at a step that was evaluated already.
        twice = line.get("diverged") and step == before
        if step <= before and not twice:
            bad += 1
            if bad <= NAMED:
                yield fault(FILE, f"line {number} is of step {step}, after one of step {before}")
        if (line.get("diverged") or line.get("stopped")) and number < len(lines):
            yield fault(FILE, f"line {number} says that the run ended, and more lines follow")
        before = max(before, step)
    if bad > NAMED:
        yield fault(FILE, f"{bad - NAMED} more lines out of order")


def _gaps(scene: Scene) -> Iterator[Finding]:
    """Yield evaluations that are missing before the last line, and lines of steps that nothing evaluates."""
    assert scene.lines is not None
    if not scene.lines:
        return
    found, last = set(scene.by_step), int(scene.lines[-1]["step"])
    ends = {int(line["step"]) for line in scene.lines if line.get("diverged")}
    missing = [s for s in scene.evaluated if s < last and s not in found]
    if last in ends and last in scene.evaluated:
        missing = [s for s in missing if s != last]
    if missing:
        yield fault(FILE, f"no line for {_steps(missing)}", "restore it from a copy")
    strange = sorted(found - set(scene.evaluated) - scene.added)
    if strange and scene.densified is not None:
        yield fault(FILE, f"lines for {_steps(strange)}, which the schedule does not evaluate")


def _end(scene: Scene) -> Iterator[Finding]:
    """Yield that the lines end before the weights do: a line is on the disk before the checkpoint of its step."""
    assert scene.lines is not None
    last = int(scene.lines[-1]["step"]) if scene.lines else -1
    weights = [s for s in (*scene.steps, *scene.frames) if s not in scene.added]
    later = max(weights, default=-1)
    if later <= last or scene.end:
        return
    due = [s for s in scene.evaluated if last < s <= later]
    schedule = scene.run.config.schedule
    # Of the last evaluation of all, the line comes after the weights: a run with that line is complete.
    may_end = due and due[-1] == later and (later == schedule.steps or schedule.stop_accuracy > 0)
    lost = due[:-1] if may_end else due
    if lost:
        yield fault(
            FILE, f"it ends before step {later}: no line for {_steps(lost)}", _resume(scene)
        )
    elif due and later == schedule.steps and not scene.is_written:
        yield warning(FILE, f"only the line of the last step, {later}, is missing", _resume(scene))


def _values(scene: Scene) -> Iterator[Finding]:
    assert scene.lines is not None
    sizes = _sizes(scene)
    bad = []
    for number, line in enumerate(scene.lines, start=1):
        bad += [
            (number, line["step"], name, value, why)
            for name, value in line.items()
            if (why := _wrong(name, value, line, sizes))
        ]
    for number, step, name, value, why in bad[:NAMED]:
        yield fault(FILE, f"line {number} (step {step}): {name} = {value} {why}")
    if len(bad) > NAMED:
        yield fault(FILE, f"{len(bad) - NAMED} more values out of range")


def _sizes(scene: Scene) -> dict[str, int]:
    """Return accuracy's name -> rows that it is a share of; {} where the lines are another's."""
    split = scene.run.split if scene.is_ours else None
    return (
        {} if split is None else {f"accuracy_{n}": len(split.rows(n)) for n in ROWS if n != "all"}
    )


def _wrong(name: str, value: Any, line: Mapping[str, Any], sizes: Mapping[str, int]) -> str:
    kind = name.split("_")[0]
    if kind not in ("loss", "accuracy", "mse"):
        return ""
    if value is None:
        return "" if line.get("diverged") or not sizes else "is no number, in a run that went on"
    if isinstance(value, str) or not math.isfinite(value):
        return "is no number"
    if kind == "accuracy":
        if not 0 <= value <= 1:
            return "is no share"
        rows = sizes.get(name)
        if rows is not None and abs(value * rows - round(value * rows)) > WHOLE * max(1, rows):
            return f"is no share of {rows} rows"
    elif value < 0 and sizes:
        return "is below 0"
    return ""


def _steps(steps: list[int]) -> str:
    shown = ", ".join(map(str, steps[:NAMED]))
    more = f" and {len(steps) - NAMED} more" if len(steps) > NAMED else ""
    return f"step{'s' if len(steps) > 1 else ''} {shown}{more}"


def check_imported_curves(scene: Scene) -> Iterator[Finding]:
    """Yield that the curves of an imported run are not as long as its source's were."""
    told = scene.run.info.get("metric_lines")
    if isinstance(told, int) and scene.lines is not None and len(scene.lines) != told:
        yield fault(FILE, f"{len(scene.lines)} lines, and config.json tells of {told}")
    elif not scene.is_ours and told is None and not scene.lines:
        yield note(FILE, "no recorded metrics: weights cannot be compared with any")
