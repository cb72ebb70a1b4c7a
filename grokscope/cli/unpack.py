"""grokscope unpack FILE --out DIR: a packed run becomes a run directory again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from grokscope.cli.output import print_json, say
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress


@dataclass(frozen=True)
class Options:
    """Restore a run that grokscope pack wrote, byte for byte, after every SHA-256 in it was checked."""

    file: Positional[Path]
    """The packed run."""
    out: Path
    """Directory of the run, which must not exist yet."""
    json: bool = False
    """Print the run's directory and its steps as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Unpack a run and print where it is."""
    options = parse(Options, "unpack", argv)
    from grokscope.runs.unpack import unpack

    with progress("unpacking", 100, options.quiet) as advance:
        run = unpack(options.file, options.out, lambda done, total: advance(100 * done // total))
    if options.json:
        print_json({"run": str(run.path), "steps": list(run.steps)})
    else:
        say(f"{run.path} ({len(run.steps)} checkpoints)")
    return 0
