"""The figures of Power et al. 2022 (arXiv 2201.02177), remade: published against measured.

    python analyses/power2022.py --figure 2-right                  # small: minutes on two cores
    python analyses/power2022.py --figure 2-right --scale paper    # the published setting: days
    python analyses/power2022.py --figure all --dry-run            # what would be trained

The sweeps stand in analyses/sweeps/power2022/; runs that are done are not trained again. Beside the figures the script
writes published-vs-measured.md: the statements, every hyper-parameter (published and here, with what was scaled), and
the definitions of the events.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import plotly.graph_objects as go
import tyro

import grokscope as gs
from grokscope.cli.output import print_table
from grokscope.errors import GrokscopeError
from grokscope.files import write_text
from grokscope.sweeps import Sweep
from power2022_figures import FIGURES
from power2022_figures.figure import Figure
from published import claims, settings
from published.definitions import definitions

SWEEPS = Path(__file__).parent / "sweeps" / "power2022"


@dataclass(frozen=True)
class Options:
    """Train what a figure of Power et al. 2022 needs, draw it, and print published against measured."""

    figure: Literal[
        "1-left",
        "1-centre",
        "2-left",
        "2-right",
        "3",
        "4",
        "A.4",
        "A.5",
        "A.5-post",
        "A.5-mixed",
        "division",
        "all",
    ]
    """Which figure; division: the preset power2022 as it is. (Figure 5: grokscope figure RUN operation_table.)"""
    scale: Literal["small", "paper"] = "small"
    """small: a smaller setting that shows the same effect in minutes; paper: the published setting, days on a CPU."""
    out: Path = Path("checkpoints")
    """Folder in which the sweeps' folders are made."""
    workers: int | None = None
    """Runs at the same time; one for each core where not given."""
    format: Literal["html", "svg", "pdf", "png"] = "html"
    """Format of the figures; all but html need grokscope[figures] and Chromium."""
    width: Literal["single", "double"] = "double"
    """Width of a paper's column: 3.25 or 6.75 inches."""
    dry_run: bool = False
    """Print the runs that would be trained, and stop."""


def main(options: Options) -> int:
    """Remake the figures that were asked for."""
    names = list(FIGURES) if options.figure == "all" else [options.figure]
    for name in names:
        figure = FIGURES[name]
        source = SWEEPS / options.scale / f"{figure.sweep}.toml"
        if options.dry_run:
            print(f"{name}: {source}")
            show_settings(source, figure)
            continue
        out = options.out / f"power2022-{options.scale}-{figure.sweep}"
        sweep = gs.sweep(source, out=out, workers=options.workers)
        remake(name, figure, sweep, source, options)
    return 0


def remake(name: str, figure: Figure, sweep: Sweep, source: Path, options: Options) -> None:
    """Draw a figure, print its tables, and write both into the sweep's folder."""
    found = figure.claims(sweep)
    title = f"{name}: {figure.title} (scale: {options.scale})"
    claims.show(title, found)
    parameters = show_settings(source, figure)
    meaning = definitions(sweep.dataset())
    print_table(("event", "definition"), meaning)
    for stem, drawn in figure.draw(sweep).items():
        print(save(drawn, sweep.path / "figures" / f"{stem}.{options.format}", options))
    text = "\n\n".join(
        (
            f"# {title}",
            claims.markdown(claims.HEADER, claims.rows(found)),
            "## Hyper-parameters",
            claims.markdown(settings.HEADER, parameters),
            "## Definitions",
            claims.markdown(("event", "definition"), meaning),
        )
    )
    path = sweep.path / f"published-vs-measured-{name}.md"
    write_text(path, text + "\n")
    print(path)


def show_settings(source: Path, figure: Figure) -> list[tuple[str, str, str, str]]:
    """Print and return the hyper-parameters, published and here."""
    paper = SWEEPS / "paper" / f"{figure.sweep}.toml"
    parameters = settings.hyper_parameters(source, paper)
    print_table(settings.HEADER, parameters, title="hyper-parameters")
    return parameters


def save(drawn: go.Figure, path: Path, options: Options) -> Path:
    """Write a figure and return its path."""
    gs.figures.save(drawn, path, options.format, options.width)
    return path


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Options, description=__doc__)))
    except GrokscopeError as error:
        print(f"power2022: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("power2022: interrupted; call it again to go on", file=sys.stderr)
        sys.exit(130)
