"""The report's sections on the algorithm and on what is key: of a cyclic run and of a run on another group."""

import re
from html.parser import HTMLParser

import pytest

from grokscope.report import render_report
from grokscope.report.algorithm_tables import algorithm
from grokscope.report.key_tables import key_rules, neuron_counts, order_learned
from grokscope.transitions import identify, judge

HOSTILE = "<script>alert(1)</script>\"'--><!--</script>"


class Tables(HTMLParser):
    """Collects the tables of a part of a page, as lists of rows of text, and the words outside of them."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.words, self._cell = [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            assert tag == "td" or dict(attrs)["scope"] in ("col", "row")
            self.tables[-1][-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = None

    def handle_data(self, data):
        if self._cell:
            self.tables[-1][-1][-1] += data
        else:
            self.words += data


def part(page, name):
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    return Tables(found[0]) if found else None


@pytest.fixture(scope="module")
def page(ds, events):
    return render_report(ds, events, judge(ds, events), figures=[])


@pytest.fixture(scope="module")
def group_page(group, events):
    return render_report(group, events, judge(group, events), figures=[])


def test_the_evidence_stands_with_value_threshold_and_margin(page, ds):
    """Else a reader cannot check the verdict: every piece must be there, with the run's own number."""
    found, section = identify(ds), part(page, "algorithm")
    assert found.name in section.words
    assert found.sentence in section.words
    head, *rows = section.tables[0]
    assert head == ["quantity", "value", "wanted", "margin", "holds", "speaks for", "note"]
    assert len(rows) == len(found.evidence)
    by_name = {(row[0], row[5]): row for row in rows}
    row = by_name["gradient symmetricity", "pizza"]
    value = float(ds["gradient_symmetricity"][-1])
    assert row[1] == f"{value:.5g}"
    assert (row[2], row[4]) == ("at least 0.95", "no")
    assert float(row[3].replace("−", "-")) == pytest.approx(value - 0.95, abs=1e-3)
    accuracy = by_name["accuracy, twin-free test rows", "the rule is learned"]
    assert (accuracy[1], accuracy[3], accuracy[4]) == ("1", "+0.05", "yes")


def test_the_circles_stand_with_weight_and_form(page, ds):
    """Else the forms of the circles are nowhere to be read, or stand at the wrong frequency."""
    head, *rows = part(page, "algorithm").tables[1]
    assert head == ["frequency", "weight", "clock share", "pizza share", "form"]
    third = f"{1 / 3:.3f}"
    assert rows == [
        ["3", third, "0.775", "0.991", "pizza"],
        ["7", third, "0.985", "0.812", "clock"],
        ["11", third, "0.985", "0.812", "clock"],
    ]


def test_what_was_not_measured_is_said(ds):
    """Else missing evidence looks like evidence against."""
    told = algorithm({"algorithm": identify(ds.drop_vars("distance_irrelevance")).to_json()})
    rows = [row for row in told["evidence"] if row["quantity"] == "distance irrelevance"]
    assert rows
    assert {(row["value"], row["margin"], row["holds"]) for row in rows} == {
        ("–", "–", "not measured")
    }


def test_a_verdict_without_an_algorithm_has_no_such_section(ds, events):
    """Else a page of an older verdict breaks, or shows an empty box."""
    text = render_report(ds, events, {"label": "grokked"}, figures=[])
    assert part(text, "algorithm") is None
    assert "#algorithm" not in text


def test_a_group_has_its_key_representations(group_page, group):
    """Else the section speaks of frequencies that a group does not have, or is not there."""
    section = part(group_page, "keys")
    assert "Key representations" in section.words
    assert "standard, sign" in section.words
    assert "The rules disagree on sign, standard_sign, s5_5d_a, s5_5d_b, s5_6d." in section.words
    head, *rows = section.tables[0]
    assert head == ["representation", "neuron", "embedding", "logit", "similarity", "used here"]
    assert rows[0] == ["sign", "no", "yes", "yes", "yes", "yes"]
    assert rows[1] == ["standard", "yes", "yes", "yes", "yes", "yes"]
    assert rows[2] == ["standard_sign", "no", "no", "no", "yes", "no"]
    assert "cosets / representations" in part(group_page, "algorithm").words
    assert len(part(group_page, "algorithm").tables) == 1, "a group has no circles"


def test_degrees_are_shown_where_the_dataset_has_them(group, events):
    """Else a representation of degree 6 looks as cheap as one of degree 1."""
    degrees = [1, 1, 4, 4, 5, 5, 6]
    found = key_rules(group.assign_coords(irrep_degree=("irrep", degrees)))
    assert {row["name"]: row["degree"] for row in found["rows"]}["s5_6d"] == 6
    text = render_report(
        group.assign_coords(irrep_degree=("irrep", degrees)), events, {}, figures=[]
    )
    head, *rows = part(text, "keys").tables[0]
    assert head[:2] == ["representation", "degree"]
    assert ["sign", "1"] == rows[0][:2]


def test_neurons_are_counted_by_representation(group):
    """Else the neurons of a group are left out, or counted at another representation."""
    assert neuron_counts(group)[:4] == [
        ("representation sign", "2"),
        ("representation standard", "40"),
        ("other representations", "3"),
        ("all representations", "45"),
    ]


def test_the_order_of_learning_has_intervals(group, group_page):
    """Else the page does not say when each was learned: sign at 4,000 and standard at 8,000, within the grid."""
    step = group["step"].values
    found = order_learned(group)
    assert [row["name"] for row in found["rows"]] == ["sign", "standard"]
    assert "at least 0.5 of its value at the last evaluation" in found["definition"]
    assert "a representation" in found["definition"]
    for row, began in zip(found["rows"], (4000, 8000), strict=True):
        high = step[step >= began][0]
        low = step[step < began][-1]
        assert row["when"] == f"{low:,} < step ≤ {high:,}"
    rows = part(group_page, "keys").tables[1]
    assert [row[0] for row in rows] == ["representation", "sign", "standard"]


def test_frequencies_that_were_learned_together_say_so(page, ds):
    """Else an order is read into a table whose intervals meet."""
    found = order_learned(ds)
    assert [row["name"] for row in found["rows"]] == ["3", "7", "11"]
    assert found["rows"][2]["note"].startswith("its interval meets that of 3, 7")
    assert part(page, "keys").tables[1][1][0] == "3"


def test_one_checkpoint_has_no_order(synthetic):
    """Else a single imported file claims that all was learned by its only step."""
    assert order_learned(synthetic.dataset(steps=1)) is None
    assert order_learned(synthetic.dataset(keys=())) is None


def test_text_of_the_run_is_inert_in_these_sections(group, events):
    """Else the name of a representation, or of an algorithm, of a stranger's file runs in the reader's browser."""
    names = [HOSTILE, *group["irrep"].values[1:]]
    bad = group.assign_coords(irrep=names, rule=[HOSTILE, "embedding", "logit", "similarity"])
    bad["key_irrep"] = ("key", [HOSTILE, "sign"])
    piece = dict.fromkeys(("quantity", "wanted", "of", "note"), HOSTILE)
    circle = {"freq": HOSTILE, "weight": 1.0, "clock": 1.0, "pizza": 1.0, "form": HOSTILE}
    named = {"name": HOSTILE, "sentence": HOSTILE, "circles": [circle],
             "evidence": [piece | {"value": 1.0, "margin": 0.5, "holds": True}]}  # fmt: skip
    text = render_report(bad, events, {"algorithm": named}, figures=["representations"])
    assert "<script>alert" not in text
    for name in ("algorithm", "keys"):
        assert "<script" not in re.search(rf'<section id="{name}".*?</section>', text, re.DOTALL)[0]
    assert "alert(1)" in text, "it is shown, as text"


def test_a_phone_reads_the_evidence_in_a_stack(page):
    """Else the seven columns of the evidence leave a narrow screen, and cells lose their names."""
    section = re.search(r'<section id="algorithm".*?</section>', page, re.DOTALL)[0]
    assert '<table class="stack" aria-labelledby="algorithm-evidence">' in section
    for label in ("value", "wanted", "margin", "holds", "speaks for"):
        assert f'data-label="{label}"' in section
    assert section.count("<table") == section.count("aria-labelledby") - 1
