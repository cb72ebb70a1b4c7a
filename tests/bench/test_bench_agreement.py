"""Contenders do the same work: the same training, the same numbers. Each check is also seen to fail."""

import ast
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from grokscope.bench import step_by_step, training_step
from grokscope.bench.checkpoint_analysis import (
    all_measures,
    analysis,
    as_numbers,
    check,
    inputs_of,
    run_to_analyse,
    script_at,
)
from grokscope.bench.plain_loop import PlainLoop
from grokscope.bench.planted_run import planted_weights
from grokscope.bench.rounds import largest_difference
from grokscope.bench.settings import Settings
from grokscope.bench.step_by_step import StepByStep
from grokscope.bench.training_step import nanda2023, power2022, step_config
from grokscope.config import ModelConfig, RunConfig, override
from grokscope.errors import RequestError
from grokscope.measures import choose
from grokscope.models.transformer import HookedTransformer
from grokscope.runs.from_weights import run_from_weights
from grokscope.runs.key import neuron_shares
from grokscope.runs.run import open_run

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
        [{training_step.OTHER}, {"loss"}, both, both] if case.name == "step" else [{"loss"}, both]
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
    ours = as_numbers(all_measures(run.snapshot(step, run.context)))
    return ours, script_at(run, run.context, step)()


def undecided(run, step):
    """Return which neurons two frequencies explain alike, as where a neuron fires at one input: rounding chooses."""
    first, second = np.sort(np.nan_to_num(neuron_shares(run.snapshot(step))), axis=0)[:-3:-1]
    return (first > 0) & (first - second < 1e-6)


def agree(run, step, ours, theirs):
    """Check every variable by itself, so that one that differs is named.

    Untrained, trig shares are accidents of 1e-8 of the energy, and float32 has as many digits less of them.
    """
    assert ours.keys() == theirs.keys()
    ours, theirs, chance = dict(ours), dict(theirs), undecided(run, step)
    assert step != run.steps[-1] or not chance.any()
    for found in (ours, theirs):
        found["neuron_frequency"] = np.array(found["neuron_frequency"])[~chance].tolist()
    for name in ("frequency_concentration", "frequency_concentration_top_k"):
        if chance.any():
            gap = abs(ours.pop(name)[0] - theirs.pop(name)[0])
            assert gap <= 2 * chance.sum() / (len(chance) - ours["neurons_dead"][0]), name
    tolerance = 1e-4 if step == 0 else analysis().tolerance
    found = {name: largest_difference([{name: ours[name]}, {name: theirs[name]}]) for name in ours}
    assert {name: gap for name, gap in found.items() if gap > tolerance} == {}


def test_measures_equal_the_formulas_step_by_step():
    """Else the time of the measures is beside that of something else; at every checkpoint of the planted run."""
    run = run_to_analyse(TINY)
    check(run)
    for step in run.steps:
        ours, theirs = numbers(run, step)
        assert len(ours) == 65
        agree(run, step, ours, theirs)
    # No twins have different answers; there is no rank of a bias or of all weights together.
    empty = {name for name, values in ours.items() if np.isnan(values).all()}
    assert empty == {"commutativity_other_answer"}
    assert np.isfinite(ours["neuron_fraction_explained"]).all()
    for name in ("restricted_loss_null", "excluded_loss_null", "restricted_loss_null_current"):
        assert len(ours[name]) == 20
        assert np.isfinite(ours[name]).all()


def test_the_script_gives_every_default_measure():
    """Else the script does less work than the measures, and the ratio is between two different things."""
    run = run_to_analyse(TINY)
    snap = run.snapshot()
    expected = {
        name
        for measure in choose(None)
        if measure.default and measure.at == "every" and not measure.why_not(snap)
        for name in measure.outputs
    }
    assert set(numbers(run, snap.step)[1]) == expected


def test_the_script_knows_no_measure():
    """Else it is no independent check: models to run, thresholds of a rule, and nothing else of grokscope."""
    files = sorted(Path(step_by_step.__file__).parent.glob("*.py"))
    assert len(files) > 5
    known = ("grokscope.models.", "grokscope.bench.step_by_step.", "grokscope.runs.key.KeyRule")
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not name.startswith("grokscope") or name.startswith(known), f"{file}: {name}"


@pytest.mark.slow
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference run is not in this checkout")
@pytest.mark.parametrize("step", [0, 9000, 14000])
def test_measures_equal_the_formulas_on_a_trained_model(step):
    """Else they agree on planted weights only."""
    run = open_run(REFERENCE)
    ours, theirs = numbers(run, step)
    agree(run, step, ours, theirs)


def test_a_wrong_formula_is_seen():
    """Else "same numbers: yes" is printed whatever the two sides give: here the script misses one frequency."""
    run = run_to_analyse(TINY)
    step, context = run.steps[-1], run.context
    ours, _ = numbers(run, step)
    inputs = dataclasses.replace(inputs_of(run, context), key=context.key[:-1])
    weights = run.weights(step)
    model = HookedTransformer(run.config.model, weights)
    theirs = StepByStep(inputs).measure(model, weights, run.weights(0), None)
    for name in ("restricted_loss", "excluded_loss", "restricted_loss_neuron", "neuron_share_key"):
        assert largest_difference([{name: ours[name]}, {name: theirs[name]}]) > 1e-3, name
    assert largest_difference([ours, theirs]) == math.inf


def test_a_checkpoint_without_key_frequencies_of_its_own():
    """Else the script ends in an error where a step shows no frequencies, or fits something there."""
    run = run_to_analyse(TINY)
    ours, theirs = numbers(run, run.steps[0])
    assert not any(ours["key_frequency_current"])
    for name in ("restricted_loss_held_out_current", "restricted_loss_null_current"):
        assert np.isnan(theirs[name]).all()
        assert len(theirs[name]) == len(ours[name])


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
