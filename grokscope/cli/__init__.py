"""The command line: `main` finds the command, one thin file each does it."""

import os
import sys
from importlib import import_module

from grokscope.cli.ending import watching
from grokscope.cli.streams import flush_stdout, prepare_streams

COMMANDS = {
    "demo": ("demo", "train a small run that groks, analyse it, and print where the report is"),
    "train": ("train", "train a model with dense checkpoints"),
    "sweep": ("sweep", "train many runs that a file describes, several at a time"),
    "resume": ("resume", "go on with an interrupted run"),
    "densify": ("densify", "add checkpoints that the run passed through, around an event say"),
    "check": ("check", "say whether a run is whole, and what it says it is"),
    "analyze": ("analyze", "measure every checkpoint, locate the events, write the report"),
    "figure": ("figure", "write one figure of an analysed run"),
    "compare": ("compare", "put several runs side by side, as tables and as figures"),
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
    """Run the command line and return its exit code.

    0 done, 1 not sound, 2 the request makes no sense or cannot be met here, 3 a mistake of grokscope's own; 128 and the
    signal's number (130 for Ctrl-C) where it was interrupted. Without `argv` the process is ours: the words are those
    that it was started with, and an interrupted one ends here.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    if argv is None:
        prepare_streams()
    with watching(words, alone=argv is None) as ending:
        try:
            code = _run(words)
            flush_stdout()
        except BaseException as error:
            # Whatever a library made of the interrupt, it is one.
            if isinstance(error, KeyboardInterrupt) or ending.is_asked:
                return ending.end()
            code = _say(error)
        ending.done(code)
    return code


def _say(error: BaseException) -> int:
    from grokscope.cli.failures import say

    return say(error)


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if argv[0] in ("-V", "--version", "version"):
        from grokscope import __version__

        print(f"grokscope {__version__}")
        return 0
    from grokscope.errors import RequestError, nearest

    if argv[0] not in COMMANDS:
        raise RequestError(
            f"unknown command '{argv[0]}'", ", ".join(COMMANDS), nearest(argv[0], COMMANDS)
        )
    try:
        os.getcwd()
    except OSError as error:  # libraries in C end the process where they meet this
        raise RequestError(
            "the current folder is gone", todo="change to one that is there"
        ) from error
    return import_module(f"grokscope.cli.{COMMANDS[argv[0]][0]}").main(argv[1:])


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
