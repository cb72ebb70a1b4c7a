"""grokscope check RUN_DIR: whether a run is whole, and what it says it is."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from grokscope.cli.output import print_json, print_line, print_table
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress

if TYPE_CHECKING:
    from grokscope.checking.finding import Finding, Report


@dataclass(frozen=True)
class Options:
    """Check a run: hashes, completeness, duplicates, NaN, odd jumps, metrics recomputed from checkpoints.

    Exit code 0: sound (warnings and notes are told); 1: damaged; 2: no run. Nothing is written.
    """

    run: Positional[Path]
    """Directory of the run."""
    samples: int | None = None
    """Checkpoints of which loss and accuracy are recomputed, evenly spread; where not given 20, or all where that takes
    seconds; 0: none."""
    quick: bool = False
    """Hashes, headers and completeness alone."""
    json: bool = False
    """Print the findings as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Check a run, print the findings, and return 0 where it is sound."""
    options = parse(Options, "check", argv)
    from grokscope.checking import check

    with progress("checking", 100, options.quiet) as advance:
        report = check(
            options.run,
            options.samples,
            options.quick,
            lambda done, total, what: advance(100 * done // max(1, total), what),
        )
    if options.json:
        print_json(report.to_json())
    else:
        _print(report)
    return 0 if report.is_sound else 1


def _print(report: "Report") -> None:
    if report.findings and sys.stdout.isatty():
        rows = [(each.level, _told(each)) for each in report]
        print_table(("level", "file, what is wrong, what to do"), rows, title=str(report.path))
    elif report.findings:  # one line each, for grep
        for each in report:
            print_line(f"{each.level}: {_told(each)}")
    looked = ", ".join(_count(count, what) for what, count in report.looked.items())
    if report.is_sound:
        print_line(f"sound ({report.status}): {looked}")
    else:
        told = _count(len(report.of("fault")), "faults")
        if report.of("warning"):
            told += f", {_count(len(report.of('warning')), 'warnings')}"
        print_line(f"damaged: {told}{f'; looked at {looked}' if looked else ''}")


def _told(each: "Finding") -> str:
    return f"{each.file}: {each.fault}{f'; {each.remedy}' if each.remedy else ''}"


def _count(number: int, what: str) -> str:
    """Return "1 fault" or "2 faults"."""
    first, _, rest = what.partition(" of ")
    word = first.removesuffix("s") if number == 1 else first
    return f"{number} {word}{f' of {rest}' if rest else ''}"
