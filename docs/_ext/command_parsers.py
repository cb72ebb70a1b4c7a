"""Every command with every option, from the parsers that the commands themselves use.

Each command is asked for its own help. Where it would hand its options to tyro, the options are taken here
instead; what it prints before that (the words of a command with options of its own) is kept as it is.
"""

import contextlib
import io
import warnings
from argparse import SUPPRESS, ArgumentParser
from dataclasses import dataclass
from importlib import import_module
from typing import Any


class _Taken(BaseException):
    """The options of a command, on their way out of it."""

    def __init__(self, kind: Any, prog: str, args: list[str], default: Any) -> None:
        self.kind, self.prog, self.args, self.default = kind, prog, args, default


@dataclass(frozen=True)
class Option:
    """One option of a command."""

    names: tuple[str, ...]
    value: str
    help: str
    group: str


@dataclass(frozen=True)
class Command:
    """One command: what it prints of itself, and its options."""

    name: str
    summary: str
    description: str
    own_help: str
    options: tuple[Option, ...]


def read_command(name: str) -> Command:
    """Return a command as its own parser has it."""
    from grokscope.cli import COMMANDS

    taken, printed = _take([name, "--help"])
    parser = parser_of(taken)
    return Command(
        name, COMMANDS[name][1], parser.description or "", printed, tuple(options_of(parser))
    )


def read_options(words: list[str]) -> Any:
    """Return what a command's own parser makes of its words; the command itself is not run."""
    import tyro

    taken, _ = _take(words)
    extra = {} if taken.default is None else {"default": taken.default}
    return tyro.cli(taken.kind, prog=taken.prog, args=taken.args, **extra)


def _take(words: list[str]) -> tuple[_Taken, str]:
    """Return what the command in `words` hands to tyro, and what it prints before that."""
    import tyro

    from grokscope.cli import COMMANDS

    printed = io.StringIO()
    real = tyro.cli

    def take(
        kind: Any, *, prog: str = "", args: list[str] = (), default: Any = None, **_: Any
    ) -> Any:
        raise _Taken(kind, prog, list(args), default)

    tyro.cli = take  # type: ignore[assignment]
    try:
        with contextlib.redirect_stdout(printed):
            import_module(f"grokscope.cli.{COMMANDS[words[0]][0]}").main(words[1:])
    except _Taken as taken:
        return taken, printed.getvalue()
    finally:
        tyro.cli = real
    raise RuntimeError(f"grokscope {words[0]} hands no options to tyro")


def parser_of(taken: _Taken) -> ArgumentParser:
    """Return the argparse parser of the options that a command would have handed to tyro."""
    from tyro.extras import get_parser

    extra = {} if taken.default is None else {"default": taken.default}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return get_parser(taken.kind, prog=taken.prog, **extra)


def options_of(parser: ArgumentParser) -> list[Option]:
    """Return the options of a parser in their groups."""
    found = []
    for group in parser._action_groups:
        for action in group._group_actions:
            if action.help == SUPPRESS or "--help" in action.option_strings:
                continue
            names = tuple(action.option_strings) or (str(action.dest).upper(),)
            value = str(action.metavar or "") if action.option_strings else ""
            found.append(
                Option(names, value, " ".join((action.help or "").split()), group.title or "")
            )
    return found
