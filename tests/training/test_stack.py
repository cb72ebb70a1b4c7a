"""Runs as one batched computation: every member is its single run, whoever else is in the stack, and whoever leaves."""

import math

import pytest
import torch
from stack_cases import CASES, ENGINE, SHAPE, made

from grokscope.config import override
from grokscope.training.stack import SEEDS, Stack, can_stack, unseeded
from grokscope.training.trainer import Trainer

SEEDS_3 = range(3)


def singles(options, seeds=SEEDS_3):
    configs, task, splits = made(options, seeds)
    return [Trainer(c, task, s, ENGINE) for c, s in zip(configs, splits, strict=True)]


def stacked(options, seeds=SEEDS_3):
    return Stack(*made(options, seeds), ENGINE)


def assert_same(member, single, tolerance):
    assert member.step == single.step
    greatest = max(float(w.detach().abs().max()) for w in single.weights.values())
    for name, weight in single.weights.items():
        apart = float((member.weights[name].detach() - weight.detach()).abs().max())
        assert apart <= tolerance * greatest, f"{name}: {apart / greatest:.2e}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_every_member_is_its_single_run(case, dtype):
    """Else what a stack trains is not what `grokscope train --seed` trains: rows, noise, decay or order of another."""
    options = CASES[case] | dict(dtype=dtype)
    stack, alone = stacked(options), singles(options)
    for _ in range(100):
        assert stack.update() == []
        for trainer in alone:
            trainer.update()
    for member, trainer in zip(stack.members, alone, strict=True):
        assert_same(member, trainer, 1e-5 if dtype == "float32" else 1e-12)
    apart = stack.members[0].weights, stack.members[1].weights
    assert any(not torch.allclose(apart[0][name], apart[1][name]) for name in apart[0])


@pytest.mark.parametrize(
    "case", ["full batch", "minibatch", "MLP", "no mask", "two layers, LayerNorm before"]
)
def test_metrics_are_those_of_the_single_runs(case):
    """Else a stack's curves are of other rows, or of another member."""
    options = CASES[case] | dict(dtype="float64", label_shuffle=True)
    stack, alone = stacked(options), singles(options)
    for _ in range(10):
        stack.update()
        for trainer in alone:
            trainer.update()
    for found, trainer in zip(stack.metrics(), alone, strict=True):
        wanted = trainer.metrics()
        assert list(found) == list(wanted)
        assert found == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize(
    "case", ["full batch", "minibatch", "weight noise", "everything at once", "Muon", "SGD"]
)
def test_who_leaves_changes_nothing_for_the_others(case):
    """Else optimiser, batch order or noise of those that stay are mixed up when one leaves, or it is moved on."""
    options = CASES[case] | dict(dtype="float64")
    stack, alone = stacked(options, range(4)), singles(options, range(4))
    for _ in range(20):
        stack.update()
    gone = stack.leave([2, 0])
    assert [member.config.model.init_seed for member in gone] == [0, 2]
    kept = {name: weight.clone() for name, weight in gone[0].weights.items()}
    for _ in range(60):
        stack.update()
    assert [member.config.model.init_seed for member in stack.members] == [1, 3]
    for member, steps in zip([*gone, *stack.members], (20, 20, 80, 80), strict=True):
        trainer = alone[member.config.model.init_seed]
        for _ in range(steps):
            trainer.update()
        assert_same(member, trainer, 1e-12)
    assert all(torch.equal(gone[0].weights[name], kept[name]) for name in kept)
    assert len(stack.leave([0, 1])) == 2
    assert stack.members == []


@pytest.mark.parametrize("case", ["full batch", "minibatch", "weight noise"])
def test_a_member_that_diverges_leaves_and_the_others_are_untouched(case):
    """Else one run's infinity reaches the others, is trained on, or costs them a batch."""
    options = CASES[case] | dict(dtype="float64")
    stack, alone = stacked(options), singles(options)
    for _ in range(7):
        stack.update()
    with torch.no_grad():
        for weight in stack.members[1].weights.values():
            weight.fill_(1e200)
    assert stack.update() == [1]
    assert [member.step for member in stack.members] == [8, 7, 8]
    assert all(bool((w == 1e200).all()) for w in stack.members[1].weights.values())
    stack.leave([1])
    for _ in range(32):
        assert stack.update() == []
    for member, trainer in zip(stack.members, (alone[0], alone[2]), strict=True):
        for _ in range(40):
            trainer.update()
        assert_same(member, trainer, 1e-12)


@pytest.mark.parametrize("lost", [[0], [0, 1, 2]])
def test_any_member_may_diverge(lost):
    """Else a stack whose first member, or whose every member, has no finite loss goes on without an end."""
    stack = stacked(SHAPE)
    with torch.no_grad():
        for place in lost:
            for weight in stack.members[place].weights.values():
                weight.fill_(1e30)
    assert stack.update() == lost
    assert [m.step for m in stack.members] == [int(place not in lost) for place in range(3)]
    assert stack.leave(lost)
    assert len(stack.members) == 3 - len(lost)


@pytest.mark.parametrize("case", ["full batch", "SGD", "coupled Adam", "MLP"])
def test_a_recorded_update_is_the_update(case):
    """Else the warm-up of a recording moves the weights, counts as steps, or a member that leaves is played on.

    The recording is played by hand: run as often first, then once for each play.
    """
    played = []

    def capture(action):
        for _ in range(3):
            action()

        def play():
            played.append(action)
            return action()

        return play

    options = CASES[case] | dict(dtype="float64")
    stack, alone = stacked(options), singles(options)
    assert stack.capture(capture)
    for _ in range(20):
        assert stack.update() == []
    assert len(played) == 40
    stack.leave([1])
    for _ in range(20):
        stack.update()
    for member in stack.members:
        trainer = alone[member.config.model.init_seed]
        for _ in range(40):
            trainer.update()
        assert_same(member, trainer, 1e-12)


@pytest.mark.parametrize("case", ["minibatch", "weight noise", "everything at once", "Muon"])
def test_what_is_not_recorded(case):
    """Else a recording repeats one batch, or one draw of noise, for ever."""
    assert not stacked(CASES[case]).capture(lambda action: pytest.fail("recorded"))


def test_the_optimiser_state_of_a_member_is_that_of_its_run():
    """Else a key frame of a member holds another's moments, or none."""
    options = SHAPE | dict(dtype="float64")
    stack, alone = stacked(options), singles(options)
    for _ in range(12):
        stack.update()
        alone[2].update()
    member, trainer = stack.members[2], alone[2]
    member.collect_state()
    for name, weight in trainer.weights.items():
        wanted = trainer.optimiser.state[weight]
        found = member.optimiser.state[member.weights[name]]
        assert found.keys() == wanted.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert float(found["step"]) == 12
        for slot in ("exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(found[slot], wanted[slot], rtol=1e-10, atol=1e-16)


def test_what_differs_in_seeds_alone():
    """Else runs of two settings are trained as one, or seeds of one setting are not."""
    config = override(made(SHAPE, range(1))[0][0], outliers=2)
    for name in SEEDS:
        assert unseeded(override(config, **{name: 5})) == unseeded(config)
        assert override(config, **{name: 5}) != config
    for change in (dict(lr=0.5), dict(p=5), dict(steps=3), dict(dtype="float64"), dict(outliers=1)):
        assert unseeded(override(config, **change)) != unseeded(config)
    assert can_stack(config)
    assert not can_stack(override(config, dropout=0.1))


def test_first_weights_are_those_of_the_single_run():
    """Else members begin at the same weights, or at others than their seeds say."""
    for member, trainer in zip(stacked(SHAPE).members, singles(SHAPE), strict=True):
        assert_same(member, trainer, 0)
        assert math.isfinite(sum(float(w.sum()) for w in member.weights.values()))
