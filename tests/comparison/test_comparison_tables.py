"""Tables of several runs: any variable at the last step or an event, for terminals, spreadsheets and papers."""

import csv
import io

import pytest
from planted_runs import planted, seeds

import grokscope as gs
from grokscope.comparison.table import Table
from grokscope.errors import RequestError


def test_a_variable_at_the_last_step_at_a_step_and_at_an_event():
    """Else a value of another step, row or run stands in the table."""
    found = gs.compare(*seeds(400, 600))
    last = {row["rows"]: row for row in found.table("accuracy").records()}
    assert (last["test"]["seed 0"], last["read at step"]["seed 0"]) == ("1", "1,000")
    at = found.table("gini_embedding", at="grokked_99").records()
    assert [(row["seed 0"], row["seed 1"]) for row in at] == [("400", "600"), ("0.4", "1.2")]
    early = {row["rows"]: row for row in found.table("accuracy", at=250).records()}
    assert (early["read at step"]["seed 0"], early["train"]["seed 0"]) == ("300", "1")
    assert early["test"]["seed 0"] == "0"


def test_an_event_that_was_not_seen_has_no_value():
    """Else the last step stands in for an event that did not happen."""
    found = gs.compare(planted("a"), planted("b", grokked=None))
    rows = found.table("gini_embedding", at="grokked_99").records()
    assert [row["b"] for row in rows] == ["not seen", "-"]


def test_a_variable_that_one_run_lacks_is_said():
    """Else a table of two tasks looks as if one of them were nothing."""
    table = gs.compare(planted("a"), planted("b").drop_vars("gini_embedding")).table("gini_embedding")  # fmt: skip
    assert table.notes == ("without this variable: b",)
    assert table.rows[-1] == ("gini_embedding", "1", "-")


def test_labels_of_two_tasks_are_all_there():
    """Else rows that one run alone has are dropped, or read from the wrong row."""
    fewer = planted("b").sel(rows=["test", "train", "all"])
    rows = {
        r["rows"]: (r["a"], r["b"]) for r in gs.compare(planted("a"), fewer).table("loss").records()
    }
    assert rows["train"] == ("0.001", "0.001")
    assert rows["test_twin_free"] == ("0.001", "-")


def test_lists_of_a_runs_own_stand_in_one_cell():
    """Else the third key frequency of one run stands beside that of another, as if they were one."""
    one, other = planted("a"), planted("b")
    one["key_frequency"] = ("key", [3, 7, 11])
    other["key_frequency"] = ("key", [5])
    assert gs.compare(one, other).table("key_frequency").rows == (("key_frequency", "3, 7, 11", "5"),)  # fmt: skip


def test_verdicts_side_by_side():
    """Else the words of one run stand at another."""
    table = gs.compare(planted("a"), planted("b", grokked=None)).table("verdict")
    assert [row[:2] for row in table.rows] == [("a", "grokked"), ("b", "memorised")]


def test_many_runs_have_a_row_each():
    """Else a table of seven runs is wider than any terminal."""
    found = gs.compare(*seeds(*range(300, 1000, 100)))
    table = found.tables["events"]
    assert table.columns[0] == "run"
    assert [row["grokked 99 %"] for row in table.records()][:2] == ["(200, 300]", "(300, 400]"]
    values = found.table("accuracy", at="grokked_99")
    assert values.columns[:2] == ("run", "read at step")
    assert [row["read at step"] for row in values.records()][:2] == ["300", "400"]


@pytest.mark.parametrize(
    ("variable", "at", "words"),
    [
        ("gini_embeding", None, "did you mean 'gini_embedding'?"),
        ("accuracy", "grokked", "did you mean 'grokked_99'?"),
        ("verdict", "grokked_99", "of the last step"),
        ("wide", None, "has 100 values a run"),
    ],
)
def test_what_makes_no_sense_is_said(variable, at, words):
    """Else a slip ends in a traceback, or in a table of nothing."""
    ds = planted("a")
    ds["wide"] = (("label", "step"), [[0.0] * 11] * 100)
    with pytest.raises(RequestError, match="^[^\n]*$") as told:
        gs.compare(ds, planted("b")).table(variable, at)
    assert words in str(told.value)


TABLE = Table("t", ("run", "a_b & c"), (('=1+1, "x"', "-3"), ("p|q\n<b>", "5 % ≤ 6")))


def test_csv_reads_back_and_commands_no_spreadsheet():
    """Else a run's name is computed by whoever opens the file, or a comma moves the columns."""
    read = list(csv.reader(io.StringIO(TABLE.to_csv())))
    assert read == [["run", "a_b & c"], ['\'=1+1, "x"', "-3"], ["p|q\n<b>", "5 % ≤ 6"]]


def test_markdown_and_latex_escape_what_commands():
    """Else a name breaks a paper's table, or puts a tag into a page."""
    assert TABLE.to_markdown().splitlines()[3] == r"| p\|q &lt;b&gt; | 5 % ≤ 6 |"
    tex = TABLE.to_latex()
    assert r"run & a\_b \& c \\" in tex
    assert r"5 \% $\leq$ 6 \\" in tex
    with pytest.raises(RequestError, match="did you mean 'csv'"):
        TABLE.to_text("cvs")


def test_a_notebook_shows_names_as_they_stand():
    """Else a run's name runs in a notebook."""
    shown = gs.compare(planted("<script>alert(1)</script>"))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
