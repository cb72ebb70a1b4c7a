"""sweep.json: what a sweep is and which runs it has; how far they came is read from their folders."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from grokscope.config import section_fields
from grokscope.errors import GrokscopeError, RequestError, UnsoundError
from grokscope.files import write_json
from grokscope.reading import is_plain_file, read_json_bounded
from grokscope.runs.run import CONFIG_FILE, open_run
from grokscope.runs.status import run_status
from grokscope.sweeps.plan import Plan

SCHEMA = 1
SWEEP_FILE = "sweep.json"
RUNS = "runs"
MAX_BYTES = 40 << 20
"""Of sweep.json: a hundred thousand runs at 400 bytes each."""
MAX_NUMBER = 2**63
MAX_FOLDER = 400

SweepStatus = Literal[
    "done", "stopped early", "diverged", "failed", "interrupted", "not started"
]  # fmt: skip
FINISHED: tuple[SweepStatus, ...] = ("done", "stopped early", "diverged")


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep, as sweep.json has it, and how far it came.

    Attributes
    ----------
    label, seed
        Which run.
    folder
        Its directory, relative to the sweep's.
    config_hash
        `RunConfig.hash` of its resolved configuration.
    n_train
        Number of training rows.
    status
        done, stopped early (it reached its `stop_accuracy`), diverged, failed, interrupted (also: in training now), or
        not started.
    reason
        Why it failed, in one line; None otherwise.
    """

    label: str
    seed: int
    folder: str
    config_hash: str
    n_train: int
    status: SweepStatus = "not started"
    reason: str | None = None


def write_sweep(path: Path, plan: Plan, runs: Sequence[SweepRun]) -> None:
    """Write sweep.json whole or not at all; a run's status is read from its folder, so it does not stand here."""
    record = {
        "schema": SCHEMA,
        "name": plan.specification.name,
        "specification": plan.specification.data,
        "settings": [asdict(setting) for setting in plan.settings],
        "runs": [{k: v for k, v in asdict(run).items() if k != "status"} for run in runs],
    }
    write_json(path / SWEEP_FILE, record)


def read_records(path: Path) -> list[SweepRun]:
    """Return the runs that sweep.json lists, without looking at their folders."""
    return [SweepRun(**entry) for entry in read_sweep(path)["runs"]]


def status_of(path: Path) -> SweepStatus:
    """Return how far the run in the folder `path` came.

    Raises
    ------
    GrokscopeError
        Where something in the folder is damaged.
    """
    if not (path / CONFIG_FILE).is_file() or not (path / "checkpoints").is_dir():
        return "not started"
    return run_status(open_run(path))


def run_now(sweep: Path, run: SweepRun) -> SweepRun:
    """Return a run of the sweep in the folder `sweep` with its status as the disk has it."""
    try:
        status = status_of(sweep / run.folder)
    except GrokscopeError as error:
        return replace(run, status="failed", reason=run.reason or str(error))
    if status in FINISHED:
        return replace(run, status=status, reason=None)
    return replace(run, status="failed" if run.reason else status)


def read_sweep(path: Path) -> dict[str, Any]:
    """Return what sweep.json in the folder `path` holds, checked.

    Raises
    ------
    RequestError
        Where the folder is no sweep, or of a newer grokscope.
    UnsoundError
        Where sweep.json is damaged.
    """
    if not is_plain_file(path / SWEEP_FILE):
        raise RequestError(
            f"{path} is not a sweep: it has no {SWEEP_FILE}",
            "a sweep's folder",
            "make one with grokscope sweep",
        )
    file = path / SWEEP_FILE
    record = read_json_bounded(file, MAX_BYTES, inside=path)
    if not isinstance(record, dict) or type(record.get("schema")) is not int:
        raise RequestError(f"{file} is not a sweep's record", "one written by grokscope")
    if record["schema"] > SCHEMA:
        raise RequestError(
            f"{file} has schema {record['schema']}",
            f"up to {SCHEMA}",
            "a newer grokscope is needed",
        )
    if not _sound(record):
        raise UnsoundError(f"{file} is damaged", todo="run the sweep again: it is written anew")
    return record


def _sound(record: Mapping[str, Any]) -> bool:
    """Return whether every part of sweep.json is what it should be, and every folder within the sweep's."""
    kinds = {"name": str, "specification": dict, "settings": list, "runs": list}
    if not all(isinstance(record.get(k), kind) for k, kind in kinds.items()):
        return False
    if not all(map(_is_run, record["runs"])) or not all(map(_is_setting, record["settings"])):
        return False
    labels = {setting["label"] for setting in record["settings"]}
    cells = {(run["label"], run["seed"]) for run in record["runs"]}
    return (
        len(labels) == len(record["settings"])
        and {label for label, _ in cells} <= labels
        and len(cells) == len(record["runs"]) == len(labels) * len({seed for _, seed in cells})
        and len({tuple(setting["values"]) for setting in record["settings"]}) <= 1
    )


def _is_run(run: Any) -> bool:
    kinds = {"label": str, "seed": int, "folder": str, "config_hash": str, "n_train": int}
    return (
        isinstance(run, dict)
        and all(type(run.get(k)) is kind for k, kind in kinds.items())
        and set(run) <= {*kinds, "reason"}
        and isinstance(run.get("reason"), (str, type(None)))
        and 0 <= run["seed"] < MAX_NUMBER
        and 0 <= run["n_train"] < MAX_NUMBER
        and run["folder"].isprintable()
        and len(run["folder"].encode()) < MAX_FOLDER
        and PurePosixPath(run["folder"]).parts[:1] == (RUNS,)
        and ".." not in PurePosixPath(run["folder"]).parts
    )


def _is_setting(setting: Any) -> bool:
    return (
        isinstance(setting, dict)
        and isinstance(setting.get("label"), str)
        and isinstance(setting.get("case"), (str, type(None)))
        and "case" in setting
        and isinstance(setting.get("values"), dict)
        and set(setting["values"]) <= section_fields().keys()
        and all(map(_is_value, setting["values"].values()))
    )


def _is_value(value: Any) -> bool:
    """Return whether a field may have this value: a number, a text, true or false, or a list of whole numbers."""
    if isinstance(value, list):
        return all(type(each) is int and abs(each) < MAX_NUMBER for each in value)
    if isinstance(value, int):
        return abs(value) < MAX_NUMBER
    return isinstance(value, (str, float))
