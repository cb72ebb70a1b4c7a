"""grokscope compare RUN...: several runs side by side, as tables and as figures."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, UseAppendAction

from grokscope.cli.figure_options import figure_options
from grokscope.cli.output import print_json, print_line, print_table, say
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress
from grokscope.errors import RequestError

if TYPE_CHECKING:
    from grokscope.comparison.comparison import Comparison
    from grokscope.comparison.table import Table

OUT = Path("comparison")


@dataclass(frozen=True)
class Options:
    """Put several runs side by side: settings, events and delays, any variable, any figure of a run."""

    runs: Positional[tuple[Path, ...]]
    """Directories of runs; a sweep's folder stands for its runs. What was not analysed yet is analysed first."""
    figure: UseAppendAction[tuple[Annotated[str, "NAME"], ...]] = ()
    """A figure of a run (grokscope figure RUN), as often as needed; all: every one that the runs can fill."""
    table: UseAppendAction[tuple[Annotated[str, "VARIABLE[@EVENT]"], ...]] = ()
    """A variable at the last step, at an event or at a step, as often as needed: accuracy@memorised, key_frequency,
    weight_norm_squared@2000; verdict; algorithm."""
    name: UseAppendAction[tuple[Annotated[str, "NAME"], ...]] = ()
    """What the runs are called, in their order, one --name each."""
    group_by: str = ""
    """Fields of the configuration, with commas: runs that agree in them are a group; none: each run is one. Where not
    given, runs that differ in nothing but their seeds are a group."""
    align: str = "step"
    """step; or an event (memorised, circuit_onset, grokked_99, ...) from which steps are counted."""
    relative: bool = False
    """With --align EVENT: steps divided by the event's step."""
    log_steps: bool = False
    """A logarithmic step axis."""
    at_least: int | None = None
    """How many runs of a group a place needs for the median and the band; all of them where not given."""
    columns: int | None = None
    """Runs beside each other in a figure that is repeated for each; 1 at single width, else 2."""
    option: UseAppendAction[tuple[Annotated[str, "KEY=VALUE"], ...]] = ()
    """An option of the figure, where one is drawn: --option step=2000."""
    format: Literal["html", "pdf", "svg", "png"] = "html"
    """Of the figures: html needs nothing else; pdf, svg and png need the extra grokscope[figures] and Chromium."""
    width: Literal["single", "double"] = "double"
    """Width of a paper's column: 3.25 or 6.75 inches."""
    theme: Literal["paper", "screen"] = "paper"
    """paper, or screen: for slides and pages, with larger text."""
    tables: Literal["csv", "md", "tex"] = "csv"
    """What the tables are written as, in the folder --out."""
    out: Path | None = None
    """Folder for tables and figures. Where not given: figures go to the folder comparison, tables are printed only."""
    json: bool = False
    """Print runs, groups, events and delays, the tables asked for and the files as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Compare runs, print the tables, write what was asked for."""
    options = parse(Options, "compare", argv)
    if not options.runs:
        raise RequestError("no run to compare", "grokscope compare RUN [RUN ...]")
    found = _compared(options)
    asked = {text: found.table(*_variable(text)) for text in options.table}
    tables = found.tables | asked
    files = _write_figures(found, options)
    if options.out is not None:
        files += _write_tables(tables, options.out, options.tables)
    if options.json:
        more = {text: table.records() for text, table in asked.items()}
        print_json(found.to_json() | {"tables": more, "files": [str(path) for path in files]})
        return 0
    for table in tables.values():
        _print(table)
    for line in found.notes:
        print_line(line)
    for path in files:
        say(path)
    return 0


def _compared(options: Options) -> "Comparison":
    from grokscope.comparison.comparison import compare

    with ExitStack() as bars:

        def on_run(name: str, steps: int) -> Callable[[int, int], None]:
            bars.close()
            advance = bars.enter_context(progress(f"analysing {name}", steps, options.quiet))
            return lambda done, total: advance(done)

        return compare(
            options.runs,
            names=options.name or None,
            group_by=options.group_by or None,
            on_run=on_run,
        )


def _variable(text: str) -> tuple[str, str | int | None]:
    """Return variable and place of "accuracy@memorised", "accuracy@2000" or "accuracy"."""
    variable, at, place = text.partition("@")
    if at and not place:
        raise RequestError(f"--table {text}", "VARIABLE, VARIABLE@EVENT or VARIABLE@STEP")
    return variable, int(place) if place.isdecimal() and len(place) < 16 else place or None


def _write_figures(found: "Comparison", options: Options) -> list[Path]:
    if not options.figure:
        return []
    from grokscope.figures import FIGURES, companions, publish

    every = "all" in options.figure
    names = found.figures if every else list(dict.fromkeys(options.figure))
    if options.option and len(names) != 1:
        raise RequestError(f"--option with {len(names)} figures", "one figure")
    single = options.width == "single" and options.format != "html"
    items, lacking = [], []
    for name in names:
        try:
            drawn = found.figure(
                name,
                align=options.align,
                relative=options.relative,
                log_steps=True if options.log_steps else None,
                at_least=options.at_least,
                columns=options.columns or (1 if single else 2),
                **figure_options(FIGURES[name], options.option),
            )
        except RequestError as error:
            if not every:
                raise
            lacking.append(str(error))  # of all figures those that these runs can fill are drawn
            continue
        items.append((drawn, (options.out or OUT) / f"compare_{name}.{options.format}"))
        for line in () if options.json else drawn.layout.meta["said"]:
            print_line(f"{name}: {line}")
    if not items:
        raise RequestError(lacking[0] if lacking else "no figure that these runs can fill")
    for line in () if options.json else lacking:
        print_line(line)
    written = publish(items, options.format, options.width, options.theme)
    return [each for path in written for each in (path, *companions(path)) if each.is_file()]


def _write_tables(tables: "dict[str, Table]", folder: Path, format: str) -> list[Path]:
    from grokscope.files import write_text

    paths = []
    for name, table in tables.items():
        path = folder / f"{name.replace('@', '_at_').replace('/', '_')}.{format}"
        write_text(path, table.to_text(format))
        paths.append(path)
    return paths


def _print(table: "Table") -> None:
    if table.rows:
        print_table(table.columns, table.rows, table.title)
    for note in table.notes:
        print_line(note)
