"""What is on the disk of a run that a sweep is to train: nothing, a beginning, or a part of a stack."""

import contextlib
import json
import shutil
from pathlib import Path

from grokscope.errors import GrokscopeError
from grokscope.runs.lock import only_writer
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.run import CONFIG_FILE, open_run
from grokscope.training.siblings import STACK, is_stacked

MAY_BE_EMPTY = (".lock", METRICS_FILE, "checkpoints", "state")


def is_unbegun(path: Path) -> bool:
    """Return whether nothing of a run is on the disk but what one leaves that was killed before its first step.

    One that was begun by itself goes on from there; a member of a stack may have siblings that were not begun at all.
    """
    if not path.exists():
        return True
    with contextlib.suppress(OSError, GrokscopeError):
        return all(map(_is_of_no_step, path.iterdir())) and (
            not (path / CONFIG_FILE).exists() or is_stacked(open_run(path))
        )
    return False


def _is_of_no_step(entry: Path) -> bool:
    if entry.name == CONFIG_FILE or entry.name.startswith(f".{CONFIG_FILE}."):
        return True
    return entry.name in MAY_BE_EMPTY and _is_empty(entry)


def recorded_stack(path: Path) -> str:
    """Return the members of the stack that a run goes on in, as text; "" where it goes on alone."""
    try:
        run = open_run(path)
    except GrokscopeError:
        return ""
    return json.dumps(run.info.get(STACK)) if is_stacked(run) and run.info.get(STACK) else ""


def clear_unbegun(path: Path) -> None:
    """Remove what is in the folder of a run of which nothing was computed: training wants a folder of its own.

    Raises
    ------
    RequestError
        Where another process writes it.
    """
    if not path.is_dir() or not any(path.iterdir()) or not is_unbegun(path):
        return
    with only_writer(path):
        for entry in path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != ".lock":
                entry.unlink()


def _is_empty(entry: Path) -> bool:
    return not any(entry.iterdir()) if entry.is_dir() else entry.stat().st_size == 0
