"""grokscope figure RUN_DIR NAME: write one figure of an analysed run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from grokscope.cli.output import print_json, print_table
from grokscope.cli.parse import parse


@dataclass(frozen=True)
class Options:
    """Write one figure of an analysed run; without a name, list those that it has."""

    run: Positional[Path]
    """Directory of the run."""
    name: Positional[str] = ""
    """Name of the figure."""
    format: Literal["html", "pdf", "svg", "png"] | None = None
    """html needs nothing else; pdf, svg and png need the extra grokscope[figures] and Chromium. Where not given: what
    the ending of --out says, else html."""
    out: Path | None = None
    """File to write; RUN_DIR/figures/NAME.FORMAT where not given."""
    width: Literal["single", "double"] = "double"
    """Width of a paper's column: 3.25 or 6.75 inches."""
    json: bool = False
    """Print the file as JSON."""


def main(argv: Sequence[str]) -> int:
    """Write a figure and print where it is, or list the figures."""
    options = parse(Options, "figure", argv)
    from grokscope.figures import FIGURES, available, save
    from grokscope.pipeline import analysed_dataset
    from grokscope.transitions import transitions

    run, ds = analysed_dataset(options.run)
    if not options.name:
        names = available(ds)
        if options.json:
            print_json(list(names))
        else:
            print_table(
                ("figure", "can be drawn"), [(n, "yes" if n in names else "no") for n in FIGURES]
            )
        return 0
    figure = FIGURES[options.name](ds, transitions(ds))
    path = options.out or run.path / "figures" / f"{options.name}.{options.format or 'html'}"
    save(figure, path, options.format, options.width)
    if options.json:
        print_json({"figure": options.name, "file": str(path)})
    else:
        print(path)
    return 0
