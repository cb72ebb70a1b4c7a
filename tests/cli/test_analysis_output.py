"""What `grokscope analyze` prints of the verdict: to a program in whole lines, to a terminal broken between words."""

import json
from pathlib import Path

import pytest

from grokscope.cli import main
from grokscope.cli.output import print_line

TINY = "--p 7 --frac-train 0.6 --d-model 16 --n-heads 2 --d-head 8 --d-mlp 24 --steps 4 --checkpoint-every 4 --quiet"
SENTENCE = "A clock on the frequencies 14, 35, 41, 42, 52: [circles] in clock form, by weight 1, and so on."


def test_the_algorithm_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Else what a run learned stands in the JSON and in the report only."""
    run = tmp_path / "tiny"
    assert main(["train", "mod_add", *TINY.split(), "--out", str(run)]) == 0
    capsys.readouterr()
    assert main(["analyze", str(run), "--json", "--quiet"]) == 0
    algorithm = json.loads(capsys.readouterr().out)["verdict"]["algorithm"]
    assert main(["analyze", str(run), "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index(f"algorithm: {algorithm['name']}")
    assert lines[at + 1] == algorithm["sentence"]
    assert "Which algorithm" in (run / "report.html").read_text()


def test_a_program_reads_a_line_in_one(capsys: pytest.CaptureFixture[str]):
    """Else a sentence is cut at 80 characters in a pipe, or its brackets are taken for markup."""
    print_line(SENTENCE)
    assert capsys.readouterr().out == SENTENCE + "\n"


def test_a_terminal_breaks_lines_between_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Else a narrow terminal cuts words in two."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    print_line(SENTENCE)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 40
    assert " ".join(line.strip() for line in lines) == SENTENCE
