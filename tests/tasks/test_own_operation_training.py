"""A user's own operations are trained over seeds and fractions like built-in ones: on their table, and on no other."""

import json

import numpy as np
import pytest
import torch

import grokscope as gs
from grokscope.tasks import TASKS
from grokscope.tasks.registry import forget

TINY = dict(
    n_layers=2, normalization="post", positional="sinusoidal", bias_mlp=False, layout="a op b =",
    d_model=16, n_heads=2, d_head=8, d_mlp=32, lr=3e-3, steps=40, eval_every=20, warmup=2,
    checkpoint_every=40,
)  # fmt: skip
P = 7


@pytest.fixture(autouse=True)
def own():
    """Three operations of a user: modulo p, modulo p with pairs left out, over a group; forgotten afterwards."""

    @gs.operation(formula="a^2 + 2b mod p")
    def my_op(a, b, p):
        return (a**2 + 2 * b) % p

    @gs.operation(formula="a b mod p, a < b", allowed=lambda a, b, p: a < b)
    def my_half_table(a, b, p):
        return a * b % p

    @gs.operation(formula="b^-1 . a . b", over="group")
    def my_group_op(a, b, group):
        return group.product(group.inverse[b], a, b)

    yield
    for name in ("my_op", "my_half_table", "my_group_op"):
        if name in TASKS:
            forget(name)


def conjugate(a: list[int], b: list[int]) -> list[int]:
    """Return b^-1 first, then a, then b, as where each point goes."""
    return [b[a[b.index(point)]] for point in range(len(a))]


def by_hand(name: str, run: gs.Run) -> list[tuple[int, int, int]]:
    """Return (a, b, answer) of every row with Python's own integers and lists."""
    if name == "my_op":
        return [(a, b, (a * a + 2 * b) % P) for a in range(P) for b in range(P)]
    if name == "my_half_table":
        return [(a, b, a * b % P) for a in range(P) for b in range(a + 1, P)]
    elements = run.task.group.permutations.tolist()
    pairs = [(a, b) for a in range(6) for b in range(6)]
    return [(a, b, elements.index(conjugate(elements[a], elements[b]))) for a, b in pairs]


@pytest.mark.parametrize("name", ["my_op", "my_half_table", "my_group_op"])
def test_a_sweep_over_seeds_and_fractions(name, tmp_path):
    """Else a researcher's task trains on another table, other tokens, or cannot be swept like a built-in one."""
    splits = set()
    for seed in (0, 1):
        for fraction in (0.5, 0.8):
            out = tmp_path / f"{seed}-{fraction}"
            run = gs.train(
                name, p=P, group="S3", frac_train=fraction, seed=seed, out=out, **TINY
            )  # fmt: skip
            rows = by_hand(name, run)
            n = P if name != "my_group_op" else 6
            assert run.task.tokens.tolist() == [[a, n + 1, b, n] for a, b, _ in rows]
            train = np.flatnonzero(run.split.train)
            assert len(train) == int(fraction * len(rows))
            splits.add(tuple(train))

            lines = run.metrics()
            assert lines[-1]["step"] == 40
            assert lines[-1]["loss_train"] < 0.8 * lines[0]["loss_train"], "it learns something"
            for line, step in ((lines[0], 0), (lines[-1], 40)):
                with torch.no_grad():
                    logits = run.snapshot(step).model(torch.as_tensor(run.task.tokens))[:, -1]
                right = torch.tensor([c for _, _, c in rows])
                losses = torch.nn.functional.cross_entropy(logits, right, reduction="none")
                assert line["loss_train"] == pytest.approx(losses[train].mean().item(), rel=1e-5)

            recorded = json.loads((run.path / "config.json").read_text())["config"]
            assert (recorded["task"]["task"], recorded["split"]["split_seed"]) == (name, seed)
    assert len(splits) == 4, "each run has rows of its own"


def test_it_is_listed(capsys):
    """Else `grokscope tasks` hides what gs.train accepts: symmetry, size and group of a user's own operation."""
    from grokscope.cli import main

    assert main(["tasks", "--p", str(P), "--group", "S3", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["my_op"]["size"], rows["my_op"]["commutative"]) == (49, False)
    assert (rows["my_half_table"]["size"], rows["my_half_table"]["formula"]) == (
        (21, "a b mod p, a < b")
    )
    assert (rows["my_group_op"]["size"], rows["my_group_op"]["group_name"]) == (36, "S3")
