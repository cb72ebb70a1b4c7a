"""Long work in a notebook: a bar that moves in the cell's output, and an interrupt that leaves a run to go on with."""

import json
import queue
import re
import time

import pytest

import grokscope as gs
from grokscope.notebook import progress

jupyter_client = pytest.importorskip("jupyter_client", reason="needs a Jupyter kernel")
pytest.importorskip("ipykernel", reason="needs a Jupyter kernel")


class Handle:
    """What IPython's display returns."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, thing):
        self.shown.append(thing._repr_html_())


@pytest.fixture
def shown(monkeypatch):
    """A pretended notebook; a list of all that was drawn."""
    import IPython.display

    drawn = []

    def display(thing, display_id):
        assert display_id
        drawn.append(thing._repr_html_())
        return Handle(drawn)

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "PERIOD", 0.0)
    return drawn


TINY = dict(p=5, d_model=8, n_heads=1, d_head=8, d_mlp=8, steps=20, eval_every=5, warmup=1)


def test_training_shows_a_bar_and_its_curves(shown, tmp_path):
    """Else training in a notebook is a minute of nothing."""
    run = gs.train("mod_add", out=tmp_path / "run", **TINY)
    assert len(shown) >= 5
    assert 'max="20" value="20"' in shown[-1]
    last = run.metrics()[-1]
    assert f"train {last['accuracy_train']:.3f}" in shown[-1]
    assert any("<polyline" in html for html in shown)
    assert "<polyline" not in shown[-1]


def test_analysis_shows_a_bar(shown, tmp_path):
    """Else `gs.analyze` of hundreds of checkpoints says nothing for minutes."""
    run = gs.train("mod_add", out=tmp_path / "run", on_metrics=lambda *_: None, **TINY)
    assert shown == []
    gs.analyze(run, ["performance"])
    steps = len(run.steps)
    assert f'max="{steps}" value="{steps}"' in shown[-1]


def test_seeds_show_one_bar(shown, tmp_path):
    """Else a notebook that trains many seeds says nothing until the last is done."""
    gs.train("mod_add", seeds=[0, 1], out=tmp_path / "two", workers=1, **TINY)
    assert "training 2 seeds" in shown[-1]
    assert 'max="40"' in shown[-1]


def test_outside_notebooks_nothing_is_shown(tmp_path, capsys):
    """Else a script that trains writes bars into its output."""
    gs.train("mod_add", out=tmp_path / "run", **TINY)
    assert capsys.readouterr() == ("", "")


TRAIN = """
import grokscope as gs
sizes = dict(p=23, d_model=32, n_heads=2, d_head=16, d_mlp=64)
run = gs.train("mod_add", **sizes, eval_every=10, steps=20_000, threads=1, out="run")
"""


@pytest.mark.slow
def test_an_interrupted_kernel_leaves_a_run_to_go_on_with(tmp_path, monkeypatch):
    """Else "interrupt the kernel" loses the training, or leaves a run that cannot be opened; and no bar is seen."""
    monkeypatch.chdir(tmp_path)
    manager, client = jupyter_client.manager.start_new_kernel(kernel_name="python3")
    try:
        bars = _run_until(client, TRAIN, lambda html: re.search('value="[1-9]', html) is not None)
        assert bars
        manager.interrupt_kernel()
        assert _ending(client) == "KeyboardInterrupt"
        stopped = gs.open_run(tmp_path / "run").metrics()[-1]["step"]
        assert 0 < stopped < 20_000
        # Going on by a listener that stops it again proves that it goes on from where it was, and not from the start.
        seen: list[int] = []

        def stop(step, metrics):
            seen.append(step)
            if len(seen) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            gs.resume(tmp_path / "run", stop)
        assert seen[0] >= stopped - 10
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _run_until(client, code, wanted, seconds=120):
    """Start a cell and return the HTML of its outputs, once one of them is as wanted."""
    client.execute(code)
    found, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            message = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if message["msg_type"] == "error":
            raise AssertionError("\n".join(message["content"]["traceback"]))
        html = message["content"].get("data", {}).get("text/html", "")
        if html:
            found.append(html)
            if wanted(html):
                return found
    raise AssertionError(f"no such output; there were {json.dumps(found)[:500]}")


def _ending(client, seconds=60):
    """Return the name of the error that the running cell ends in, or "ok"."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        reply = client.get_shell_msg(timeout=seconds)
        if reply["msg_type"] == "execute_reply":
            return reply["content"].get("ename", reply["content"]["status"])
    raise AssertionError("the cell did not end")
