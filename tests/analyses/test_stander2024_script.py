"""The script on cosets: names of subgroups, the neurons' subgroups, interventions, all on a circuit known by hand."""

from pathlib import Path

import numpy as np
import pytest
from planted_cosets import planted

from grokscope.harmonics.subgroups import subgroups
from grokscope.sweeps.plan import make_plan
from grokscope.sweeps.specification import read_specification
from grokscope.tasks.groups import make_group

ANALYSES = Path(__file__).parents[2] / "analyses"


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))


def conjugates(group, members):
    """Return every conjugate of a subgroup, as sets of elements."""
    elements = np.flatnonzero(members)
    return {
        frozenset(group.product(np.full_like(elements, group.inverse[g]), elements, np.full_like(elements, g)).tolist())
        for g in range(group.order)
    }  # fmt: skip


@pytest.mark.parametrize(("name", "classes"), [("S4", 11), ("A5", 9), ("S5", 19)])
def test_a_name_is_a_class_of_conjugate_subgroups(name, classes):
    """Else two kinds of subgroup are counted as one, or conjugate ones as two. The numbers of classes are known."""
    from stander2024_parts.subgroup_names import subgroup_name

    group = make_group(name)
    by_name = {}
    for members in subgroups(group.table):
        own = frozenset(np.flatnonzero(members).tolist())
        by_name.setdefault(subgroup_name(group, members), set()).add(own)
    assert len(by_name) == classes
    for own in by_name.values():
        members = np.zeros(group.order, dtype=bool)
        members[list(next(iter(own)))] = True
        assert own == conjugates(group, members)


def test_names_of_known_subgroups():
    """Else a table calls the stabiliser of a point by another name."""
    from stander2024_parts.subgroup_names import subgroup_name

    group = make_group("S5")
    fixes = group.permutations[:, 0] == 0
    even = np.array([round(np.linalg.det(np.eye(5)[p])) == 1 for p in group.permutations])
    assert subgroup_name(group, fixes) == "S4 (4+1)"
    assert subgroup_name(group, even) == "A5 (5)"
    assert subgroup_name(group, fixes & even) == "A4 (4+1)"


@pytest.mark.parametrize(("name", "kind"), [("S3", "C2 (2+1)"), ("S4", "S3 (3+1)")])
def test_neurons_of_a_planted_circuit(name, kind):
    """Else a neuron that sees where a point goes is not seen to be of the cosets of that point's stabiliser."""
    from stander2024_parts.concentration import concentration

    found = concentration(planted(name))
    assert set(found.kinds("first")) == set(found.kinds("second")) == {kind}
    assert found.conjugate_pairs() == (found.n_neurons, found.n_neurons)
    assert found.pairs_by_chance() == 1.0
    assert max(found.least["first"].max(), found.least["second"].max()) < 1e-12


@pytest.mark.parametrize(("name", "classes", "order"), [("S3", 3, 6), ("S4", 5, 24)])
def test_interventions_on_a_planted_circuit(name, classes, order):
    """Else an intervention does something else than it says: each has a closed form here.

    Both signs: neurons fire where neither holds, and only x . y has no vote against it. One sign: every vote is
    against x . y. Exchanged: y . x, which is right for commuting pairs, as many as classes times elements.
    """
    from stander2024_parts.concentration import concentration
    from stander2024_parts.interventions import interventions

    snap = planted(name)
    found = interventions(snap, concentration(snap))
    assert snap.accuracy.all == 1.0
    for same in ("none", "both signs", "absolute value", "coset means", "concentrated only"):
        assert found[same].accuracy == 1.0, same
    assert found["none"].loss == pytest.approx(snap.loss.all, rel=1e-12)
    assert found["coset means"].loss == pytest.approx(snap.loss.all, rel=1e-9)
    assert found["first sign"].accuracy == found["second sign"].accuracy == 0.0
    assert found["swap"].accuracy == pytest.approx(classes / order)
    assert found["relabelled means"].accuracy < 0.6
    assert found["relabelled means"].loss > 10 * snap.loss.all


def test_coset_means_are_means():
    """Else a neuron without a subgroup is changed, or one with a subgroup is averaged over other elements."""
    from stander2024_parts.interventions import coset_means

    rng = np.random.default_rng(0)
    table, label = rng.normal(size=(6, 3)), np.array([0, 0, 1, 1, 2, 2])
    other = np.array([0, 1, 0, 1, 0, 1])
    move = np.array([5, 4, 3, 2, 1, 0])
    found = coset_means(table, [label, other], np.array([0, -1, 1]), move)
    np.testing.assert_array_equal(found[:, 1], table[:, 1])
    for x in range(6):
        first = np.mean([table[y, 0] for y in range(6) if label[move[y]] == label[move[x]]])
        third = np.mean([table[y, 2] for y in range(6) if other[move[y]] == other[move[x]]])
        assert found[x, 0] == pytest.approx(first)
        assert found[x, 2] == pytest.approx(third)


def test_another_architecture_is_refused():
    """Else what is done to a sum of two tables is done to a model that has none."""
    import dataclasses

    from grokscope.errors import RequestError
    from stander2024_parts.concentration import concentration
    from stander2024_parts.interventions import interventions

    snap = planted("S3")
    found = concentration(snap)
    bent = dataclasses.replace(snap, config=dataclasses.replace(snap.config, act_fn="gelu"))
    with pytest.raises(RequestError, match="relu"):
        interventions(bent, found)


def test_tables_keep_networks_apart():
    """Else the published model counts as one of ours, or a network that did not grok enters the means."""
    from stander2024_parts.concentration import concentration
    from stander2024_parts.interventions import interventions
    from stander2024_parts.tables import Network, intervention_table, null_table, subgroup_table

    snap = planted("S3")
    found = concentration(snap)
    done = interventions(snap, found)
    networks = [
        Network("S3", "published model", 1.0, found, done, published=True),
        Network("S3", "seed 0", 1.0, found, done),
        Network("S3", "seed 1", 0.5, found, {}),
    ]
    table = subgroup_table(networks)
    assert [row[0] for row in table.rows] == ["S3, published model", "S3"]
    assert [row[2] for row in table.rows] == ["1 of 1", "1 of 1"]
    assert table.rows[1][3] == "27 (1)"
    assert len(null_table(networks).rows) == 3
    changed = intervention_table(networks)
    assert changed.header[2:] == ("S3, published model", "S3")
    assert changed.rows[0][3].startswith("1 (1);")


def test_figures_show_every_neuron():
    """Else neurons are missing from the picture, or subgroups beyond the most common are dropped."""
    from stander2024_parts.concentration import concentration
    from stander2024_parts.figures import against_chance, by_subgroup
    from stander2024_parts.tables import Network

    found = concentration(planted("S3"))
    networks = [Network("S3", f"seed {i}", 1.0, found, {}) for i in range(2)]
    assert [len(trace.x) for trace in against_chance(networks[0]).data[:2]] == [27, 27]
    bars = by_subgroup(networks)
    assert np.sum([trace.x for trace in bars.data], axis=0).tolist() == [27, 27]


def test_the_paper_scale_can_be_planned_and_is_shown(tmp_path, capsys):
    """Else the published setting ends in an error, or a dry run trains."""
    import stander2024

    plan = make_plan(read_specification(ANALYSES / "sweeps" / "stander2024" / "paper" / "s5.toml"))
    assert len(plan.runs) == 128
    assert stander2024.main(stander2024.Arguments(out=tmp_path, dry_run=True)) == 0
    assert "scaled" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_from_training_to_the_page(tmp_path, monkeypatch, capsys):
    """Else the parts do not fit: tables and figures are written for networks that never grok, too."""
    from tiny_study import cells, tiny_study

    import stander2024

    monkeypatch.setenv("GROKSCOPE_EXTERNAL", str(tmp_path / "nowhere"))
    monkeypatch.setattr(stander2024, "SMALL", tiny_study(tmp_path, "tiny"))
    monkeypatch.setattr(stander2024, "GROUPS", ("S3",))
    assert stander2024.main(stander2024.Arguments(out=tmp_path / "out", workers=0)) == 0
    folder = tmp_path / "out" / "stander2024-small"
    assert [row[:2] for row in cells(folder, "null")] == [["S3", "seed 0"], ["S3", "seed 1"]]
    assert (folder / "figures" / "subgroups-S3.html").is_file()
    assert "Not compared:" in (folder / "published-vs-measured.md").read_text()
    capsys.readouterr()
