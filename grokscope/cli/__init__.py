"""The command line: `main` finds the command, one thin file each does it."""

import os
import sys
from importlib import import_module

COMMANDS = {
    "demo": ("demo", "train a small run that groks, analyse it, and print where the report is"),
    "train": ("train", "train a model with dense checkpoints"),
    "sweep": ("sweep", "train many runs that a file describes, several at a time"),
    "resume": ("resume", "go on with an interrupted run"),
    "analyze": ("analyze", "measure every checkpoint, locate the events, write the report"),
    "figure": ("figure", "write one figure of an analysed run"),
    "report": ("report", "write the HTML report of an analysed run again"),
    "import": ("import_", "make a run of a checkpoint or series that others trained"),
    "pack": ("pack", "write one file of a whole run, to be shared"),
    "unpack": ("unpack", "restore a packed run, byte for byte"),
    "tasks": ("tasks", "list the tasks, with formula and group"),
    "measures": ("measures", "list the measures, with formula, source and cost"),
    "presets": ("presets", "list the presets, with their source"),
    "bench": ("bench", "measure how fast grokscope is here, beside the obvious alternative"),
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 not sound, 2 the request makes no sense."""
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # The reader of our output left; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if argv[0] in ("-V", "--version", "version"):
        from grokscope import __version__

        print(f"grokscope {__version__}")
        return 0
    from grokscope.errors import GrokscopeError, RequestError, nearest

    try:
        if argv[0] not in COMMANDS:
            raise RequestError(
                f"unknown command '{argv[0]}'", ", ".join(COMMANDS), nearest(argv[0], COMMANDS)
            )
        return import_module(f"grokscope.cli.{COMMANDS[argv[0]][0]}").main(argv[1:])
    except GrokscopeError as error:
        print(f"grokscope: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("grokscope: interrupted", file=sys.stderr)
        return 130


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "grokscope: a microscope for grokking",
            "",
            "usage: grokscope COMMAND [options]      grokscope COMMAND --help",
            "",
            *lines,
            "",
            "first steps: grokscope demo",
        ]
    )
