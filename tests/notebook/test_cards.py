"""What IPython shows of grokscope's objects: cards in HTML and text, safe, quick, and nothing measured for them."""

import re
import subprocess
import sys
import time
from html.parser import HTMLParser

import numpy as np
import pytest

import grokscope as gs
from grokscope.analysis import read_dataset
from grokscope.notebook import hook
from grokscope.notebook.card import Card, Table
from grokscope.notebook.small_figures import Panel, curves, intervals
from grokscope.transitions import Transition, Transitions

EVIL = "<script>alert(1)</script>&\"'\x1b[31m"
VOID = {"rect", "line", "polyline", "progress", "br"}


class Balanced(HTMLParser):
    """Fails where a tag is not closed, and keeps the tags and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def read(html: str) -> Balanced:
    page = Balanced()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def shell():
    """An IPython whose formatters know grokscope, as in a notebook."""
    from IPython.core.interactiveshell import InteractiveShell

    made = InteractiveShell.instance()
    made.display_formatter.active_types = ["text/plain", "text/html"]
    hook.tell_ipython()
    yield made
    InteractiveShell.clear_instance()


def shown(shell, thing) -> dict[str, str]:
    return shell.display_formatter.format(thing)[0]


@pytest.fixture(scope="module")
def things(tiny):
    ds = read_dataset(tiny.path / "analysis.nc")
    events = gs.transitions(ds)
    snap = tiny.snapshot(20)
    return {
        "run": tiny,
        "snapshot": snap,
        "transitions": events,
        "transition": events["memorised"],
        "algorithm": gs.identify(ds),
        "ablation": gs.ablate(snap, "head 0"),
        "measure": gs.catalogue()["gini"],
        "catalogue": gs.catalogue(),
    }


NAMES = ("run", "snapshot", "transitions", "transition", "algorithm", "ablation", "measure", "catalogue")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_thing_has_a_card(shell, things, name):
    """Else a notebook shows a wall of text, or HTML that breaks the page around it."""
    bundle = shown(shell, things[name])
    page = read(bundle["text/html"])
    assert {"table", "b"} <= set(page.tags)
    assert "<script" not in bundle["text/html"]
    assert 1 <= bundle["text/plain"].count("\n") < 30
    assert max(map(len, bundle["text/plain"].splitlines())) < 400


@pytest.mark.parametrize("name", NAMES)
def test_outside_notebooks_one_line_is_enough(things, name):
    """Else a list of runs in a terminal, or a log, holds whole configurations."""
    if name in ("transitions", "transition"):
        pytest.skip("its repr is that of a dataclass, or a table, which others read")
    assert len(repr(things[name])) < 300
    assert "\n" not in repr(things[name])


def test_a_run_shows_its_last_metrics_and_its_events(shell, tiny):
    """Else the numbers on the card are of another step, or rounded away."""
    last = tiny.metrics()[-1]
    text = shown(shell, tiny)["text/plain"]
    assert f"{last['loss_train']:.3g}" in text
    assert f"{last['accuracy_test_twin_free']:.3f}" in text
    assert "5 checkpoints, 0 to 40" in text
    html = shown(shell, tiny)["text/html"]
    assert "from its analysis" in html
    assert html.count("<polyline") == 6  # three sets of rows in two panels


def test_a_run_without_analysis_shows_what_its_metrics_tell(shell, bare):
    """Else showing a run starts an analysis, or claims events that were never looked at."""
    before = sorted(p.name for p in bare.path.rglob("*"))
    html = shown(shell, bare)["text/html"]
    assert "from its metrics" in html
    assert "circuit_onset" not in html
    assert sorted(p.name for p in bare.path.rglob("*")) == before


def test_a_snapshot_is_not_computed_to_be_shown(shell, tiny):
    """Else looking at a snapshot of a large table takes seconds and gigabytes."""
    snap = tiny.snapshot(20)
    shown(shell, snap)
    assert not {"answer", "activations", "loss", "model"} & set(snap.__dict__)
    line = next(line for line in tiny.metrics() if line["step"] == 20)
    assert f"{line['loss_test']:.3g}" in shown(shell, snap)["text/plain"]


def test_an_ablation_shows_its_null(shell, things):
    """Else a claim stands without its control, or the control is of other rows."""
    found = things["ablation"]
    words = read(shown(shell, found)["text/html"]).words
    assert f"{found.loss.test:.3g}" in words
    median = float(np.median(found.null_loss[:, 1]))
    assert f"{median:.3g}" in words


def test_what_files_say_is_escaped(shell, things, tiny, tmp_path):
    """Else a run by a stranger runs a script in the notebook of whoever looks at it."""
    event = Transition(EVIL, 1, 2, False, EVIL, EVIL, EVIL)
    for thing in (event, Transitions([event])):
        bundle = shown(shell, thing)
        assert "<script" not in bundle["text/html"]
        assert "alert(1)" in read(bundle["text/html"]).words
        assert "\x1b" not in bundle["text/plain"]
    card = Card(EVIL, [EVIL], tables=[Table([EVIL], [[EVIL]])], more=[(EVIL, EVIL)])
    assert "<script" not in card.html()
    assert "\x1b" not in card.text()
    drawn = intervals([event], 10) + curves(
        [Panel(EVIL, np.arange(3), {EVIL: np.ones(3)})], [(EVIL, 1)], EVIL
    )
    assert "<script" not in drawn
    assert "script" not in read(str(drawn)).tags


def test_curves_lie_where_their_values_are():
    """Else the small figure lies: a curve that falls rises, or a marked step lies elsewhere."""
    steps = np.array([0, 50, 100])
    panel = Panel("loss", steps, {"train": np.array([100.0, 1.0, 0.01])}, True)
    drawn = str(curves([panel], [("x", 50)], ""))
    points = [tuple(map(float, p.split(","))) for p in re.search('points="([^"]*)"', drawn)[1].split()]  # fmt: skip
    left, middle, right = points
    assert left[1] < middle[1] < right[1]  # downwards
    assert middle[1] == pytest.approx((left[1] + right[1]) / 2, abs=0.2)  # logarithmic
    line = re.search(r'<line x1="([\d.]+)" x2="([\d.]+)"', drawn)
    assert float(line[1]) == float(line[2]) == pytest.approx(middle[0], abs=0.2)


def test_a_bar_covers_the_interval():
    """Else the picture shows another interval than the table."""
    drawn = str(intervals([Transition("x", 25, 50, False, "", "")], 100))
    bar = re.search(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawn)
    axis = re.search(r'<line x1="([\d.]+)" x2="([\d.]+)"', drawn)
    start, end = float(axis[1]), float(axis[2])
    assert float(bar[1]) == pytest.approx(start + 0.25 * (end - start), abs=0.1)
    assert float(bar[2]) == pytest.approx(0.25 * (end - start), abs=0.1)


def test_damage_is_said_on_the_card(shell, tiny, tmp_path):
    """Else a damaged file turns the display of a run into a traceback."""
    import shutil

    shutil.copytree(tiny.path, tmp_path / "hurt")
    file = tmp_path / "hurt" / "metrics.jsonl"
    file.write_bytes(b"{no metrics\n" + file.read_bytes())
    bundle = shown(shell, gs.open_run(tmp_path / "hurt"))
    assert "It cannot be shown" in bundle["text/html"]
    assert "metrics.jsonl" in bundle["text/plain"]


def test_a_list_shows_one_line_each(shell, things):
    """Else a list of snapshots fills pages."""
    snaps = [things["snapshot"]] * 3
    assert shown(shell, snaps)["text/plain"].count("Snapshot(") == 3


def test_cards_are_quick(shell, things):
    """Else every cell that ends with a run is slow: at most 0.3 s of processor time each, after the first."""
    for name in NAMES:
        shown(shell, things[name])
        began = time.process_time()
        shown(shell, things[name])
        assert time.process_time() - began < 0.3, name


@pytest.mark.parametrize("first", ["grokscope", "IPython"])
def test_it_does_not_matter_which_is_imported_first(first):
    """Else the cards are missing in a shell that was started from a program that uses grokscope."""
    start = "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()"
    parts = ["import grokscope as gs", start]
    order = parts if first == "grokscope" else parts[::-1]
    code = "; ".join([
        *order,
        "s.display_formatter.active_types = ['text/plain', 'text/html']",
        "m = gs.catalogue()['gini']",
        "print('<table' in s.display_formatter.format(m)[0]['text/html'])",
    ])  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr


def test_nothing_is_loaded_without_ipython():
    """Else `grokscope --help` loads what only a notebook needs."""
    code = "import grokscope, sys; print([m for m in sys.modules if 'IPython' in m or 'grokscope.notebook' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_every_type_with_a_card_is_there():
    """Else a class was moved or renamed, and its card is never shown."""
    from importlib import import_module

    for (module, name), card in hook.CARDS.items():
        assert isinstance(getattr(import_module(module), name), type)
        file, function = card.split(".")
        assert callable(getattr(import_module(f"grokscope.notebook.{file}"), function))


def test_a_sweep_counts_its_runs(shell, tmp_path):
    """Else the card of a sweep says how many runs were planned, and not how far they came."""
    sweep = gs.train("mod_add", seeds=[0, 1], out=tmp_path / "two", p=5, d_model=8, n_heads=1, d_head=8,
                     d_mlp=8, steps=4, eval_every=2, warmup=1, workers=1)  # fmt: skip
    bundle = shown(shell, sweep)
    assert "2 runs of 1 setting" in bundle["text/plain"]
    assert "2 done" in read(bundle["text/html"]).words
    assert len(repr(sweep)) < 300
