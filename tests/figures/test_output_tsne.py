"""The output layer in the plane: planted cosets and circles are found, beside chance, and mistakes are told."""

import sys
from functools import partial

import numpy as np
import pytest
import torch

import grokscope.figures.snapshot_gallery.compact_cosets as compact
import grokscope.harmonics.coset_scatter as scatter
from grokscope import figures
from grokscope.config import ModelConfig
from grokscope.errors import RequestError
from grokscope.figures.snapshot_gallery.compact_cosets import compact_cosets
from grokscope.figures.snapshot_gallery.output_rows import output_rows
from grokscope.figures.snapshot_gallery.output_tsne import tsne
from grokscope.harmonics.step_distances import step_distances
from grokscope.harmonics.subgroups import cosets, generated, subgroups
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.groups import make_group
from grokscope.tasks.make import make_task

FEW = {"draws": 49, "seed": 3}


def noisy(labels, spread=0.3, width=8, seed=0):
    """Points about one random centre for each label."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((labels.max() + 1, width))
    return centres[labels] + spread * rng.standard_normal((len(labels), width))


def circle(n, k, noise=0.05):
    rng = np.random.default_rng(1)
    angle = 2 * np.pi * k * np.arange(n) / n
    rows = np.stack([np.cos(angle), np.sin(angle), np.zeros(n), np.zeros(n)], axis=1)
    return rows + noise * rng.standard_normal(rows.shape)


def subgroup_of(group, *names):
    return generated(group.table, np.array([group.elements.index(name) for name in names]))


def marks(fig):
    return [t for t in fig.data if t.mode == "markers"]


def lines(fig):
    return [t for t in fig.data if t.mode == "lines"]


@pytest.fixture(scope="module")
def s4():
    group = make_group("S4")
    members = subgroup_of(group, "(0 1)(2 3)", "(0 1)")  # a Klein four-group that is not normal
    assert members.sum() == 4
    return group, members


@pytest.mark.parametrize("side", ["left", "right"])
def test_planted_cosets_are_found(s4, side):
    """Else another subgroup or the other side is coloured, or a cluster passes for chance."""
    group, members = s4
    labels = cosets(group.table, members, side)
    fig = figures.output_tsne(
        noisy(labels), table=group.table, labels=group.elements, order=4, perplexity=3.0, **FEW
    )
    drawn = {frozenset(t.text) for t in marks(fig)}
    names = np.array(group.elements)
    assert drawn == {frozenset(names[labels == c].tolist()) for c in range(6)}
    caption = fig.layout.meta["caption"]
    assert f"the {side} cosets" in caption
    assert "of 4 elements" in caption
    assert "13 partitions" in caption  # 7 subgroups of order 4, one of them normal
    assert (
        "a share of 0.02 (these rows counted in)" in caption
    )  # 1 in 50: none of 49 draws was as low
    assert len({(t.marker.color, t.marker.symbol) for t in marks(fig)}) == 6


def test_the_plane_keeps_clusters_together(s4):
    """Else the marks are not the rows that their colours say."""
    group, members = s4
    labels = cosets(group.table, members, "left")
    place, _ = tsne(noisy(labels, spread=0.02), 3.0, 0)
    distance = np.linalg.norm(place[:, None] - place, axis=-1) + 1e9 * np.eye(24)
    assert (labels[distance.argmin(1)] == labels).all()
    fig = figures.output_tsne(
        noisy(labels, spread=0.02), table=group.table, labels=group.elements, order=4,
        side="left", perplexity=3.0, seed=0, draws=9,
    )  # fmt: skip
    for trace in marks(fig):
        chosen = [group.elements.index(name) for name in trace.text]
        assert np.allclose(np.stack([trace.x, trace.y], 1), place[chosen])


def affinities(rows, perplexity):
    """Return P of t-SNE in float64: Gaussian neighbours of the given perplexity, made symmetric."""
    n = len(rows)
    squares = np.square(rows[:, None] - rows).sum(-1)
    p = np.zeros((n, n))
    for i in range(n):
        others = np.arange(n) != i
        low, high = 0.0, 1e6
        for _ in range(200):
            beta = (low + high) / 2 if high < 1e6 else 2 * low + 1
            row = np.exp(-beta * (squares[i, others] - squares[i, others].min()))
            row /= row.sum()
            entropy = -(row[row > 0] * np.log(row[row > 0])).sum()
            low, high = (beta, high) if entropy > np.log(perplexity) else (low, beta)
        p[i, others] = row
    return (p + p.T) / (2 * n)


def test_the_layout_is_t_sne_s():
    """Else something else is drawn, of another perplexity: the divergence that it says is that of the definition."""
    rows = np.random.default_rng(0).standard_normal((30, 4))
    place, divergence = tsne(rows, 6.0, 0)
    p = affinities(rows, 6.0)
    kernel = 1 / (1 + np.square(place[:, None] - place).sum(-1))
    np.fill_diagonal(kernel, 0)
    q = kernel / kernel.sum()
    off = ~np.eye(30, dtype=bool)
    assert divergence == pytest.approx((p[off] * np.log(p[off] / q[off])).sum(), rel=0.01)
    assert np.array_equal(tsne(rows, 6.0, 0)[0], place)


def test_rows_without_structure_are_as_chance_has_them():
    """Else searching many subgroups makes a discovery of noise: the smallest of many is held against one draw."""
    group = make_group("D4")
    shares = []
    for seed in range(40):
        rows = np.random.default_rng(seed).standard_normal((8, 5))
        answers = output_rows(rows, None, group.table)
        shares.append(compact_cosets(answers, draws=39, seed=seed).as_low_by_chance)
    assert 0.35 < np.mean(shares) < 0.65
    assert np.mean(np.array(shares) <= 0.2) < 0.4


def test_a_given_subgroup_is_taken(s4):
    """Else the search overrides what was asked for."""
    group, members = s4
    labels = cosets(group.table, members, "left")
    answers = output_rows(noisy(labels), group.elements, group.table)
    v4 = compact_cosets(answers, ["(0 1)(2 3)", "(0 2)(1 3)"], draws=9)
    assert (v4.order, v4.searched) == (4, 1)
    assert np.array_equal(
        v4.labels, cosets(group.table, subgroup_of(group, "(0 1)(2 3)", "(0 2)(1 3)"))
    )
    named = [group.elements.index(name) for name in ("(0 1)", "(2 3)")]
    mine = compact_cosets(answers, named, side="left", draws=9)
    assert np.array_equal(mine.labels, labels)
    assert mine.ratio < v4.ratio
    every = compact_cosets(answers, draws=9)
    assert every.ratio <= mine.ratio


def test_in_s5_the_published_order_is_searched():
    """Else Power et al.'s subgroup ⟨(0 3)(1 4), (1 2)(3 4)⟩ of ten elements is not among those looked at."""
    group = make_group("S5")
    labels = cosets(group.table, subgroup_of(group, "(0 3)(1 4)", "(1 2)(3 4)"), "right")
    found = compact_cosets(output_rows(noisy(labels), group.elements, group.table), draws=9)
    assert (found.order, found.searched, found.side) == (10, 12, "right")
    assert np.array_equal(found.labels, labels)


def test_a_circle_is_coloured_by_residues():
    """Else lines join other numbers, or residues are of another modulus."""
    fig = figures.output_tsne(circle(41, 5), **FEW)
    place = {}
    for trace in marks(fig):
        place |= {
            int(name): xy
            for name, xy in zip(trace.text, zip(trace.x, trace.y, strict=True), strict=True)
        }
    assert [t.name for t in marks(fig)] == [f"{r} mod 8" for r in range(8)]
    for residue, trace in enumerate(marks(fig)):
        assert [int(name) for name in trace.text] == list(range(residue, 41, 8))
    (joined,) = lines(fig)
    ends = np.stack([joined.x, joined.y], 1).reshape(41, 3, 2)
    for c in range(41):
        assert tuple(ends[c, 0]) == place[c]
        assert tuple(ends[c, 1]) == place[(c + 8) % 41]


def test_the_best_step_is_that_of_the_circle():
    """Else "best" is not the step whose ends lie nearest: for frequency 5 of 41, 5 s = 1 modulo 41 gives 33, or 8."""
    rows = circle(41, 3)  # 3 * 14 = 42
    fig = figures.output_tsne(rows, step="best", **FEW)
    caption = fig.layout.meta["caption"]
    assert "Lines join c and c + 14 modulo 41, the step that covers least" in caption
    assert f"length is {step_distances(rows)[13]:.3f} of that" in caption
    assert "a share of 0.02" in caption
    (trace,) = marks(fig)
    along = np.asarray(trace.marker.color)
    assert sorted(along) == list(range(41))
    assert along[14] == 1
    assert along[28] == 2
    several = figures.output_tsne(circle(24, 5), step=10, **FEW)
    assert sorted(marks(several)[0].marker.color) == sorted(list(range(12)) * 2)


def snapshot(task, columns):
    """A snapshot whose unembedding has the given rows; nothing else of it is read."""
    weights = {"unembed.W_U": torch.tensor(columns.T.copy())}
    return Snapshot(task, None, ModelConfig(), weights, step=700)


def test_a_snapshot_knows_its_answers():
    """Else the token `=` is a mark, multiplication is not in exponents, or group elements have no names."""
    task = make_task("mod_mul", 13)
    rows = np.random.default_rng(0).standard_normal((14, 6))  # 13 numbers and `=`
    found = output_rows(snapshot(task, rows))
    assert found.rows.shape == (12, 6)
    for exponent in range(12):
        assert np.array_equal(
            found.rows[exponent], rows[pow(2, exponent, 13)]
        )  # 2 generates mod 13
    assert found.is_cyclic
    assert "at step 700" in found.of
    add = output_rows(snapshot(make_task("mod_add", 13), rows))
    assert np.array_equal(add.rows, rows[:13])
    group = output_rows(snapshot(make_task("group_mul", group="S3"), rows[:7]))
    assert group.names == make_group("S3").elements
    assert not group.is_cyclic
    assert figures.output_tsne(snapshot(make_task("group_mul", group="S3"), rows[:7]), draws=5).data


def test_any_labels_can_be_coloured():
    """Else an array of one's own needs a group."""
    kinds = ["odd" if i % 2 else "even" for i in range(20)]
    fig = figures.output_tsne(
        np.random.default_rng(0).standard_normal((20, 4)), labels=kinds, draws=5
    )
    assert [(t.name, len(t.x)) for t in marks(fig)] == [("even", 10), ("odd", 10)]
    assert fig.layout.yaxis.scaleanchor == "x"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"step": 0}, "step = 0; accepted: a whole number above 0, or 'best'"),
        ({"step": "beste"}, "step = 'beste'"),
        ({"perplexity": 20.0}, "perplexity = 20; accepted: 1 to less than 20"),
        ({"colour": "residues"}, "did you mean 'residue'"),
        ({"colour": "coset"}, "cosets of answers that form no group"),
        ({"labels": ["a"]}, "1 labels for 20 rows"),
        ({"table": np.zeros((3, 3), int)}, r"a table of shape \(3, 3\) for 20 rows"),
        ({"draws": 0}, "draws = 0"),
    ],
)
def test_mistakes_are_told_in_one_line(options, told):
    """Else a traceback."""
    with pytest.raises(RequestError, match=told):
        figures.output_tsne(np.random.default_rng(0).standard_normal((20, 4)), **options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"order": 5}, "no proper subgroup of order 5"),
        ({"order": 4, "subgroup": [1]}, "a subgroup and an order"),
        ({"subgroup": ["(0 9)"]}, r"element '\(0 9\)'"),
        ({"subgroup": [24]}, "element 24; accepted: 0 to 23"),
        ({"subgroup": [0]}, "generators of a subgroup of 1 elements"),
        ({"side": "lift"}, "did you mean 'left'"),
    ],
)
def test_subgroups_that_make_no_sense_are_told(s4, options, told):
    """Else an empty figure, or the cosets of something else."""
    answers = output_rows(
        np.random.default_rng(0).standard_normal((24, 4)), s4[0].elements, s4[0].table
    )
    with pytest.raises(RequestError, match=told):
        compact_cosets(answers, draws=5, **options)


def test_what_is_no_output_layer_is_told(s4):
    """Else not-a-number reaches scikit-learn."""
    bad = np.zeros((20, 4))
    bad[3, 2] = np.nan
    with pytest.raises(RequestError, match="rows that are not finite"):
        figures.output_tsne(bad)
    with pytest.raises(RequestError, match=r"an array of shape \(20,\)"):
        figures.output_tsne(np.zeros(20))
    rows = np.random.default_rng(0).standard_normal((14, 6))
    with pytest.raises(RequestError, match="beside a snapshot"):
        figures.output_tsne(snapshot(make_task("mod_add", 13), rows), labels=list("abc"))
    with pytest.raises(RequestError, match="residues of the elements of a group"):
        figures.output_tsne(rows[:8], table=make_group("D4").table, colour="residue")


def test_too_many_subgroups_are_told(monkeypatch):
    """Else a group of many subgroups fills the memory, or a ValueError reaches the user."""
    group = make_group("C2xC2xC2xC2xC2")
    answers = output_rows(np.random.default_rng(0).standard_normal((32, 4)), None, group.table)
    with monkeypatch.context() as patch:
        patch.setattr(compact, "subgroups", partial(subgroups, most=100))
        with pytest.raises(RequestError, match="more than 100 subgroups; give order= or subgroup="):
            compact_cosets(answers, draws=5)
    monkeypatch.setattr(scatter, "MOST_ENTRIES", 1000)
    with pytest.raises(RequestError, match="too many at once; give order= or subgroup="):
        compact_cosets(answers, order=16, draws=5)


def test_without_scikit_learn_one_line(monkeypatch):
    """Else a traceback that does not say which extra to install."""
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(RequestError, match=r"needs scikit-learn.*grokscope\[figures\]"):
        figures.output_tsne(np.random.default_rng(0).standard_normal((20, 4)))
