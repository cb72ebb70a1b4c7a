"""Contenders do the same work: the same training, the same numbers. Each check is also seen to fail."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from grokscope.bench import training_step
from grokscope.bench.checkpoint_analysis import analysis, check, run_to_analyse
from grokscope.bench.plain_loop import PlainLoop
from grokscope.bench.planted_run import planted_weights
from grokscope.bench.rounds import largest_difference
from grokscope.bench.settings import Settings
from grokscope.bench.step_by_step import StepByStep, same_numbers_of_ours
from grokscope.bench.training_step import nanda2023, power2022, step_config
from grokscope.config import ModelConfig, RunConfig, override
from grokscope.errors import RequestError
from grokscope.measures import choose
from grokscope.models.transformer import HookedTransformer
from grokscope.runs.from_weights import run_from_weights
from grokscope.runs.run import open_run
from grokscope.tasks import ROWS

TINY = Settings(quick=True, tiny=True)
REFERENCE = Path(__file__).parents[2] / "checkpoints" / "nanda2023-seed0"


@pytest.mark.parametrize("case", [nanda2023(), power2022()], ids=lambda case: case.name)
def test_loops_train_as_the_trainer_does(case):
    """Else the ratio compares two different trainings."""
    started = [c.start(TINY) for c in case.contenders if c.name != "transformer_lens"]
    evidence = [each.evidence() for each in started]
    names = [set(each) for each in evidence]
    both = {"loss", training_step.OTHER}
    expected = (
        [{"loss"}, {training_step.OTHER}, both, both] if case.name == "step" else [{"loss"}, both]
    )
    assert names == expected
    assert evidence[-1]["loss"] != evidence[-1][training_step.OTHER]
    for losses in (losses for each in evidence for losses in each.values()):
        assert len(losses) == training_step.CHECKED_UPDATES
        assert len(set(losses)) > 2, "the weights move"
    assert largest_difference(evidence) < case.tolerance
    for each in started:
        assert all(0 < value < 10 for value in each.sample().values())


@pytest.mark.parametrize(
    "change",
    [dict(lr=2e-3), dict(weight_decay=0.0, lr=3e-3), dict(init_seed=1), dict(warmup=3)],
)
def test_another_training_is_seen(change):
    """Else "same training: yes" is printed whatever the loop does."""
    config = step_config("nanda2023", TINY)
    ours = training_step.make_trainer(config)
    loop = PlainLoop(override(config, **change))
    losses = [[each.update() for _ in range(5)] for each in (ours, loop)]
    assert largest_difference([{"loss": each} for each in losses]) > 1e-5


def test_the_loop_goes_through_each_row_once_an_epoch():
    """Else the plain loop's batches are not minibatches of the training rows."""
    loop = PlainLoop(step_config("power2022", TINY))
    n, size = len(loop.tokens), loop.batch_size
    assert n > 2 * size
    rows = [loop.next_batch()[0] for _ in range(n // size)]
    assert all(len(batch) == size for batch in rows)
    seen = {tuple(row) for batch in rows for row in batch.tolist()}
    assert len(seen) == len(rows) * size
    assert seen <= {tuple(row) for row in loop.tokens.tolist()}


def test_the_loop_that_computes_the_test_loss_does_more_work():
    """Else its ratio is that of the plain loop."""
    from grokscope.bench.work import operations_done

    config = step_config("nanda2023", TINY)
    plain, more = PlainLoop(config), PlainLoop(config, test_too=True)
    assert more.test is not None
    assert len(more.test[0]) + len(more.tokens) == 13**2
    forward = operations_done(lambda: plain.model(more.test[0]))
    work = [operations_done(loop.update) for loop in (plain, more)]
    assert work[1] - work[0] == forward


def numbers(run, step):
    """Return what both sides of case analysis give for a run's checkpoint."""
    snap, values = run.snapshot(step), {}
    for measure in choose(None):
        if measure.at == "every" and not measure.why_not(snap):
            values |= measure(snap)
    rows = {name: torch.as_tensor(snap.rows(name)) for name in ROWS}
    script = StepByStep(snap.tokens, snap.labels, rows, run.context.key, run.task.p)
    model = HookedTransformer(run.config.model, run.weights(step))
    return same_numbers_of_ours(values, run.context.key), script.measure(model)


def test_measures_equal_the_formulas_step_by_step():
    """Else the time of the measures is beside that of something else; at every checkpoint of the planted run."""
    run = run_to_analyse(TINY)
    check(run)
    for step in run.steps:
        ours, theirs = numbers(run, step)
        assert ours.keys() == theirs.keys()
        assert len(ours) == 15
        # Untrained, the trig shares are accidents of 1e-5 of the energy, and float32 has as many digits less of them.
        tolerance = 1e-4 if step == run.steps[0] else analysis().tolerance
        assert largest_difference([ours, theirs]) < tolerance
        for name, values in ours.items():
            # Untrained, some neurons are dead, and explained by nothing.
            assert np.isfinite(values).mean() > 0.5, name
    assert np.isfinite(ours["neuron_fraction_explained"]).all()


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference run is not in this checkout")
@pytest.mark.parametrize("step", [0, 9000, 14000])
def test_measures_equal_the_formulas_on_a_trained_model(step):
    """Else they agree on planted weights only."""
    ours, theirs = numbers(open_run(REFERENCE), step)
    assert largest_difference([ours, theirs]) < (analysis().tolerance if step else 1e-4)


def test_a_wrong_formula_is_seen():
    """Else "same numbers: yes" is printed whatever the two sides give: here the script misses one frequency."""
    run = run_to_analyse(TINY)
    ours, _ = numbers(run, run.steps[-1])
    snap, key = run.snapshot(), run.context.key
    rows = {name: torch.as_tensor(snap.rows(name)) for name in ROWS}
    script = StepByStep(snap.tokens, snap.labels, rows, key[:-1], run.task.p)
    theirs = script.measure(HookedTransformer(run.config.model, run.weights(snap.step)))
    for name in ("restricted_loss", "excluded_loss", "restricted_loss_neuron"):
        assert largest_difference([{name: ours[name]}, {name: theirs[name]}]) > 1e-3, name
    assert largest_difference([ours, theirs]) == math.inf


def test_the_planted_run_begins_at_random_and_ends_solved():
    """Else the run has no key frequencies, or its checkpoints are all alike, and half of the measures do nothing."""
    run = run_to_analyse(TINY)
    first, last = run.snapshot(run.steps[0]), run.snapshot()
    assert first.accuracy.all < 0.3
    assert last.accuracy.all == 1
    assert run.context.key == (1, 3, 5, 8, 10)


def test_planted_weights_give_the_cosines_that_they_say():
    """Else the circuit is another one than its docstring's: cos w_k(a + b - c) with |cos w_k(a - b)/2| in front."""
    p, k = 11, 3
    config = ModelConfig(d_model=16, d_head=4, n_heads=2, d_mlp=240, d_vocab=p + 1, d_vocab_out=p)
    model = HookedTransformer(config, planted_weights(config, p, (k,)))
    a, b = torch.arange(p).repeat_interleave(p), torch.arange(p).repeat(p)
    tokens = torch.stack([a, b, torch.full_like(a, p)], dim=1)
    logits = model(tokens)[:, -1].detach().double()
    w = 2 * math.pi * k / p
    c = torch.arange(p)
    expected = torch.cos(w * (a - b) / 2).abs()[:, None] * torch.cos(w * ((a + b)[:, None] - c))
    scale = (logits * expected).sum() / expected.square().sum()
    assert scale > 1
    torch.testing.assert_close(logits, scale * expected.double(), rtol=0, atol=1e-3 * float(scale))


def test_runs_that_the_formulas_do_not_fit(tmp_path):
    """Else a run of division or of two layers ends in a traceback, or in numbers that mean something else."""
    model = dataclasses.replace(RunConfig().model, d_vocab=8, d_vocab_out=8, d_model=8, d_mlp=4)
    weights = HookedTransformer(model).weights()
    run = run_from_weights(tmp_path / "div", "mod_div", model, weights, p=7)
    with pytest.raises(RequestError, match="task mod_add.*a known split"):
        check(run)
    known = dict(split_seed=0, frac_train=0.5)
    fresh = run_from_weights(tmp_path / "add", "mod_add", model, weights, p=7, **known)
    if not fresh.context.key:
        with pytest.raises(RequestError, match="no key frequencies"):
            check(fresh)
