"""The page of the command line: every option of every command, from the parsers themselves."""

import inspect
import re
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "_ext"))

from command_parsers import read_command, read_options  # noqa: E402

from grokscope.cli import COMMANDS, main  # noqa: E402
from grokscope.config import SET_BY_TASK, RunConfig  # noqa: E402
from grokscope.errors import RequestError  # noqa: E402


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help(name):
    """Else the page lists an option and does not say what it does."""
    command = read_command(name)
    assert command.description or command.own_help
    for option in command.options:
        assert len(option.help) > 3, option.names
    module = import_module(f"grokscope.cli.{COMMANDS[name][0]}")
    if hasattr(module, "Options"):
        assert len(command.options) == len(fields(module.Options))


def test_train_has_every_field_of_the_configuration():
    """Else a field of the configuration is missing on the page of the command that sets it."""
    command = read_command("train")
    shown = {o.names[0].removeprefix("--").replace("-", "_") for o in command.options}
    told = RunConfig().to_dict()
    named = {
        f for name, part in told.items() for f in (part if isinstance(part, dict) else (name,))
    }
    assert len(named) > 60
    assert named - {*SET_BY_TASK, "preset"} <= shown, sorted(named - shown)


def test_own_options_of_train_are_told():
    """Else an option that train reads by itself stands in no help and on no page."""
    source = inspect.getsource(import_module("grokscope.cli.train")._own_options)
    given = set(re.findall(r'"--([a-z]+)"', source))
    given |= {
        n
        for group in re.findall(r"for name in \(([^)]*)\)", source)
        for n in re.findall(r"\w+", group)
    }
    told = read_command("train").own_help
    assert len(given) > 8
    assert [name for name in sorted(given) if f"--{name}" not in told] == []


def test_reading_options_runs_nothing(tmp_path, monkeypatch):
    """Else a page's test would train; and a wrong option has to be refused as the command refuses it."""
    monkeypatch.chdir(tmp_path)
    read_options(["train", "mod_add", "--steps", "5", "--out", "run"])
    assert not (tmp_path / "run").exists()
    with pytest.raises((RequestError, SystemExit)):
        read_options(["check", "run", "--no-such-option", "3"])


def test_the_page_has_every_exit_code(capsys):
    """Else a code that the command line gives is not explained: those in `main`'s own words are the measure."""
    page = (ROOT / "docs" / "command-line.md").read_text()
    codes = {"0", "1", "2", "3", "128"}
    assert all(re.search(rf"^\| {code}\b", page, re.M) for code in codes)
    assert all(code in (main.__doc__ or "") for code in codes)
    assert main(["no-such-command"]) == 2
    capsys.readouterr()
