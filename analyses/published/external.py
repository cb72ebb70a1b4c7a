"""Models that the papers' authors published, read as runs; what is not there is said in one line and left out."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError
from grokscope.runs.imported import import_foreign
from grokscope.runs.run import Run, open_run

VARIABLE = "GROKSCOPE_EXTERNAL"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "external"


def external_folder() -> Path:
    """Return the folder of published models: $GROKSCOPE_EXTERNAL, else ../shared/external beside the project."""
    return Path(os.environ.get(VARIABLE) or BESIDE)


@dataclass(frozen=True)
class External:
    """A published model, or why it is not at hand.

    Attributes
    ----------
    name
        What the tables call it.
    path
        Its file or folder.
    run
        The run made of it; None where it could not be.
    reason
        Why there is no run, in one line; empty where there is one.
    """

    name: str
    path: Path
    run: Run | None
    reason: str = ""


def external_run(name: str, path: str, out: Path, **told: Any) -> External:
    """Import a published model, once; a model that is not there, or not readable, gives a reason and no run.

    Parameters
    ----------
    name
        What the tables call it.
    path
        Its place in the folder of published models.
    out
        Folder in which the run is made, and found again.
    **told
        What `import_foreign` needs to be told.
    """
    source, target = external_folder() / path, out / name
    if not source.exists():
        return External(
            name, source, None, f"{name}: no {source} (set {VARIABLE} to the folder that holds it)"
        )
    try:
        run = open_run(target) if target.exists() else import_foreign(source, target, **told)
    except GrokscopeError as error:
        return External(name, source, None, f"{name}: not readable here: {error}")
    return External(name, source, run)
