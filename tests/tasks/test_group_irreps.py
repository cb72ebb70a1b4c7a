"""Representations of the groups that tasks are over: names, all families, sizes up to the limit, published numbers."""

import json
import time

import numpy as np
import pytest
import torch
from sympy.combinatorics import Permutation
from test_external_groups import FOLDER, weights

from grokscope.errors import RequestError
from grokscope.harmonics.conjugacy import generating_set
from grokscope.harmonics.decompose import irreps_of_table
from grokscope.harmonics.group_averages import (
    character_cosines,
    irrep_projector,
    mean_by_product_of_grid,
)
from grokscope.harmonics.group_fourier import power
from grokscope.harmonics.irreps import Irreps
from grokscope.tasks import make_group, make_task
from grokscope.tasks.group_irreps import group_irreps

NAMES = {
    "C6": "trivial sign freq_1 freq_2",
    "C113": "trivial " + " ".join(f"freq_{k}" for k in range(1, 57)),
    "D59": "trivial sign " + " ".join(f"freq_{k}" for k in range(1, 30)),
    "D4": "trivial sign sign_r sign_rs freq_1",
    "S3": "trivial sign standard",
    "S4": "trivial sign standard standard_sign s4_2d",
    "S5": "trivial sign standard standard_sign s5_5d_a s5_5d_b s5_6d",
    "S6": "trivial sign standard standard_sign s6_5d_a s6_5d_b s6_9d_a s6_9d_b s6_10d_a s6_10d_b s6_16d",
    "A3": "trivial standard",
    "A4": "trivial standard a4_2d",
    "A5": "trivial standard a5_3d_a a5_3d_b a5_5d_a",
    "A6": "trivial standard a6_5d a6_8d_a a6_8d_b a6_9d a6_10d",
}
PARTITIONS = {
    "s5_5d_a": "(2, 2, 1)",
    "s5_5d_b": "(3, 2)",
    "s5_6d": "(3, 1, 1)",
    "standard": "(4, 1)",
    "standard_sign": "(2, 1, 1, 1)",
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    """Else a representation cannot be found by the name that it has in published models."""
    assert list(group_irreps(name).names) == NAMES[name].split()


def test_partitions():
    """Else the letters of S5 and S6 are exchanged: in the published models 5a is (2, 2, 1) of S5, but (3, 3) of S6."""
    five, six = group_irreps("S5"), group_irreps("S6")
    assert {name: five[name].label for name in PARTITIONS} == PARTITIONS
    assert (six["s6_5d_a"].label, six["s6_5d_b"].label) == ("(3, 3)", "(2, 2, 2)")


@pytest.mark.parametrize(
    "name",
    [
        "C12",
        "D4",
        "D7",
        "S3",
        "S4",
        "S5",
        "A3",
        "A4",
        "A5",
        "A6",
        "C4xC2",
        "S3xC2",
        "C2xC3xD4",
        "A4xC3",
    ],
)
def test_against_the_table_alone(name):
    """Else what a name says of the elements is not what the group's table says."""
    irreps = group_irreps(name)
    other = Irreps(irreps.table, irreps_of_table(irreps.table))
    inner = irreps.characters @ other.characters.T / irreps.order
    match = np.argmax(np.abs(inner), axis=1)
    assert sorted(match) == list(range(len(other)))
    for rep, i in zip(irreps, match, strict=True):
        assert rep.kind == other.representations[i].kind
        np.testing.assert_allclose(rep.character, other.characters[i], atol=1e-10)


@pytest.mark.parametrize("name", ["S4", "S5", "A5"])
def test_standard_and_sign_against_sympy(name):
    """Else the permutations are attached to the wrong elements: fixed points minus 1, and signatures."""
    irreps, group = group_irreps(name), make_group(name)
    theirs = [Permutation(p) for p in group.permutations.tolist()]
    fixed = [len(p.array_form) - len(p.support()) - 1 for p in theirs]
    np.testing.assert_allclose(irreps["standard"].character, fixed, atol=1e-12)
    if name[0] == "S":
        np.testing.assert_array_equal(irreps["sign"].character, [p.signature() for p in theirs])


@pytest.mark.parametrize("name", ["S6", "C1024", "D512", "C4xC4xC4xC4xC4", "S5xC8", "A5xD8"])
def test_large_groups(name):
    """Else the largest groups take minutes, gigabytes or digits: all relations, within ten seconds."""
    start = time.process_time()
    irreps = group_irreps(name)
    n, table = irreps.order, irreps.table
    assert time.process_time() - start < 10
    if name == "S6":
        assert sum(rep.matrices.nbytes for rep in irreps) == 720 * 720 * 8
    x, y = np.random.default_rng(0).integers(0, n, (2, 200))
    generators = generating_set(table)
    for rep in irreps:
        np.testing.assert_allclose(
            rep.matrices[table[x, y]], rep.matrices[x] @ rep.matrices[y], atol=1e-12
        )
        for g in generators:
            np.testing.assert_allclose(
                rep.matrices[table[:, g]], rep.matrices @ rep.matrices[g], atol=1e-12
            )
    np.testing.assert_allclose(irreps.basis @ irreps.basis.T, np.eye(n), atol=1e-10)
    assert sum(d**2 for rep in irreps for d in rep.complex_degrees) == n
    assert sum(len(rep.complex_degrees) for rep in irreps) == irreps.classes.max() + 1


@pytest.mark.parametrize("name", ["S6", "D512"])
def test_large_tables_without_a_structure(name):
    """Else only named groups work at these sizes: the regular representation, within ten seconds."""
    start = time.process_time()
    table = make_group(name).table
    irreps = Irreps(table, irreps_of_table(table))
    irreps.check()
    assert time.process_time() - start < 10
    np.testing.assert_allclose(irreps.basis @ irreps.basis.T, np.eye(len(table)), atol=1e-10)


def test_they_are_kept():
    """Else every measure at every step builds the representations again."""
    assert group_irreps("S5") is group_irreps("S5")


def test_an_unknown_group():
    """Else a misspelt group is a traceback."""
    with pytest.raises(RequestError, match="S5"):
        group_irreps("s5")


@pytest.fixture(scope="module")
def published():
    """Return (weights, published metrics, logits) of a published MLP on S5."""
    w = {key: value.double() for key, value in weights("S5_MLP_seed1").items()}
    metrics = json.loads((FOLDER / "S5_MLP_seed1" / "summary_metrics.json").read_text())
    a, b = torch.as_tensor(make_task("group_mul", group="S5").inputs).T
    logits = torch.relu(torch.cat([w["W_x"][a], w["W_y"][b]], dim=1) @ w["W"]) @ w["W_U"]
    return w, metrics, logits.numpy()


@pytest.mark.external
def test_published_logit_similarity(published):
    """Else cosines with characters, or names, are not those of Chughtai et al. 2023."""
    _, metrics, logits = published
    irreps = group_irreps("S5")
    found = character_cosines(logits, irreps.table.reshape(-1), irreps)
    for name, value in zip(irreps.names[1:], found[1:], strict=True):
        assert value == pytest.approx(metrics[f"logit_{name}_rep_trace_similarity"], abs=1e-6)


@pytest.mark.external
def test_published_shares_of_embedding_and_unembedding(published):
    """Else shares per representation are not those of Chughtai et al. 2023."""
    w, metrics, _ = published
    irreps = group_irreps("S5")
    half = len(w["W"]) // 2
    for words, values in (
        ("x_embed", w["W_x"] @ w["W"][:half]),
        ("y_embed", w["W_y"] @ w["W"][half:]),
        ("unembed", w["W_U"].T),
    ):
        found = power(values.numpy(), irreps).sum(1)
        for name, share in zip(irreps.names, found / found.sum(), strict=True):
            assert share == pytest.approx(metrics[f"percent_{words}_{name}_rep"], abs=1e-6)


@pytest.mark.external
def test_published_restricted_losses(published):
    """Else the loss of what a representation alone says of x . y is not that of Chughtai et al. 2023."""
    _, metrics, logits = published
    irreps = group_irreps("S5")
    n = irreps.order
    means = mean_by_product_of_grid(logits.reshape(n, n, n), irreps.table)

    def loss(*names):
        table = irrep_projector(irreps, names) @ means
        top = table.max(1)
        return (np.log(np.exp(table - top[:, None]).sum(1)) + top - np.diag(table)).mean()

    for name in irreps.names:
        assert loss(name) == pytest.approx(metrics[f"hidden_restricted_loss_{name}_rep"], rel=1e-5)
    key = ("sign", "standard", "standard_sign", "s5_5d_a")
    assert loss(*key) == pytest.approx(metrics["total_hidden_restricted_loss"], rel=1e-5)
