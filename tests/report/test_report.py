"""The page: whole by itself, inert, complete."""

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr

from grokscope import figures
from grokscope.errors import RequestError
from grokscope.report import render_report, write_report

HOSTILE = "<script>alert(1)</script>\"'--><!--</script>"


class Page(HTMLParser):
    """Collects tags, ids and the text of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.scripts and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def check_policy(text):
    """Assert that the page allows its own two scripts, by their hashes, and nothing else."""
    parsed = Page(text)
    policy = next(a["content"] for t, a in parsed.tags if a.get("http-equiv"))
    own = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in own
    }
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert set(rules["script-src"].split()) == hashes
    assert len(hashes) == 2
    assert rules["default-src"] == "'none'"
    assert "http" not in policy


@pytest.fixture(scope="module")
def page(ds, events):
    return render_report(ds, events, {"label": "grokked", "sentence": "It did.", "evidence": {}})


def test_nothing_is_loaded_and_plotly_is_there_once(page):
    parsed = Page(page)
    for tag, attributes in parsed.tags:
        assert "src" not in attributes, tag
        assert tag not in ("link", "iframe", "img", "object")
        assert attributes.get("href", "#").startswith("#")
    assert len(parsed.scripts) == 3
    assert len(page.encode()) < 15e6


def test_everything_is_on_the_page(page, ds, events):
    for name in figures.NAMES:
        assert f'id="figure-{name}"' in page, name
    for name in ds.data_vars:
        assert f"<code>{name}</code>" in page, name
    for event in events:
        assert html.escape(event.definition) in page
    assert "<code>task.p</code>" in page
    assert "not seen up to step 14,000" in page
    assert "The rules disagree on 5" in page
    assert "10,340 to 10,380" in page  # the delay, as an interval
    counts = ds["neurons_per_frequency"].sel(freq=7)[-1].item()
    assert re.search(rf"frequency 7</th><td class=\"number\">{counts}</td>", page)


def test_the_figures_of_the_page_are_those_of_the_dataset(page, ds):
    data = json.loads(Page(page).scripts[1])
    assert len(data["figures"]) == len(figures.NAMES)
    assert [f["layout"]["meta"]["name"] for f in data["figures"]] == list(figures.NAMES)


def test_figures_have_words_for_those_who_do_not_see_them(page):
    plots = [a for tag, a in Page(page).tags if tag == "div" and a.get("class") == "plot"]
    assert len(plots) == len(figures.NAMES)
    assert all(a["role"] == "img" and len(a["aria-label"]) > 30 for a in plots)
    assert "train: from" in plots[0]["aria-label"]


def test_a_users_own_measure_is_listed(ds, events, verdict):
    own = ds.assign(my_measure=("freq", np.linspace(0, 1, ds.sizes["freq"])))
    own["my_measure"].attrs = {"formula": "my formula", "source": "me, 2026", "units": "bananas"}
    text = render_report(own, events, verdict, figures=[])
    for words in ("my_measure", "my formula", "me, 2026", "bananas"):
        assert words in text


def test_text_from_the_run_is_inert(synthetic, events, verdict):
    ds = synthetic.dataset(run=HOSTILE, steps=5)
    ds.attrs |= {
        "task_formula": HOSTILE,
        "config": json.dumps({HOSTILE: HOSTILE}),
        HOSTILE: HOSTILE,
    }
    ds = ds.assign_coords(component=[HOSTILE, *ds["component"].values[1:]])
    ds["gini_embedding"].attrs = dict.fromkeys(("long_name", "units", "formula", "source"), HOSTILE)
    ds["commutativity"].attrs["units"] = HOSTILE
    verdict |= {"label": HOSTILE, "sentence": HOSTILE, "evidence": {HOSTILE: HOSTILE}}
    text = render_report(ds, events, verdict)
    assert "<script>alert" not in text
    parsed = Page(text)
    assert len(parsed.scripts) == 3
    check_policy(text)
    json.loads(parsed.scripts[1])


def test_what_cannot_be_drawn_is_named_with_the_reason(ds, events, verdict):
    text = render_report(ds.drop_vars("gini_embedding").drop_vars("gini_neuron_logit_map"), events,
                         verdict, figures=["gini", "norms"])  # fmt: skip
    assert 'id="figure-gini"' not in text
    assert "Figures not drawn" in text
    assert "no finite value of" in text
    with pytest.raises(RequestError, match="did you mean 'norms'"):
        render_report(ds, events, verdict, figures=["norm"])


@pytest.mark.parametrize("keep", [["loss"], ["gini_embedding"], []])
def test_a_bare_dataset_makes_a_page(ds, events, keep):
    bare = ds[keep].drop_attrs() if keep else xr.Dataset()
    text = render_report(bare, events[:0], {})
    assert "No events were looked for" in text
    assert "configuration is not known" in text


def test_a_run_that_ends_in_nan_makes_a_page(ds, verdict, events):
    holed = ds.copy(deep=True)
    for name, array in holed.data_vars.items():
        if "step" in array.dims:
            holed[name] = array.astype(float)
            holed[name][{"step": -1}] = np.nan
    assert "not a number" in render_report(holed, events, verdict)


def test_the_file_is_whole_or_not_there(ds, events, verdict, tmp_path):
    path = write_report(ds, events, verdict, tmp_path / "report.html", figures=["gini"])
    assert path.read_text().endswith("</html>\n")
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RequestError, match="cannot write"):
        write_report(ds, events, verdict, path / "report.html", figures=["gini"])


def test_the_same_run_gives_the_same_page(ds, events, verdict):
    one, two = (render_report(ds, events, verdict, figures=["gini"]) for _ in range(2))
    assert one == two
