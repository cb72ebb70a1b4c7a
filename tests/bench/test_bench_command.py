"""grokscope bench: what is printed, for people and for programs, and what a mistake gives."""

import json

import pytest

from grokscope.bench import Settings, spread
from grokscope.bench.case import Line
from grokscope.bench.cases import CASES, LETTERS, choose_cases, load_case
from grokscope.bench.rounds import CaseResult, n_turns
from grokscope.cli import bench as command
from grokscope.cli import main


@pytest.fixture
def calm(monkeypatch):
    """No process is started: every case gives one line, with the difference in the list."""
    differences = [1e-7]
    seen = []

    def run_case(name, settings, on_turn):
        seen.append((name, settings))
        on_turn("ours: start")
        lines = [
            Line("ours", "s", spread([0.030, 0.035, 0.040])),
            Line("theirs", "s", spread([0.06, 0.07, 0.08]), spread([2.0, 2.0, 2.1])),
        ]
        case = load_case(name)
        return CaseResult(
            case, lines, {"ours": {"threads": 1}}, differences[0], {"other": "not here"}
        )

    monkeypatch.setattr("grokscope.bench.run_case", run_case)
    monkeypatch.setenv("COLUMNS", "160")
    return differences, seen


def test_a_table_for_each_case(calm, capsys):
    """Else machine, median, quartiles or ratio is missing, or a contender that did not run is not named."""
    assert main(["bench", "--case", "step2,step", "--quiet", "--quick", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert "1 threads" in out
    assert "torch" in out.splitlines()[1]
    rows = [line.split() for line in out.splitlines()]
    assert ["ours", "35", "ms", "32.5", "ms", "to", "37.5", "ms"] in rows
    assert any(row[:3] == ["theirs", "70", "ms"] and "2.00" in row for row in rows)
    assert "other: not measured: not here" in out
    assert out.count("same training: yes (largest difference 1.0e-07)") == 2
    assert out.index("preset nanda2023") < out.index("preset power2022"), "in the order of the list"
    assert [settings for _, settings in calm[1]] == [Settings(quick=True, threads=1)] * 2


def test_json(calm, capsys):
    """Else a program reads other numbers than a person, or none."""
    assert main(["bench", "--case", "analysis", "--quiet", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["cores"] >= 1
    (case,) = found["cases"]
    assert case["name"] == "analysis"
    assert case["same"] is True
    assert case["lines"][0]["median"] == pytest.approx(0.035)
    assert case["lines"][0]["times_ours"] is None
    assert case["lines"][1]["times_ours"]["median"] == pytest.approx(2.0)
    assert case["not_measured"] == {"other": "not here"}


@pytest.mark.parametrize("difference", [1.1e-5, float("inf")])
def test_different_work_is_said_and_is_an_error(calm, capsys, difference):
    """Else a ratio between two different things passes."""
    calm[0][0] = difference
    assert main(["bench", "--case", "step", "--quiet"]) == 1
    assert "same training: no" in capsys.readouterr().out
    assert main(["bench", "--case", "step", "--quiet", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["cases"][0]["same"] is False


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    """Else Ctrl-C ends in a traceback."""

    def run_case(name, settings, on_turn):
        raise KeyboardInterrupt

    monkeypatch.setattr("grokscope.bench.run_case", run_case)
    assert main(["bench", "--case", "step"]) == 130
    assert capsys.readouterr().err.strip().splitlines()[-1] == (
        "grokscope: interrupted; nothing is left half written; "
        "go on with: grokscope bench --case step"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--case", "stp"], "did you mean 'step'?"),
        (["--case", "f"], "gpu, or a, b, c, d, e"),
        (["--threads", "0"], "1 or more"),
        (["--run", "not/there"], "not/there is not a directory"),
        (["--run", ".", "--case", "step"], "--case analysis"),
        (["--fast"], "unknown option --fast"),
    ],
)
def test_mistakes_are_one_line(words, said, capsys):
    """Else a mistake is a traceback, or is found after minutes."""
    assert main(["bench", *words]) == 2
    err = capsys.readouterr().err.strip()
    assert said in err
    assert err.count("\n") == 0


def test_the_help_names_every_case_and_letter(capsys):
    """Else one has to guess them, or open the docs."""
    with pytest.raises(SystemExit, match="0"):
        main(["bench", "--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for letter, names in LETTERS.items():
        assert f"({letter})" in said or f"(both: {letter})" in said
        for name in names:
            assert name in said
    assert "gpu" in said


def test_cases_by_name():
    """Else a case cannot be chosen, or its turns do not fill the bar."""
    assert choose_cases("") == list(CASES)
    assert choose_cases(" share, step ") == ["step", "share"]
    assert choose_cases("c,a,step,gpu") == ["step", "seeds", "seeds59", "gpu"]
    assert choose_cases("a,b,c,d,e") == [name for name in CASES if name != "gpu"]
    for name in CASES:
        case = load_case(name)
        assert case.name == name
        assert case.quick_rounds < case.rounds
        starts = 0 if case.fresh else 1
        assert n_turns(name, Settings()) == len(case.contenders) * (case.rounds + starts)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.03512, "s", "35.1 ms"),
        (2.0, "s", "2 s"),
        (4e-7, "s", "0.4 us"),
        (3.724e9, "operations", "3.72 G operations"),
        (9.6e10, "operations/s", "96 G operations/s"),
        (5.73e8, "B", "573 MB"),
        (0.7131, "share", "71.3 %"),
        (4.31, "", "4.31"),
        (123.4, "runs/min", "123 runs/min"),
    ],
)
def test_numbers_with_units(value, unit, text):
    """Else a time is printed a thousandfold."""
    assert command._number(value, unit) == text


@pytest.mark.slow
def test_the_command_with_every_case_on_tables_of_a_few_rows(capsys):
    """Else a case ends in an error where it is run for real, or its contenders disagree."""
    assert command.main(["--quick", "--quiet", "--json", "--threads", "1"], tiny=True) == 0
    found = {case["name"]: case for case in json.loads(capsys.readouterr().out)["cases"]}
    assert list(found) == list(CASES)
    assert {name for name, case in found.items() if case["same"]} >= {"step", "step2", "analysis"}
    for name, case in found.items():
        assert case["lines"] or case["not_measured"], name
