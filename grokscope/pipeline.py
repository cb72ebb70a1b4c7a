"""What `grokscope analyze` does: measure, locate, judge, write all three down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.analysis import analyze, read_dataset, write_dataset
from grokscope.files import write_json
from grokscope.runs.run import Run, open_run

if TYPE_CHECKING:
    import xarray

    from grokscope.transitions import Transitions

DATASET_FILE = "analysis.nc"
TRANSITIONS_FILE = "transitions.json"
REPORT_FILE = "report.html"


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
) -> Analysed:
    """Analyse a run directory: analysis.nc, transitions.json and report.html are written, each whole or not at all."""
    run = open_run(path)
    ds = analyze(run, measures, steps, on_step, key_rule)
    write_dataset(ds, run.path / DATASET_FILE)
    return write_findings(run, ds)


def write_findings(run: Run, ds: "xarray.Dataset") -> Analysed:
    """Locate the events of a dataset and write transitions.json and report.html."""
    from grokscope.report import write_report
    from grokscope.transitions import transitions
    from grokscope.transitions.verdict import judge

    located = transitions(ds)
    verdict = judge(ds, located)
    write_json(run.path / TRANSITIONS_FILE, located.to_json())
    report = write_report(ds, located, verdict, run.path / REPORT_FILE)
    return Analysed(run, ds, located, verdict, report)


def analysed_dataset(path: str | Path) -> tuple[Run, "xarray.Dataset"]:
    """Return a run and the dataset that `analyze` wrote for it.

    Raises
    ------
    RequestError
        Where the run was not analysed yet.
    """
    run = open_run(path)
    return run, read_dataset(run.path / DATASET_FILE)
