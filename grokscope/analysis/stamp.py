"""What a run's outputs were made from: where that is all the same, they need not be made again.

RUN/cache/outputs.json holds the hash of all that goes into analysis.nc, transitions.json and report.html, and the
hash of each of these files as it was written.
"""

import contextlib
import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grokscope.analysis.cache import FOLDER
from grokscope.analysis.digests import (
    base_digest,
    code_digest,
    digest,
    file_digest,
    is_edited,
    machine,
)
from grokscope.analysis.keys import measure_digest
from grokscope.errors import RequestError, UnsoundError
from grokscope.files import write_json
from grokscope.measures.registry import choose
from grokscope.reading import read_json_bounded
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.densified import FILE as DENSIFIED_FILE
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.run import CONFIG_FILE, Run

FILE = "outputs.json"
MAX_BYTES = 1 << 20
LIBRARIES = ("xarray", "h5netcdf", "plotly", "jinja2", "scipy")
"""That write the outputs, beside those that every value depends on."""


def inputs_digest(
    run: Run, measures: Sequence[str] | None, steps: Sequence[int] | None, key_rule: str | None
) -> str | None:
    """Return the hash of all that an analysis reads and of what it is asked for.

    None where it takes a measure of the user's own whose source cannot be followed, or grokscope was edited meanwhile.
    """
    if is_edited():
        return None
    definitions = [measure_digest(m) for m in choose(measures)]
    known = [each for each in definitions if each is not None]
    if len(known) < len(definitions):
        return None
    present = run.steps
    files = [run.path / CONFIG_FILE, run.path / METRICS_FILE, run.path / DENSIFIED_FILE]
    files += [checkpoint_path(run.checkpoints, step) for step in present]
    asked = [sorted(set(present if steps is None else steps)), run.name]
    return digest(
        code_digest(()),
        machine(),
        json.dumps([_version(name) for name in LIBRARIES]),
        base_digest(run, run.new_context(key_rule)),
        json.dumps([asked, present]),
        *known,
        *(file_digest(path) or "" for path in files),
    )


def is_stamped(run: Run, inputs: str | None, outputs: Sequence[str]) -> bool:
    """Return whether the files `outputs` are there, as they were written, made from these inputs."""
    if inputs is None:
        return False
    try:
        told = read_json_bounded(run.path / FOLDER / FILE, MAX_BYTES, inside=run.path)
    except UnsoundError:
        return False
    return told == {"inputs": inputs, "outputs": _outputs(run, outputs)}


def write_stamp(run: Run, inputs: str | None, outputs: Sequence[str]) -> None:
    """Note what the files `outputs` were made from; nothing where that cannot be known or written."""
    path = run.path / FOLDER / FILE
    if inputs is None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return
    with contextlib.suppress(RequestError):
        write_json(path, {"inputs": inputs, "outputs": _outputs(run, outputs)})


def _outputs(run: Run, names: Sequence[str]) -> dict[str, str | None]:
    return {name: file_digest(Path(run.path) / name) for name in names}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
