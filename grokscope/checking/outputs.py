"""analysis.nc, transitions.json, report.html and the cache: what analyze wrote, readable, and of the checkpoints there.

cache/outputs.json holds the hash of each output as `grokscope analyze` wrote it. `grokscope report` writes two of them
again: then these are compared with what the dataset gives.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from grokscope.analysis.cache import FINAL_FILE, FOLDER
from grokscope.analysis.cache_file import read_kept
from grokscope.analysis.digests import file_digest
from grokscope.analysis.netcdf import read_dataset
from grokscope.analysis.stamp import FILE as STAMP
from grokscope.checking.finding import Finding, fault, guarded, note
from grokscope.checking.scene import Scene, steps_in
from grokscope.errors import GrokscopeError
from grokscope.pipeline import DATASET_FILE, OUTPUTS, REPORT_FILE, TRANSITIONS_FILE
from grokscope.reading import is_plain_file, opened, read_json_bounded
from grokscope.runs.checkpoints import checkpoint_path

if TYPE_CHECKING:
    import xarray

AGAIN = "grokscope analyze makes it again"
REPORT_AGAIN = "grokscope report makes it again"
MAX_REPORT = 1 << 30
END = b"</html>"


class Outputs:
    """What is known of a run's outputs while they are checked.

    Attributes
    ----------
    stamped
        Output -> its hash as analyze wrote it; {} where nothing tells.
    as_written
        Outputs that have that hash.
    dataset
        analysis.nc, None where there is none or it cannot be read.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene, self.path = scene, scene.run.path
        self.findings: list[Finding] = []
        self.stamped = self._stamp()
        there = [name for name in OUTPUTS if (self.path / name).exists()]
        self.as_written = {n for n in there if n in self.stamped and self._has_hash(n)}
        self.dataset: xarray.Dataset | None = None

    def _stamp(self) -> dict[str, Any]:
        place = self.path / FOLDER / STAMP
        if not is_plain_file(place):
            return {}
        try:
            told = read_json_bounded(place, inside=self.path)["outputs"]
            return {str(k): v for k, v in told.items() if isinstance(v, str)}
        except (GrokscopeError, LookupError, TypeError, AttributeError):
            self.findings.append(note(f"{FOLDER}/{STAMP}", "damaged; it is made again", AGAIN))
            return {}

    def _has_hash(self, name: str) -> bool:
        return file_digest(self.path / name) == self.stamped[name]


def check_outputs(outputs: Outputs) -> Iterator[Finding]:
    """Yield what is wrong with the outputs that are there."""
    yield from outputs.findings
    for name, look in (
        (DATASET_FILE, _dataset), (TRANSITIONS_FILE, _transitions), (REPORT_FILE, _report),
    ):  # fmt: skip
        path = outputs.path / name
        if path.exists() or path.is_symlink():
            yield from guarded(name, look, outputs, remedy=AGAIN)


def _dataset(outputs: Outputs) -> Iterator[Finding]:
    outputs.dataset = read_dataset(outputs.path / DATASET_FILE)
    if DATASET_FILE in outputs.stamped and DATASET_FILE not in outputs.as_written:
        yield fault(
            DATASET_FILE, "changed since grokscope analyze wrote it: another SHA-256", AGAIN
        )
        return
    ds, scene = outputs.dataset, outputs.scene
    if ds.attrs.get("config_hash") != scene.run.config_hash:
        yield fault(DATASET_FILE, "of another run: it has another configuration's hash", AGAIN)
        return
    measured = [int(step) for step in ds["step"].values.tolist()]
    gone = sorted(set(measured) - set(scene.steps))
    new = [step for step in scene.steps if step > max(measured, default=-1)]
    if gone:
        yield note(
            DATASET_FILE, f"it has step {gone[0]}, of which there is no checkpoint now", AGAIN
        )
    elif new:
        yield note(DATASET_FILE, f"{len(new)} checkpoints are newer than it", AGAIN)


def _transitions(outputs: Outputs) -> Iterator[Finding]:
    from grokscope.transitions import transitions

    found = read_json_bounded(outputs.path / TRANSITIONS_FILE, inside=outputs.path)
    names = ("name", "low", "high", "censored", "definition")
    if not isinstance(found, list) or not all(
        isinstance(event, dict) and all(name in event for name in names) for event in found
    ):
        yield fault(TRANSITIONS_FILE, "no list of events", REPORT_AGAIN)
    elif TRANSITIONS_FILE not in outputs.as_written and outputs.dataset is not None:
        if found == transitions(outputs.dataset).to_json():
            return
        if TRANSITIONS_FILE in outputs.stamped:
            yield fault(
                TRANSITIONS_FILE,
                "neither as it was written nor what analysis.nc gives",
                REPORT_AGAIN,
            )
        else:
            yield note(
                TRANSITIONS_FILE,
                "not what analysis.nc gives here: another version wrote it, or it was changed",
                REPORT_AGAIN,
            )


def _report(outputs: Outputs) -> Iterator[Finding]:
    with opened(outputs.path / REPORT_FILE, MAX_REPORT, inside=outputs.path) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 64))
        end = file.read(64)
    if not end.rstrip().endswith(END):
        yield fault(REPORT_FILE, "it has no end", REPORT_AGAIN)
    elif REPORT_FILE in outputs.stamped and REPORT_FILE not in outputs.as_written:
        yield note(
            REPORT_FILE,
            "not as grokscope analyze wrote it: written again, or changed",
            REPORT_AGAIN,
        )


def check_cache(scene: Scene) -> Iterator[Finding]:
    """Yield files of the cache that are damaged, which an analysis takes as not there."""
    folder = scene.run.path / FOLDER
    for step in (*steps_in(folder), None):
        path = folder / FINAL_FILE if step is None else checkpoint_path(folder, step)
        if path.exists() and not read_kept(path):
            yield note(
                path.relative_to(scene.run.path).as_posix(),
                "damaged, or of another version; it is made again",
                AGAIN,
            )
