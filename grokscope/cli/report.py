"""grokscope report RUN_DIR: write the HTML report of an analysed run again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from grokscope.cli.output import print_json, say
from grokscope.cli.parse import parse


@dataclass(frozen=True)
class Options:
    """Write transitions.json and report.html again from analysis.nc, without measuring."""

    run: Positional[Path]
    """Directory of the run."""
    json: bool = False
    """Print what was found as JSON."""


def main(argv: Sequence[str]) -> int:
    """Write the report and print where it is."""
    options = parse(Options, "report", argv)
    from grokscope.pipeline import analysed_dataset, write_findings

    found = write_findings(*analysed_dataset(options.run))
    if options.json:
        print_json(found.to_json())
    else:
        say(found.report)
    return 0
