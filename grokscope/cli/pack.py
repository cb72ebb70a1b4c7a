"""grokscope pack RUN_DIR: one file of a whole run, to be shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from grokscope.cli.output import print_json, say
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress


@dataclass(frozen=True)
class Options:
    """Write one file of a whole run, with a SHA-256 of everything in it; grokscope unpack restores it byte for byte."""

    run: Positional[Path]
    """Directory of the run."""
    out: Path | None = None
    """File to write, which must not exist yet; RUN.zip where not given."""
    state: bool = False
    """Pack the optimiser's state too, so that others can go on training; it is twice as large as the weights."""
    json: bool = False
    """Print file, bytes, and bytes of the run as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Pack a run and print where the file is."""
    options = parse(Options, "pack", argv)
    from grokscope.runs.pack import pack

    with progress("packing", 100, options.quiet) as advance:
        path = pack(
            options.run,
            options.out,
            options.state,
            lambda done, total: advance(100 * done // total),
        )
    if options.json:
        print_json({"file": str(path), "bytes": path.stat().st_size})
    else:
        say(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0
