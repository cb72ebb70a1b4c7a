"""Runs made of foreign models of every family: task, order of elements, split, many steps."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).parents[1] / "models"))

from foreign_files import (  # noqa: E402
    adding_beta,
    adding_square,
    pizza_forward,
    pizza_settings,
    pizza_state,
    table_mlp,
)

import grokscope as gs  # noqa: E402
from grokscope.cli import main as command  # noqa: E402
from grokscope.config import SplitConfig  # noqa: E402
from grokscope.errors import GrokscopeError, RequestError, UnsoundError  # noqa: E402
from grokscope.runs.imported import import_foreign  # noqa: E402
from grokscope.runs.run import open_run  # noqa: E402
from grokscope.tasks import make_split, make_task  # noqa: E402
from grokscope.tasks.groups import make_group  # noqa: E402


def saved(folder: Path, state: object, settings: object = None) -> Path:
    """Save a state dict and, beside it, its settings; return the folder."""
    folder.mkdir(exist_ok=True)
    torch.save(state, folder / "model.pt")
    if settings is not None:
        (folder / "cfg.json").write_text(json.dumps(settings))
    return folder


def rep_settings(group: str, n: int, **more: object) -> dict[str, object]:
    return {
        "lr": 0.001, "weight_decay": 1, "betas": [0.9, 0.98], "model": "OneLayerMLP",
        "group": group, "group_parameter": n, "frac_train": 0.4, "num_epochs": 1000, "seed": 3,
        **more,
    }  # fmt: skip


def test_a_pizza_transformer(tmp_path):
    """Else what the run's snapshot computes is not what its authors' program does."""
    state = pizza_state(n_layers=2)
    folder = saved(tmp_path / "theirs", state, pizza_settings(7, 2, attn_coeff=0.4, act_fn="GeLU"))
    run = open_run(import_foreign(folder, tmp_path / "run").path)
    snap = run.snapshot()
    tokens = torch.as_tensor(run.task.tokens)
    there = pizza_forward(state, tokens, 0.4, "GeLU")
    torch.testing.assert_close(snap.logits, there, rtol=1e-12, atol=1e-11)
    hooked = snap.model(tokens)[:, -1]
    torch.testing.assert_close(hooked, there, rtol=1e-12, atol=1e-11)
    assert (run.task.name, run.task.p, run.task.layout, snap.step) == ("mod_add", 7, "a b", 20000)
    assert (run.split, run.config.model.attention_rate) == (None, 0.4)
    assert run.config.optimiser.weight_decay == 2.0
    assert any("20000" in note for note in run.info["origin"]["notes"])


@pytest.mark.parametrize("sign", [0, 1])
def test_operands_with_tokens_of_their_own(tmp_path, sign):
    """Else a model with 2 p tokens is read as one modulo 2 p, or b as another value of a."""
    state = pizza_state(14, n_ctx=2 + sign)
    settings = pizza_settings(7, diff_vocab=1, eqn_sign=sign)
    run = open_run(
        import_foreign(saved(tmp_path / "theirs", state, settings), tmp_path / "run").path
    )
    a = torch.arange(7)
    columns = [a.repeat_interleave(7), 7 + a.repeat(7), torch.full((49,), 14)][: 2 + sign]
    there = pizza_forward(state, torch.stack(columns, 1), 0.3, "ReLU")
    torch.testing.assert_close(run.snapshot().logits, there, rtol=1e-12, atol=1e-10)
    assert (run.task.p, run.task.n_classes, run.config.model.d_vocab_out) == (7, 7, 14 + sign)
    assert run.task.layout == ("a b' =" if sign else "a b'")
    found = gs.analyze(run, measures=["embedding_share", "gradient_symmetricity", "performance"])
    tables = state["embed.W_E"].T.numpy()
    for name, table in (("embedding_share", tables[:7]), ("embedding_share_second", tables[7:14])):
        power = (np.abs(np.fft.rfft(table, axis=0)[1:]) ** 2).sum(1)
        power0 = (np.abs(np.fft.rfft(table, axis=0)[0]) ** 2).sum() / 2
        expected = power / (power.sum() + power0)
        got = found[name].isel(step=-1).values
        np.testing.assert_allclose(got[-3:], expected, rtol=1e-6)
    odd = saved(tmp_path / "odd", pizza_state(7), settings | {"eqn_sign": 0})
    with pytest.raises(UnsoundError, match="diff_vocab"):
        import_foreign(odd, tmp_path / "none")


@pytest.mark.parametrize("kind", ["B", "C"])
def test_the_answers_tell_two_architectures_of_one_shape_apart(tmp_path, kind):
    """Else a model C is analysed as a model B, whose first bias is half of what it is."""
    state = adding_beta(7)
    if kind == "C":
        state["l1.bias"] = state["l1.bias"] / 2
    run = import_foreign(saved(tmp_path / "theirs", state), tmp_path / "run")
    assert run.config.model.architecture == {"B": "linear_beta", "C": "linear_gamma"}[kind]
    assert run.config.model.n_layers == 2
    assert run.snapshot().accuracy.all == 1.0
    assert any("told by the answers" in note for note in run.info["origin"]["notes"])
    random = {k: torch.rand_like(w) for k, w in state.items()}
    folder = saved(tmp_path / "random", random)
    with pytest.raises(RequestError, match="give --task"):
        import_foreign(folder, tmp_path / "none")
    with pytest.raises(RequestError, match="give --architecture"):
        import_foreign(folder, tmp_path / "none", task="mod_add")
    told = import_foreign(folder, tmp_path / "told", task="mod_add", architecture="linear_gamma")
    assert told.config.model.architecture == "linear_gamma"


# Groups


@pytest.mark.parametrize("name", ["S4", "A4", "D5"])
def test_a_group_that_its_settings_tell(tmp_path, name):
    """Else the task, the order of the elements or the split is not theirs."""
    group = make_group(name)
    family = {"S": "SymmetricGroup", "A": "AlternatingGroup", "D": "DihedralGroup"}[name[0]]
    state = table_mlp(torch.tensor(group.table))
    folder = saved(tmp_path / "theirs", state, rep_settings(family, int(name[1:])))
    run = open_run(import_foreign(folder, tmp_path / "run").path)
    assert (run.task.name, run.config.task.group) == ("group_mul", name)
    assert run.snapshot().accuracy.all == 1.0
    n = group.order
    chosen = torch.randperm(n * n, generator=torch.Generator().manual_seed(3))[: int(0.4 * n * n)]
    assert run.split is not None
    assert run.split.rows("train").tolist() == sorted(chosen.tolist())
    assert run.info["origin"]["task"] == "said by the file"
    assert (run.steps, run.config.optimiser.beta2) == ((1000,), 0.98)


@pytest.mark.parametrize(
    ("name", "words"),
    [("D5", "sympy"), ("S4", "lexicographic"), ("S4", "other side"), ("D4", "other side")],
)
@pytest.mark.parametrize("told", [True, False])
def test_elements_in_another_order_are_put_in_ours(tmp_path, name, words, told):
    """Else a model that answers every pair is called one that answers none, and its split is another's."""
    from grokscope.runs.element_orders import element_orders

    group = make_group(name)
    order = next(o for w, o in element_orders(group) if words in w)
    table = torch.zeros(group.order, group.order, dtype=torch.int64)
    table[torch.as_tensor(order)[:, None], torch.as_tensor(order)[None, :]] = torch.as_tensor(
        order[group.table]
    )
    family = {"S": "SymmetricGroup", "D": "DihedralGroup"}[name[0]]
    settings = rep_settings(family, int(name[1:])) if told else None
    folder = saved(tmp_path / "theirs", table_mlp(table), settings)
    run = open_run(import_foreign(folder, tmp_path / "run").path)
    assert (run.task.name, run.config.task.group) == ("group_mul", name)
    snap = run.snapshot()
    assert snap.accuracy.all == 1.0
    assert any("another order" in note for note in run.info["origin"]["notes"])
    if not told:
        assert run.split is None
        assert run.info["origin"]["task"].startswith("identified")
        return
    n = group.order
    chosen = torch.randperm(n * n, generator=torch.Generator().manual_seed(3))[: int(0.4 * n * n)]
    theirs = {(int(r) // n, int(r) % n) for r in chosen}
    ours = {(int(order[a]), int(order[b])) for a, b in run.task.inputs[run.split.train]}
    assert ours == theirs
    assert run.config.split.shuffle == "listed"


def test_the_other_side_is_the_other_side():
    """Else the inverse of an inverse hides that the wrong product is found: y . x is by hand here."""
    from grokscope.runs.element_orders import element_orders

    group = make_group("S4")
    order = next(
        o for w, o in element_orders(group) if w == "our order, multiplied from the other side"
    )
    theirs = np.empty_like(group.table)
    theirs[np.ix_(order, order)] = order[group.table]
    np.testing.assert_array_equal(theirs, group.table.T)


def test_sympy_lists_the_dihedral_group_so():
    """Else the order that is called sympy's is another."""
    from sympy.combinatorics.named_groups import DihedralGroup

    from grokscope.runs.element_orders import element_orders

    group = make_group("D5")
    order = next(o for w, o in element_orders(group) if w.startswith("sympy"))
    listed = list(DihedralGroup(5).generate())
    theirs = [[listed.index(x * y) for y in listed] for x in listed]
    ours = np.empty_like(group.table)
    ours[np.ix_(order, order)] = order[group.table]
    np.testing.assert_array_equal(ours, theirs)


def test_a_model_that_learned_nothing_keeps_what_its_settings_tell(tmp_path):
    """Else a run that did not grok cannot be looked at, or its order of elements is made up."""
    torch.manual_seed(0)
    state = {
        "W_x": torch.randn(24, 8),
        "W_y": torch.randn(24, 8),
        "W": torch.randn(16, 6),
        "W_U": torch.randn(6, 24),
    }
    run = import_foreign(
        saved(tmp_path / "theirs", state, rep_settings("SymmetricGroup", 4)), tmp_path / "run"
    )
    assert run.config.task.group == "S4"
    assert run.config.split.shuffle == "torch"
    bare = saved(tmp_path / "bare", state)
    with pytest.raises(RequestError, match="give --task"):
        import_foreign(bare, tmp_path / "none")
    with pytest.raises(RequestError, match="give --group"):
        import_foreign(bare, tmp_path / "none", task="group_mul")
    assert import_foreign(bare, tmp_path / "told", group="A4xC2").config.task.group == "A4xC2"
    with pytest.raises(RequestError, match="120 tokens"):
        import_foreign(bare, tmp_path / "none", group="S5")
    wrong = saved(tmp_path / "wrong", state, rep_settings("SymmetricGroup", 5))
    with pytest.raises(RequestError, match="24 tokens and 24 classes.*S5"):
        import_foreign(wrong, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_conjugation_is_identified(tmp_path):
    """Else a model of another operation over the group is said to have learned none."""
    task = make_task("group_conjugate", group="S4", layout="a b")
    table = torch.as_tensor(task.answers).reshape(24, 24)
    run = import_foreign(saved(tmp_path / "theirs", table_mlp(table)), tmp_path / "run")
    assert (run.task.name, run.config.task.group) == ("group_conjugate", "S4")


# Splits


def test_a_recorded_loss_refutes_a_split(tmp_path):
    """Else a split that its settings name is believed against the losses its authors recorded."""
    state = table_mlp(torch.tensor(make_group("S3").table), scale=2.0)
    folder = saved(tmp_path / "theirs", state, rep_settings("SymmetricGroup", 3))
    (folder / "summary_metrics.json").write_text(json.dumps({"train_loss": 1e-6, "test_loss": 3.0}))
    run = import_foreign(folder, tmp_path / "run")
    assert run.split is None
    assert "1e-06 was recorded" in run.info["origin"]["split"]
    assert run.info["origin"]["recorded"] == {"train_loss": 1e-6, "test_loss": 3.0}
    with pytest.raises(RequestError, match="was recorded"):
        import_foreign(folder, tmp_path / "none", split_seed=1, frac_train=0.5)


def test_seed_0_of_chughtai_leaves_the_rows_unshuffled(tmp_path):
    """Else seed 0, which their program takes for none, is drawn."""
    state = table_mlp(torch.tensor(make_group("S3").table))
    folder = saved(tmp_path / "theirs", state, rep_settings("SymmetricGroup", 3, seed=0))
    run = open_run(import_foreign(folder, tmp_path / "run").path)
    assert run.split is not None
    assert run.split.rows("train").tolist() == list(range(14))


def test_a_list_of_training_pairs_is_the_split(tmp_path):
    """Else pairs that a file lists are ignored, or a changed list is believed."""
    table = torch.as_tensor(make_task("mod_add", 5, layout="a b").answers).reshape(5, 5)
    rows = [(0, 1), (3, 2), (4, 4)]
    torch.save({"model": table_mlp(table), "train_data": rows}, tmp_path / "model.pt")
    path = import_foreign(tmp_path / "model.pt", tmp_path / "run").path
    run = open_run(path)
    assert run.split is not None
    assert run.split.rows("train").tolist() == [1, 17, 24]
    assert run.split.rows("test_twin_free").tolist() == sorted(set(range(25)) - {1, 17, 24, 5, 13})
    text = (path / "split.json").read_text()
    (path / "split.json").write_text(text.replace("17", "18"))
    with pytest.raises(UnsoundError, match=r"split.json was changed"):
        _ = open_run(path).split
    (path / "split.json").unlink()
    with pytest.raises(UnsoundError, match=r"split.json is missing"):
        _ = open_run(path).split
    with pytest.raises(RequestError, match="listed"):
        make_split(run.task, SplitConfig(shuffle="listed"))


# Series


def test_a_long_series_of_one_hot_mlps(tmp_path):
    """Else 250 checkpoints take minutes, come in another order, or the activation is taken for granted."""
    folder = tmp_path / "series"
    folder.mkdir()
    final = adding_square(11, offset=3.0)
    torch.manual_seed(0)
    first = {k: torch.randn_like(w) for k, w in final.items()}
    for i in range(250):
        state = {k: (first[k] * (249 - i) + final[k] * i) / 249 for k in final}
        torch.save(state, folder / f"checkpoint_{100 * i}.pt")
    start = time.process_time()
    run = open_run(import_foreign(folder, tmp_path / "run").path)
    assert time.process_time() - start < 10
    assert run.steps == tuple(range(0, 25_000, 100))
    assert (run.task.name, run.task.p) == ("mod_add", 11)
    assert (run.config.model.architecture, run.config.model.act_fn) == (
        "shared_one_hot_mlp",
        "square",
    )
    assert any("square" in note for note in run.info["origin"]["notes"])
    assert run.info["origin"]["assumed"] == []
    a, b = torch.as_tensor(run.task.inputs).T
    hot = torch.eye(11, dtype=torch.float64)[a] + torch.eye(11, dtype=torch.float64)[b]
    for i in (0, 124, 249):
        w_in, w_out = ((first[k] * (249 - i) + final[k] * i) / 249 for k in final)
        there = (hot @ w_in.T).square() @ w_out.T
        torch.testing.assert_close(run.snapshot(100 * i).logits, there, rtol=1e-12, atol=1e-11)
    assert run.snapshot().accuracy.all == 1.0


def test_an_activation_that_nothing_tells_stays_assumed(tmp_path):
    """Else a model that has learned nothing gets the activation that happens to answer most."""
    torch.manual_seed(1)
    state = {k: torch.randn_like(w) for k, w in adding_square(11).items()}
    run = import_foreign(saved(tmp_path / "theirs", state), tmp_path / "run", task="mod_add")
    assert run.config.model.act_fn == "relu"
    assert run.info["origin"]["assumed"] == ["act_fn"]
    both = saved(tmp_path / "both", adding_square(11))  # squares and ReLU answer all of it
    run = import_foreign(both, tmp_path / "kept")
    assert run.info["origin"]["assumed"] == ["act_fn"]
    assert any("relu 1.0000" in n and "square 1.0000" in n for n in run.info["origin"]["notes"])
    told = import_foreign(tmp_path / "theirs", tmp_path / "told", task="mod_add", act_fn="tanh")
    assert (told.config.model.act_fn, told.info["origin"]["assumed"]) == ("tanh", [])
    with pytest.raises(RequestError, match="p = 13"):
        import_foreign(tmp_path / "theirs", tmp_path / "none", p=13)


def test_series_of_the_other_families(tmp_path):
    """Else only one file of a family can be read, or the settings beside a series are not found."""
    folder = tmp_path / "series"
    folder.mkdir()
    for i in range(3):
        scaled = {k: w * (i + 1) for k, w in adding_beta(5).items()}
        torch.save(scaled, folder / f"epoch_{i}.pt")
    (folder / "cfg.json").write_text(json.dumps({"model_type": "B", "C": 5}))
    run = import_foreign(folder, tmp_path / "beta", task="mod_add")
    assert (run.steps, run.config.model.architecture) == ((0, 1, 2), "linear_beta")
    many = {100 * i: pizza_state() for i in range(3)}
    torch.save({"state_dicts": many, "config": pizza_settings(7)}, tmp_path / "many.pt")
    run = import_foreign(tmp_path / "many.pt", tmp_path / "pizza")
    assert (run.steps, run.config.model.attention_rate) == ((0, 100, 200), 0.3)


# The command


def test_the_command(tmp_path, capsys):
    """Else an option of the command does not reach the reader, or the group is not said."""
    folder = saved(tmp_path / "S3_MLP_seed3", table_mlp(torch.tensor(make_group("S3").table)))
    (tmp_path / "elsewhere.json").write_text(json.dumps(rep_settings("SymmetricGroup", 3)))
    argv = [
        "import",
        str(folder),
        "--config",
        str(tmp_path / "elsewhere.json"),
        "--out",
        str(tmp_path / "run"),
    ]
    assert command(argv) == 0
    said = capsys.readouterr().out
    assert "task: group_mul over S3 (said by the file)" in said
    assert "split: seed 3, 0.4 of the rows (said by the file)" in said
    theirs = saved(tmp_path / "theirs", pizza_state())
    out = ["--out", str(tmp_path / "pizza")]
    assert command(["import", str(theirs), *out]) == 2
    assert len(capsys.readouterr().err.strip().split("\n")) == 1
    told = ["--attention-rate", "0.5", "--act-fn", "gelu", "--task", "mod_sub", "--json"]
    assert command(["import", str(theirs), *told, *out]) == 0
    assert json.loads(capsys.readouterr().out)["origin"]["task"] == "given"
    assert open_run(tmp_path / "pizza").config.model.act_fn == "gelu"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"group_parameter": 50}, "S50"),
        ({"group_parameter": -3}, "S-3"),
        ({"group": "MonsterGroup"}, "give --task"),
        ({"lr": float("nan")}, "NaN"),
        ({"seed": 2**70}, ""),
        ({"frac_train": 7.0}, ""),
        ({"num_epochs": 10**40}, ""),
        ({"betas": ["a", None]}, ""),
    ],
)
def test_settings_that_make_no_sense(tmp_path, more, words):
    """Else a strange value in a settings file is a traceback, or a split or a step that cannot be."""
    torch.manual_seed(0)
    sizes = {"W_x": (24, 8), "W_y": (24, 8), "W": (16, 6), "W_U": (6, 24)}
    state = {name: torch.randn(*size) for name, size in sizes.items()}
    folder = saved(tmp_path / "theirs", state, rep_settings("SymmetricGroup", 4) | more)
    if words:
        with pytest.raises(RequestError, match=words) as error:
            import_foreign(folder, tmp_path / "run")
        assert "\n" not in str(error.value)
        assert not (tmp_path / "run").exists()
        return
    run = open_run(import_foreign(folder, tmp_path / "run").path)
    assert (run.split is None) == bool({"seed", "frac_train"} & more.keys())
    assert run.info["step_known"] == ("num_epochs" not in more)
    with pytest.raises(RequestError, match="frac_train = 7"):
        import_foreign(folder, tmp_path / "none", split_seed=1, frac_train=7.0)


@pytest.mark.parametrize("text", ["{", "[]", '"text"', "\x00"])
def test_broken_settings_are_one_line(tmp_path, text):
    """Else a user's mistake is a traceback."""
    folder = saved(tmp_path / "theirs", pizza_state())
    (folder / "cfg.json").write_text(text)
    with pytest.raises(GrokscopeError, match=r"cfg\.json") as error:
        import_foreign(folder, tmp_path / "run")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()
