"""Running what a console sample types: each command as it stands, or made small, or read by its own parser alone.

Long trainings are made small: their sizes are replaced, all else stays. Some kinds of commands are not run, each for
its reason in NOT_RUN; those of grokscope go through their real parser all the same.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from sample_stand_ins import provide

from grokscope.cli import main

NOT_RUN = {
    "grokscope bench": "times the machine for minutes; tests/bench runs it on small cases",
    "make": "installs environments; its rule is looked for in the Makefile",
    "source": "the tests are in their own environment",
    "pip": "installs; its extras are looked for in pyproject.toml",
    "python": "the scripts of the papers: test_analysis_commands runs them with --dry-run",
}
SMALLER = {
    "p": "7", "group": "S3", "steps": "20", "d-model": "16", "n-heads": "2", "d-head": "8", "d-mlp": "24",
    "seeds": "0..1", "checkpoint-every": "10", "workers": "0",
}  # fmt: skip
ALWAYS = ("steps", "d-model", "d-mlp")
"""Put in where they are not given: the presets are large. Heads too, where the preset has attention."""
WRITES = ("--out",)


def reason(command: str) -> str:
    """Return why a command is not run, "" for one that is."""
    return next((why for begin, why in NOT_RUN.items() if command.startswith(begin)), "")


def run_command(
    command: str, runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Run one command of grokscope in the current folder; return its exit code and what it said was wrong."""
    words = shlex.split(command)
    if words[0] != "grokscope":
        raise AssertionError(f"'{command}' is no command that the tests know")
    for name in named_inputs(words):
        if not Path(name).exists():
            assert provide(name, runs), f"nothing stands in for {name}"
    if "--out" in words:
        shutil.rmtree(words[words.index("--out") + 1], ignore_errors=True)
    code = main(smaller(words)[1:])
    said = capsys.readouterr()
    return code, said.err[-500:]


def named_inputs(words: list[str]) -> list[str]:
    """Return the files and folders that a command reads."""
    before_options = [word for i, word in enumerate(words) if not words[i - 1].startswith("--")]
    return [
        word
        for word in before_options[2:]
        if re.search(r"[/.]", word) and not word.startswith("-") and "=" not in word
    ]


def smaller(words: list[str]) -> list[str]:
    """Return a command that takes seconds: a training with small sizes, no progress, no browser."""
    found = list(words)
    if words[1] == "train":
        for name, value in SMALLER.items():
            if f"--{name}" in found:
                found[found.index(f"--{name}") + 1] = value
            elif name in ALWAYS or (name == "workers" and "--seeds" in found):
                found += [f"--{name}", value]
    if words[1] in ("train", "analyze", "densify", "check", "resume", "sweep"):
        found += ["--quiet"]
    if words[1] == "figure":  # the browser is for tests/figures
        found = ["html" if word in ("pdf", "svg", "png") else word for word in found]
    return found
