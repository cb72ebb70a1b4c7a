"""grokscope figure FOLDER NAME: write one figure of an analysed run, of one of its checkpoints, or of a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, UseAppendAction

from grokscope.cli.figure_options import figure_options, option_hints
from grokscope.cli.output import print_json, print_table, say
from grokscope.cli.parse import parse
from grokscope.errors import RequestError

if TYPE_CHECKING:
    import plotly.graph_objects as go

SWEEP_FILE = "sweep.json"


@dataclass(frozen=True)
class Options:
    """Write one figure of an analysed run or of a sweep; without a name, list those that it has."""

    run: Positional[Path]
    """Directory of the run, or of the sweep."""
    name: Positional[str] = ""
    """Name of the figure."""
    format: Literal["html", "pdf", "svg", "png"] | None = None
    """html needs nothing else; pdf, svg and png need the extra grokscope[figures] and Chromium. Where not given: what
    the ending of --out says, else html."""
    out: Path | None = None
    """File to write; FOLDER/figures/NAME.FORMAT where not given."""
    width: Literal["single", "double"] = "double"
    """Width of a paper's column: 3.25 or 6.75 inches."""
    option: UseAppendAction[tuple[Annotated[str, "KEY=VALUE"], ...]] = ()
    """An option of the figure, KEY=VALUE, as often as needed: --option log_steps=true --option run=LABEL. The value is
    read as JSON where it is JSON, else as text."""
    step: int | None = None
    """Checkpoint of a figure that is drawn from one checkpoint (output_tsne); the last where not given."""
    json: bool = False
    """Print the file, and the caption of a figure that has one, as JSON."""


def main(argv: Sequence[str]) -> int:
    """Write a figure and print where it is, or list the figures."""
    options = parse(Options, "figure", argv)
    if not options.name:
        return _list(options)
    figure = _of_sweep(options) if _is_sweep(options.run) else _of_run(options)
    from grokscope.figures import save

    name = f"{options.name}.{options.format or 'html'}"
    path = save(
        figure, options.out or options.run / "figures" / name, options.format, options.width
    )
    if options.json:
        caption = (figure.layout.meta or {}).get("caption")
        print_json(
            {"figure": options.name, "file": str(path)} | ({"caption": caption} if caption else {})
        )
    else:
        say(path)
    return 0


def _is_sweep(path: Path) -> bool:
    return (path / SWEEP_FILE).is_file()


def _of_sweep(options: Options) -> "go.Figure":
    from grokscope.figures import SWEEP_FIGURES
    from grokscope.sweeps import open_sweep

    drawing = SWEEP_FIGURES[options.name]
    if options.step is not None:
        raise RequestError("--step with a figure of a sweep", "a figure of one checkpoint")
    given = figure_options(drawing, options.option)
    return drawing(open_sweep(options.run).dataset(), **given)


def _of_run(options: Options) -> "go.Figure":
    from grokscope.figures import FIGURES, SNAPSHOT_FIGURES

    if options.name in SNAPSHOT_FIGURES:
        from grokscope.runs.run import open_run

        of_checkpoint = SNAPSHOT_FIGURES[options.name]
        given = figure_options(of_checkpoint, options.option)
        return of_checkpoint(open_run(options.run).snapshot(options.step), **given)
    from grokscope.pipeline import analysed_dataset
    from grokscope.transitions import transitions

    _, ds = analysed_dataset(options.run)
    drawing = FIGURES[options.name]
    if options.step is not None:
        todo = "--option step=N" if "step" in option_hints(drawing) else ""
        raise RequestError(
            f"--step with figure '{options.name}'", "a figure of one checkpoint", todo
        )
    return drawing(ds, transitions(ds), **figure_options(drawing, options.option))


def _list(options: Options) -> int:
    from grokscope.figures import FIGURES, SWEEP_FIGURES, available

    if _is_sweep(options.run):
        from grokscope.sweeps import open_sweep

        every, names = list(SWEEP_FIGURES), available(open_sweep(options.run).dataset())
    else:
        from grokscope.pipeline import analysed_dataset

        every, names = list(FIGURES), available(analysed_dataset(options.run)[1])
    if options.json:
        print_json(names)
    else:
        rows = [(name, "yes" if name in names else "no") for name in every]
        print_table(("figure", "can be drawn"), rows)
    return 0
