"""Checkpoints and key frames against the schedule: what is missing, and what should not be there."""

from collections.abc import Iterator

from grokscope.checking.finding import Finding, fault, note
from grokscope.checking.scene import CHECKPOINTS, STATE, Scene, name_of
from grokscope.training.state import declared_keyframes

AGAIN = "restore it from a copy, or train the run again"
LISTED = 20
"""Missing or additional steps that are named one by one."""


def check_completeness(scene: Scene) -> Iterator[Finding]:
    """Yield declared checkpoints that are missing up to where the run came, and checkpoints that nothing declares."""
    if not scene.steps:
        yield from _none(scene)
        return
    if not scene.is_ours:
        return
    yield from _missing(scene)
    yield from _additional(scene)
    yield from _key_frames(scene)
    if scene.end or scene.lines is None:
        return
    if scene.is_written:
        yield note(".", f"in training now; it came to step {max(scene.steps)} of {_last(scene)}")
    else:
        yield note(
            ".",
            f"unfinished: it came to step {reached(scene)} of {_last(scene)}",
            f"go on with: grokscope resume {scene.run.path}",
        )


def reached(scene: Scene) -> int:
    """Return the last step of which anything tells."""
    lines = [line["step"] for line in scene.lines or ()]
    return max((*scene.steps, *scene.frames, *lines), default=0)


def safe_until(scene: Scene) -> int:
    """Return the step up to which, itself included, every declared checkpoint must be on the disk.

    The end of a run that has one; but a run that diverges writes none at that step where it is seen in an evaluation.
    Before the end, and while a process writes, whose last line is there before its last checkpoint, the last key frame,
    which is written after the checkpoints before it; from there on a run that was killed writes them again.
    """
    if scene.lines and scene.end and not scene.is_written:
        last = int(scene.lines[-1]["step"])
        return last - 1 if scene.end == "diverged" else last
    return max(scene.frames, default=-1)


def _none(scene: Scene) -> Iterator[Finding]:
    if scene.is_ours and not scene.end and not scene.frames:
        yield note(".", "begun, and without a checkpoint yet", f"grokscope resume {scene.run.path}")
    else:
        yield fault(CHECKPOINTS, "there is no checkpoint", AGAIN)


def _missing(scene: Scene) -> Iterator[Finding]:
    until = safe_until(scene)
    missing = [s for s in sorted(scene.declared - set(scene.steps)) if s <= until]
    for step in missing[:LISTED]:
        yield fault(name_of(CHECKPOINTS, step), "missing, and the schedule declares it", AGAIN)
    if len(missing) > LISTED:
        yield fault(
            CHECKPOINTS, f"{len(missing) - LISTED} more declared checkpoints are missing", AGAIN
        )
    entries = () if scene.is_written else scene.densified or ()
    moved = [s for each in entries if not each.moving for s in each.steps]
    for step in [s for s in sorted(set(moved) - set(scene.steps)) if s not in scene.declared][
        :LISTED
    ]:
        yield fault(
            name_of(CHECKPOINTS, step),
            "missing, and densified.json lists it",
            f"grokscope densify {scene.run.path} --between {step} {step} --every 1",
        )


def _additional(scene: Scene) -> Iterator[Finding]:
    stops = {int(line["step"]) for line in scene.lines or () if line.get("stopped")}
    if scene.run.config.schedule.stop_accuracy and not scene.end:
        # A run that stops early writes its checkpoint, then the line that says so.
        stops |= {step for step in scene.evaluated if step not in scene.by_step}
    known = scene.declared | scene.added | stops
    additional = [step for step in scene.steps if step not in known]
    if scene.densified is None:  # its own finding says so
        additional = []
    what = "neither the schedule nor densified.json has this step"
    for step in additional[:LISTED]:
        yield fault(name_of(CHECKPOINTS, step), what, "remove it, or restore densified.json")
    if len(additional) > LISTED:
        yield fault(CHECKPOINTS, f"{len(additional) - LISTED} more checkpoints of no known step")
    until = int(scene.lines[-1]["step"]) if scene.lines and scene.end else None
    for step in [] if until is None else [s for s in scene.steps if s > until][:LISTED]:
        yield fault(
            name_of(CHECKPOINTS, step), f"after step {until}, where the run ended", "remove it"
        )


def _key_frames(scene: Scene) -> Iterator[Finding]:
    if not scene.frames:
        if scene.end or scene.is_written:
            yield note(STATE, "no key frames: grokscope densify replays from the beginning")
        return
    wanted = {s for s in declared_keyframes(scene.run.config) if s <= safe_until(scene)}
    missing = sorted(wanted - set(scene.frames))
    if missing and scene.is_sealed and scene.end != "diverged":
        steps = ", ".join(map(str, missing[:LISTED]))
        yield note(STATE, f"scheduled key frames are missing: {steps}")


def _last(scene: Scene) -> int:
    return scene.run.config.schedule.steps
