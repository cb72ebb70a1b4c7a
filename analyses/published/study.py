"""What the scripts that measure many networks have in common: options, sweeps, one page, figures."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import plotly.graph_objects as go
import tyro

import grokscope as gs
from grokscope.cli.output import print_table
from grokscope.cli.sweep_progress import sweep_progress
from grokscope.errors import GrokscopeError
from grokscope.sweeps import Sweep, open_sweep
from published import settings
from published.definitions import definitions
from published.page import Table

SWEEPS = Path(__file__).resolve().parents[1] / "sweeps"


@dataclass(frozen=True)
class Options:
    """What every one of these scripts can be asked."""

    scale: Literal["small", "paper"] = "small"
    """small: a smaller setting that shows the same in minutes; paper: the published setting, days on a CPU."""
    out: Path = Path("checkpoints")
    """Folder in which the sweeps' folders, the page and the figures are made."""
    workers: int | None = None
    """Runs at the same time; one for each core where not given."""
    train: bool = True
    """--no-train: take the runs that are there, finished or not, and train none."""
    format: Literal["html", "svg", "pdf", "png"] = "html"
    """Format of the figures; all but html need grokscope[figures] and Chromium."""
    width: Literal["single", "double"] = "double"
    """Width of a paper's column: 3.25 or 6.75 inches."""
    dry_run: bool = False
    """Print the settings, and stop."""


@dataclass(frozen=True)
class Study:
    """One sweep of a script.

    Attributes
    ----------
    name
        Folder of its files and of its runs: NAME-SCALE-SWEEP.
    small, paper
        Sweep files, below analyses/sweeps.
    """

    name: str
    small: str
    paper: str

    def file(self, scale: str) -> Path:
        """Return the sweep file of a scale."""
        return SWEEPS / (self.small if scale == "small" else self.paper)

    def folder(self, options: Options) -> Path:
        """Return the folder of its runs."""
        return options.out / f"{self.name}-{options.scale}"

    def settings_table(self, scale: str) -> Table:
        """Return every hyper-parameter, published and here."""
        parameters = settings.hyper_parameters(self.file(scale), self.file("paper"))
        return Table(f"settings-{self.name}", f"Settings of {self.name}", settings.HEADER, parameters)  # fmt: skip

    def runs(self, options: Options) -> Sweep | None:
        """Return the sweep, trained as far as it was not; without training, what is there, None for nothing."""
        if options.train:
            file, out = self.file(options.scale), self.folder(options)
            with sweep_progress() as hear:
                return gs.sweep(file, out=out, workers=options.workers, on_update=hear)
        try:
            return open_sweep(self.folder(options))
        except GrokscopeError:
            return None


def definitions_table(sweep: Sweep) -> Table:
    """Return the definitions of the events that a sweep's runs are judged by."""
    return Table(
        "definitions", "Definitions of events", ("event", "definition"), definitions(sweep.dataset())
    )  # fmt: skip


def unfinished(sweep: Sweep) -> list[str]:
    """Return a line that says how many runs are not there yet; none where all are."""
    states = [record.status for record in sweep.runs]
    done = sum(state in ("done", "stopped early") for state in states)
    if done == len(states):
        return []
    return [f"Partial: {done} of {len(states)} runs of {sweep.path.name} are finished."]


def show_settings(studies: list[Study], scale: str) -> None:
    """Print the settings of every sweep."""
    for study in studies:
        table = study.settings_table(scale)
        print(f"{study.name}: {study.file(scale)}")
        print_table(table.header, [list(row) for row in table.rows], title=table.title)


def save_figures(figures: dict[str, go.Figure], folder: Path, options: Options) -> list[Path]:
    """Write figures by name and return their paths."""
    return [
        gs.figures.save(
            drawn, folder / "figures" / f"{stem}.{options.format}", options.format, options.width
        )
        for stem, drawn in figures.items()
    ]


def start(main: Callable[[Any], int], options: type, name: str, description: str | None) -> None:
    """Run a script: one line for a mistake or a missing model, and how to go on after Ctrl-C."""
    try:
        sys.exit(main(tyro.cli(options, description=description)))
    except GrokscopeError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(f"{name}: interrupted; call it again to go on", file=sys.stderr)
        sys.exit(130)
