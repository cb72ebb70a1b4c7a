"""grokscope figure FOLDER NAME...: write figures of an analysed run, of one of its checkpoints, or of a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, UseAppendAction

from grokscope.cli.figure_source import Source
from grokscope.cli.output import print_json, print_table, say
from grokscope.cli.parse import parse
from grokscope.cli.streams import write_error
from grokscope.errors import RequestError

if TYPE_CHECKING:
    import plotly.graph_objects as go

ALL = "all"
PANEL = "panel"
IN_PART = 1
"""Exit code where pictures were asked for and html was written."""


@dataclass(frozen=True)
class Options:
    """Write figures of an analysed run or of a sweep; without a name, list those that it has.

    Beside each figure stand STEM.csv, the data that it draws, and STEM.txt, its caption with all settings. Without a
    Chromium, pdf, svg and png are written as html instead, with exit code 1.
    """

    run: Positional[Path]
    """Directory of the run, or of the sweep."""
    names: Positional[tuple[Annotated[str, "NAME"], ...]] = ()
    """Names of figures; all: every one that can be drawn, in one call."""
    panel: str = ""
    """Figures to put into one, with letters, by name with commas: progress,restricted_excluded,gini,norms."""
    columns: int = 2
    """Of the panel, where there is room: one in a single column, up to three in a double one."""
    format: Literal["html", "pdf", "svg", "png"] | None = None
    """html needs nothing else; pdf, svg and png need the extra grokscope[figures] and Chromium. Where not given: what
    the ending of --out says, else html."""
    out: Path | None = None
    """File to write, or with several figures the folder; FOLDER/figures/NAME.FORMAT where not given."""
    width: Literal["single", "double"] = "double"
    """Width of a paper's column: 3.25 or 6.75 inches."""
    theme: Literal["paper", "screen"] = "paper"
    """paper: text of 7 to 9 points; screen: larger text and thicker lines, for slides. Not of html."""
    option: UseAppendAction[tuple[Annotated[str, "KEY=VALUE"], ...]] = ()
    """An option of the figure, KEY=VALUE, as often as needed: --option log_steps=true --option run=LABEL. The value is
    read as JSON where it is JSON, else as text. Of several figures, those take it that have it."""
    step: int | None = None
    """Checkpoint of a figure that is drawn from one checkpoint (output_tsne); the last where not given."""
    json: bool = False
    """Print the files and the captions as JSON."""


def main(argv: Sequence[str]) -> int:
    """Write figures and print where they are, or list the figures."""
    options = parse(Options, "figure", argv)
    source = Source(options.run, options.option, options.step)
    if not options.names and not options.panel:
        return _list(source, options.json)
    drawn, skipped = _draw(options, source)
    places = _places(options, list(drawn))
    files, code = _write(options, {places[name]: figure for name, figure in drawn.items()})
    told = [_told(name, files[places[name]], figure) for name, figure in drawn.items()]
    if options.json:
        several = [{"figure": name, "reason": reason} for name, reason in skipped.items()]
        print_json({"figures": told, "skipped": several} if _is_many(options) else told[0])
        return code
    for each in told:
        say(each["file"])
    for name, reason in skipped.items():
        say(f"not drawn: {name}: {reason}")
    return code


def _is_many(options: Options) -> bool:
    return len(options.names) > 1 or ALL in options.names


def _draw(options: Options, source: Source) -> "tuple[dict[str, go.Figure], dict[str, str]]":
    """Return the figures by name, and of all those that cannot be drawn why not."""
    if options.names and options.panel:
        raise RequestError("names beside --panel", "one of both")
    if options.panel:
        from grokscope.figures import panel

        names = [name.strip() for name in options.panel.split(",")]
        figures = [source.draw(name, of=names) for name in names]
        return {PANEL: panel(figures, options.columns)}, {}
    if ALL not in options.names:
        names = list(dict.fromkeys(options.names))
        return {name: source.draw(name, of=names) for name in names}, {}
    if len(options.names) > 1:
        raise RequestError(f"{ALL} beside other names", f"names, or {ALL} alone")
    drawn, skipped = source.draw_all(source.every)
    if not drawn:
        raise RequestError(
            f"no figure of {options.run} can be drawn", todo=next(iter(skipped.values()))
        )
    return drawn, skipped


def _places(options: Options, names: Sequence[str]) -> dict[str, Path]:
    """Return the file of each figure."""
    from grokscope.figures.export import FORMATS

    out, kind = options.out, options.format or "html"
    if out is not None and not _is_many(options) and not out.is_dir():
        return dict.fromkeys(names, out)
    if out is not None and out.suffix.lstrip(".") in FORMATS and not out.is_dir():
        raise RequestError(f"--out {out} for several figures", "a folder")
    return {name: (out or options.run / "figures") / f"{name}.{kind}" for name in names}


def _write(options: Options, work: "dict[Path, go.Figure]") -> tuple[dict[Path, Path], int]:
    """Write the figures; return each one's file by the place that it was meant for, and the exit code."""
    from grokscope.figures import publish
    from grokscope.figures.export import HOW_TO_DRAW, BrowserMissing

    items = [(figure, place) for place, figure in work.items()]
    try:
        files = publish(items, options.format, options.width, options.theme)
    except BrowserMissing as error:
        html = [(figure, place.with_suffix(".html")) for figure, place in items]
        files = publish(html, "html", options.width, options.theme)
        write_error(f"{error.given}: html was written instead; for the rest, {HOW_TO_DRAW}")
        return dict(zip(work, files, strict=True)), IN_PART
    return dict(zip(work, files, strict=True)), 0


def _told(name: str, file: Path, figure: "go.Figure") -> dict[str, Any]:
    from grokscope.figures import companions

    data, caption = companions(file)
    found = (figure.layout.meta or {}).get("caption", "")
    beside = {"data": str(data), "caption_file": str(caption)}
    return {"figure": name, "file": str(file), **beside, "caption": found}


def _list(source: Source, as_json: bool) -> int:
    from grokscope.figures import available

    names = available(source.dataset)
    if as_json:
        print_json(names)
    else:
        rows = [(name, "yes" if name in names else "no") for name in source.every]
        print_table(("figure", "can be drawn"), rows)
    return 0
