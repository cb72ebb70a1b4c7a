"""What `grokscope analyze` does: measure, locate, judge, write all three down."""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.analysis import analyze, read_dataset, write_dataset
from grokscope.analysis.stamp import inputs_digest, is_stamped, write_stamp
from grokscope.errors import RequestError, UnsoundError
from grokscope.files import write_json
from grokscope.runs.run import Run, open_run

if TYPE_CHECKING:
    import xarray

    from grokscope.transitions import Transitions

DATASET_FILE = "analysis.nc"
TRANSITIONS_FILE = "transitions.json"
REPORT_FILE = "report.html"
OUTPUTS = (DATASET_FILE, TRANSITIONS_FILE, REPORT_FILE)


@dataclass(frozen=True)
class Analysed:
    """An analysed run: the dataset, the located events, the verdict, and where the report is."""

    run: Run
    dataset: "xarray.Dataset"
    transitions: "Transitions"
    verdict: dict[str, Any]
    report: Path

    @property
    def key(self) -> "xarray.DataArray | None":
        """Key frequencies, or the names of key representations; None for a task without a group."""
        from grokscope.transitions.curves import key_variable

        name = key_variable(self.dataset)
        return self.dataset[name] if name in self.dataset else None

    @property
    def learned(self) -> "Transitions | None":
        """When each key frequency, or key representation, was learned; None for a task without a group."""
        from grokscope.transitions import learning_order

        return None if self.key is None else learning_order(self.dataset)

    def to_json(self) -> dict[str, Any]:
        """Return what `grokscope analyze --json` prints."""
        key = self.key
        return {
            "run": str(self.run.path),
            "steps": self.dataset["step"].values.tolist(),
            "key": [] if key is None else key.values.tolist(),
            "transitions": self.transitions.to_json(),
            "verdict": self.verdict,
            "report": str(self.report),
        }


def analyse_run(
    path: str | Path,
    measures: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
    on_step: Callable[[int, int], None] | None = None,
    key_rule: str | None = None,
    threads: int | None = None,
    cache: bool = True,
) -> Analysed:
    """Analyse a run directory: analysis.nc, transitions.json and report.html are written, each whole or not at all.

    Where they are there already, made from just what would go into them now, they are read and nothing is written.
    What was measured before is taken from RUN/cache, unless `cache` is false; see `analyze` for the other parameters.
    """
    run = open_run(path)
    inputs = inputs_digest(run, measures, steps, key_rule) if cache else None
    if is_stamped(run, inputs, OUTPUTS):
        with contextlib.suppress(UnsoundError):
            return _judged(run, read_dataset(run.path / DATASET_FILE))
    if not os.access(run.path, os.W_OK):
        raise RequestError(
            f"cannot write {run.path}",
            "a run that can be written",
            "grokscope.analyze writes no file",
        )
    ds = analyze(run, measures, steps, on_step, key_rule, threads, cache)
    write_dataset(ds, run.path / DATASET_FILE)
    found = write_findings(run, ds)
    write_stamp(run, inputs, OUTPUTS)
    return found


def write_findings(run: Run, ds: "xarray.Dataset") -> Analysed:
    """Locate the events of a dataset and write transitions.json and report.html."""
    from grokscope.report import write_report

    found = _judged(run, ds)
    write_json(run.path / TRANSITIONS_FILE, found.transitions.to_json())
    write_report(ds, found.transitions, found.verdict, found.report)
    return found


def _judged(run: Run, ds: "xarray.Dataset") -> Analysed:
    from grokscope.transitions import transitions
    from grokscope.transitions.verdict import judge

    located = transitions(ds)
    return Analysed(run, ds, located, judge(ds, located), run.path / REPORT_FILE)


def analysed_dataset(path: str | Path) -> tuple[Run, "xarray.Dataset"]:
    """Return a run and the dataset that `analyze` wrote for it.

    Raises
    ------
    RequestError
        Where the run was not analysed yet.
    """
    run = open_run(path)
    return run, read_dataset(run.path / DATASET_FILE)
