"""Softmax collapse and loss underflow: against the definition row by row, at the edge of both precisions, in a run."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from grokscope.cli.run_end import arithmetic
from grokscope.config import RunConfig, override
from grokscope.runs.metrics_dataset import metrics_dataset
from grokscope.training.collapse import Collapse
from grokscope.training.evaluate import metrics_of
from grokscope.training.loop import train_run
from grokscope.transitions.events import transitions

EDGE = {"float32": 24 * np.log(2), "float64": 53 * np.log(2)}
"""Two classes this far apart: exp(-d) is half of the least difference from 1 that the precision has."""


def measured(logits, labels, train=None, **options):
    """Return what is recorded of these logits, by way of the metrics."""
    rows = torch.arange(len(logits)) if train is None else train
    collapse = Collapse(override(RunConfig(), **options))
    return metrics_of(logits, labels, {"train": rows}, collapse=collapse)


@pytest.mark.parametrize("loss_dtype", EDGE)
@pytest.mark.parametrize(("apart", "share"), [(-0.05, 0.0), (0.05, 1.0)])
def test_at_the_edge_of_the_precision(loss_dtype, apart, share):
    """Else collapse is found a little too early or too late, or in the precision of the weights."""
    gap = EDGE[loss_dtype] + apart
    logits = torch.tensor([[0.0, -gap], [-gap, 0.0]], dtype=torch.float64)
    found = measured(logits, torch.tensor([0, 1]), loss_dtype=loss_dtype)
    assert found["softmax_collapse"] == share
    assert found.get("loss_underflow", False) is (share == 1)


def test_a_wrong_answer_collapses_too():
    """Else only rows with a loss of nothing are looked at, and one that is certain of a wrong answer is not seen."""
    logits = torch.zeros(3, 5)
    logits[:2, 1] = 40.0
    found = measured(logits, torch.tensor([1, 3, 0]), loss_dtype="float32")
    assert found["softmax_collapse"] == 2 / 3
    assert "loss_underflow" not in found, "the second row's loss is 40"


OPTIONS = [
    {},
    dict(temperature=0.25),
    dict(temperature=4.0),
    dict(loss_function="stablemax"),
]


@pytest.mark.parametrize("loss_dtype", EDGE)
@pytest.mark.parametrize("options", OPTIONS)
def test_equals_the_definition_on_every_row(loss_dtype, options):
    """Else a row that could be left out by its loss was one that has collapsed."""
    draw = torch.Generator().manual_seed(3)
    scale = torch.logspace(-1, 5, 400)[:, None]
    logits = torch.randn(400, 23, generator=draw) * scale
    labels = torch.where(
        torch.arange(400) % 2 == 0, logits.argmax(1), torch.randint(23, (400,), generator=draw)
    )
    z = logits.to(getattr(torch, loss_dtype)) / options.get("temperature", 1.0)
    if options.get("loss_function") == "stablemax":
        z = torch.where(z >= 0, (z.clamp(min=0) + 1).log(), -(1 - z.clamp(max=0)).log())
    wanted = np.array([float((row - row.max()).exp().sum()) == 1.0 for row in z])
    train = torch.arange(0, 400, 3)
    found = measured(logits, labels, train, loss_dtype=loss_dtype, **options)
    assert found["softmax_collapse"] == wanted[::3].mean()
    if not options:
        assert 0 < wanted.mean() < 1, "the case holds both"


def test_the_squared_error_has_none():
    """Else a loss without a softmax is said to have collapsed."""
    logits = torch.eye(3) * 100
    assert "softmax_collapse" not in measured(logits, torch.arange(3), loss_function="mse")


def test_a_run_in_float32_collapses_and_says_so(tmp_path):
    """Else a run whose rows have stopped training looks as sound as any other."""
    config = override(
        RunConfig(), p=5, frac_train=0.8, d_model=16, n_heads=2, d_head=8, d_mlp=32, lr=0.02, warmup=0, steps=60,
        weight_decay=0.0, loss_dtype="float32", eval_every=5,
    )  # fmt: skip
    runs = {
        dtype: train_run(override(config, loss_dtype=dtype), tmp_path / dtype) for dtype in EDGE
    }
    run = runs["float32"]
    lines = {line["step"]: line for line in run.metrics()}
    rows, labels = torch.as_tensor(run.split.rows("train")), torch.as_tensor(run.split.labels)
    for step in run.steps:
        logits = run.snapshot(step).logits[rows].float()
        total = (logits - logits.amax(1, keepdim=True)).exp().sum(1)
        assert lines[step]["softmax_collapse"] == pytest.approx(float((total == 1).double().mean()))
        loss = functional.cross_entropy(logits, labels[rows])
        assert lines[step].get("loss_underflow", False) == (float(loss) == 0)
    ds = metrics_dataset(run)
    assert ds["metric_softmax_collapse"].dims == ("metric_step",)
    events = {event.name: event for event in transitions(ds)}
    first = min(step for step, line in lines.items() if line["softmax_collapse"] > 0)
    earlier = max(step for step in lines if step < first)
    event = events["softmax_collapse"]
    assert (event.low, event.high) == (earlier, first)
    assert "of the training rows" in event.note
    assert any(f"from step {first} on" in sentence for sentence in arithmetic(run.metrics()))
    other = transitions(metrics_dataset(runs["float64"]))
    quiet = {event.name: event for event in other}["softmax_collapse"]
    assert quiet.high is None or quiet.high > first, "the wider precision collapses later"


def test_what_was_not_recorded_is_not_said_to_be_absent(tmp_path):
    """Else a run of an older version is told to be sound although nobody looked."""
    from grokscope.runs.metrics import write_metrics

    config = override(
        RunConfig(), p=5, frac_train=0.8, d_model=8, n_heads=2, d_head=4, d_mlp=8, steps=10
    )
    run = train_run(config, tmp_path / "run")
    lines = [{k: v for k, v in line.items() if k != "softmax_collapse"} for line in run.metrics()]
    write_metrics(run.path / "metrics.jsonl", lines)
    events = {event.name: event for event in transitions(metrics_dataset(run))}
    for name in ("softmax_collapse", "loss_underflow"):
        assert events[name].censored
        assert events[name].low is None
        assert "do not record" in events[name].note
