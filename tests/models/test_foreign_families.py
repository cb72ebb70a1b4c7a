"""Foreign models of every family: read, they compute what their authors' formula says, in float64."""

import json
from pathlib import Path

import pytest
import torch
from foreign_files import (
    adding_beta,
    linear_forward,
    linear_state,
    nanda_state,
    pizza_forward,
    pizza_settings,
    pizza_state,
    table_mlp,
    transformerlens_state,
)

from grokscope.config import RunConfig, override
from grokscope.errors import GrokscopeError, RequestError, UnsoundError
from grokscope.models.families import forward
from grokscope.models.feedforward.forms import resolve_feedforward
from grokscope.models.foreign import read_foreign, relabel
from grokscope.models.plan import make_plan


def saved(folder: Path, state: object, settings: object = None, name: str = "model.pt") -> Path:
    """Save a state dict and, beside it, its settings as `cfg.json`."""
    torch.save(state, folder / name)
    if settings is not None:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        (folder / "cfg.json").write_text(text)
    return folder / name


def refused(path: Path, kind: type[GrokscopeError], *words: str, **options: object) -> str:
    """Read `path`, and hold the message to one line that has all of `words`."""
    with pytest.raises(kind) as caught:
        read_foreign(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


def pairs(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    a = torch.arange(n)
    return a.repeat_interleave(n), a.repeat(n)


def logits_of(series, tokens: torch.Tensor, **choice: str) -> torch.Tensor:
    """Return the logits that our forward gives the last checkpoint, in its own precision."""
    model = override(RunConfig(), **{**series.model, **choice}).model
    model = model if model.has_attention else resolve_feedforward(model)
    plan = make_plan(tokens.numpy(), model.attention_mask == "causal")
    return forward(series.checkpoints[-1].weights, model, plan).logits


# Zhong et al. 2023


@pytest.mark.parametrize(
    ("n_layers", "n_ctx", "alpha", "act"),
    [(1, 2, 0.3, "ReLU"), (1, 2, 0, "GeLU"), (2, 2, 1, "Tanh"), (3, 2, 0.7, "ReLU"), (2, 3, 0.3, "ReLU")],
)  # fmt: skip
def test_pizza_transformers(tmp_path, n_layers, n_ctx, alpha, act):
    """Else alpha, the missing mask, the activation or the layers are not theirs."""
    state = pizza_state(n_layers=n_layers, n_ctx=n_ctx)
    more = {"attn_coeff": alpha, "act_fn": act, "eqn_sign": n_ctx - 2}
    series = read_foreign(saved(tmp_path, state, pizza_settings(7, n_layers, **more)))
    a, b = pairs(7)
    tokens = torch.stack([a, b, torch.full_like(a, 7)][:n_ctx], 1)
    there = pizza_forward(state, tokens, alpha, act)
    torch.testing.assert_close(logits_of(series, tokens), there, rtol=1e-13, atol=1e-10)
    assert series.layout == "pizza"
    assert (series.p, series.assumed) == (7, ())
    assert series.task["fn_name"] == "add"
    assert series.model["attention_mask"] == "none"
    assert series.checkpoints[0].step is None


def test_what_pizza_needs_is_asked_for(tmp_path):
    """Else the attention rate, which decides between clock and pizza, is made up."""
    path = saved(tmp_path, pizza_state())
    said = refused(path, RequestError, "attention_rate", "act_fn", "--config", "--attention-rate")
    assert "pizza" in said
    refused(path, RequestError, "act_fn", given={"attention_rate": 0.5})
    given = {"attention_rate": 0.5, "act_fn": "relu"}
    assert read_foreign(path, given=given).model["attention_rate"] == 0.5
    (tmp_path / "elsewhere.json").write_text(json.dumps(pizza_settings(7)))
    series = read_foreign(path, config=tmp_path / "elsewhere.json")
    assert series.model["attention_rate"] == 0.3
    refused(path, RequestError, "none.json", config=tmp_path / "none.json")
    other = {"config": tmp_path / "elsewhere.json", "given": {"attention_rate": 0.5}}
    refused(path, RequestError, "attention_rate = 0.5", "0.3", **other)


def test_settings_are_found_beside_a_model_by_its_name(tmp_path):
    """Else a folder of many models gives one the settings of another."""
    for name, alpha in (("abc1", 0.25), ("def2", 0.75)):
        torch.save(pizza_state(), tmp_path / f"model_{name}.pt")
        text = json.dumps(pizza_settings(7, attn_coeff=alpha))
        (tmp_path / f"config_{name}.json").write_text(text)
    (tmp_path / "config.json").write_text("not even JSON")  # of the folder, so of neither
    assert read_foreign(tmp_path / "model_abc1.pt").model["attention_rate"] == 0.25
    assert read_foreign(tmp_path / "model_def2.pt").model["attention_rate"] == 0.75
    refused(tmp_path, RequestError, "several series", "model_abc1.pt")


def test_settings_that_contradict_the_weights(tmp_path):
    """Else a model is read with the settings of another; the message must name both sides."""
    state = pizza_state()
    for more, words in (
        ({"n_layers": 2}, ("n_layers = 2", "n_layers = 1")),
        ({"d_model": 128}, ("d_model = 128", "d_model = 11")),
        ({"n_heads": 4}, ("n_heads = 4", "n_heads = 3")),
        ({"C": 5, "funcs": "?"}, ("p=5", "7 values")),
    ):
        path = saved(tmp_path, state, pizza_settings(7) | more)
        refused(path, UnsoundError, *words)
    for more, words in (
        ({"attn_coeff": 1.5}, ("attn_coeff = 1.5", "from 0 to 1")),
        ({"attn_coeff": "much"}, ("attn_coeff = much",)),
        ({"act_fn": "swish2"}, ("swish2", "relu")),
    ):
        path = saved(tmp_path, state, pizza_settings(7) | more)
        refused(path, RequestError, *words)
    for text, words in (("{]", "not JSON"), ("[1, 2]", "JSON list"), ("[" * 100_000, "not JSON")):
        with pytest.raises(GrokscopeError, match=words) as error:
            read_foreign(saved(tmp_path, state, text))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", list("ABCDX"))
def test_linear_models(tmp_path, kind):
    """Else a layer, a bias or the side of an operand is not theirs."""
    state = linear_state(kind)
    settings = {"C": 7, "n_vocab": 7, "d_model": 256, "d_hidden": 10, "model_type": kind}
    series = read_foreign(saved(tmp_path, state, settings))
    a, b = pairs(7)
    there = linear_forward(kind, state, a, b)
    torch.testing.assert_close(logits_of(series, torch.stack([a, b], 1)), there, rtol=0, atol=1e-12)
    names = dict(zip("ABCDX", ("alpha", "beta", "gamma", "delta", "x"), strict=True))
    assert series.model["architecture"] == f"linear_{names[kind]}"
    assert (series.layout, series.p, series.open_values) == ("pizza", 7, ())
    assert series.task["fn_name"] == "add"


def test_linear_models_of_one_shape(tmp_path):
    """Else the type of a model whose keys fit two is taken for granted."""
    path = saved(tmp_path, adding_beta(5))
    series = read_foreign(path)
    assert (series.open_field, series.open_values) == (
        "architecture",
        ("linear_beta", "linear_gamma"),
    )
    series = read_foreign(path, given={"architecture": "linear_gamma"})
    assert (series.model["architecture"], series.open_values) == ("linear_gamma", ())
    refused(path, RequestError, "linear_beta or linear_gamma", given={"architecture": "linear_x"})
    refused(saved(tmp_path, adding_beta(5), {"model_type": "D"}), UnsoundError, "D", "B or C")
    refused(saved(tmp_path, adding_beta(5), {"model_type": "Z"}), RequestError, "Z")
    settings = {"model_type": "B", "d_hidden": 256}
    refused(saved(tmp_path, adding_beta(5), settings), UnsoundError, "d_hidden = 256", "d_mlp = 11")
    refused(saved(tmp_path, adding_beta(5), {"C": 59}), UnsoundError, "p=59", "5 values")


@pytest.mark.parametrize("width", [12, 13])
def test_linear_model_of_the_transformer_program(tmp_path, width):
    """Else the zero that pads an odd width is read as an input."""
    g = torch.Generator().manual_seed(3)

    def rand(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    state = {
        "embed.W_E": rand(width // 2, 7),
        "unembed.W_U": rand(width, 7),
        "blocks.0.W_in": rand(width, width),
        "blocks.0.b_in": rand(width),
    }
    series = read_foreign(saved(tmp_path, state, {"C": 7, "act_fn": "GeLU", "use_linear": True}))
    a, b = pairs(7)
    x = torch.cat([state["embed.W_E"].T[a], state["embed.W_E"].T[b]], 1)
    x = torch.nn.functional.pad(x, (0, width % 2))
    hidden = torch.nn.functional.gelu(x @ state["blocks.0.W_in"].T + state["blocks.0.b_in"])
    there = hidden @ state["unembed.W_U"]
    torch.testing.assert_close(logits_of(series, torch.stack([a, b], 1)), there, rtol=0, atol=1e-12)
    deep = {**state, "blocks.1.W_in": rand(width, width), "blocks.1.b_in": rand(width)}
    refused(saved(tmp_path, deep), RequestError, "2 layers")
    refused(
        saved(tmp_path, {**state, "embed.W_E": rand(4, 7)}, {"act_fn": "ReLU"}), UnsoundError, "4"
    )


# Chughtai et al. 2023


def rep_settings(group: str, n: int, model: str, **more: object) -> dict[str, object]:
    return {
        "lr": 0.001, "weight_decay": 1, "betas": [0.9, 0.98], "model": model, "group": group,
        "group_parameter": n, "frac_train": 0.4, "num_epochs": 1000, "seed": 1, **more,
    }  # fmt: skip


def test_rep_theory_mlp(tmp_path):
    """Else an embedding is on the wrong side, or a matrix turned."""
    g = torch.Generator().manual_seed(4)
    n, d, hidden = 6, 5, 9
    shapes = {"W_x": (n, d), "W_y": (n, d), "W": (2 * d, hidden), "W_U": (hidden, n)}
    state = {k: torch.randn(*s, generator=g, dtype=torch.float64) for k, s in shapes.items()}
    layers = {"layers": {"embed_dim": d, "hidden_dim": hidden}}
    settings = rep_settings("SymmetricGroup", 3, "OneLayerMLP", **layers)
    series = read_foreign(saved(tmp_path, state, settings))
    a, b = pairs(n)
    x = torch.cat([state["W_x"][a], state["W_y"][b]], 1)
    there = (x @ state["W"]).relu() @ state["W_U"]
    torch.testing.assert_close(logits_of(series, torch.stack([a, b], 1)), there, rtol=0, atol=1e-12)
    assert (series.layout, series.assumed, series.task["group"]) == ("rep_theory", (), "S3")
    assert series.task["shuffle"] == "torch"
    settings["layers"] = {"embed_dim": d, "hidden_dim": 128}
    said = ("hidden_dim = 128", "d_mlp = 9")
    refused(saved(tmp_path, state, settings), UnsoundError, *said)
    refused(
        saved(tmp_path, {k: w for k, w in state.items() if k != "W_y"}), UnsoundError, "lacks W_y"
    )
    refused(saved(tmp_path, state | {"W_U": torch.zeros(8, n)}), UnsoundError, "(8, 6)", "(9, 6)")
    refused(saved(tmp_path, state | {"b": torch.zeros(3)}), RequestError, "unknown", " b")
    bilinear = {k: w for k, w in state.items() if k != "W"}
    refused(saved(tmp_path, bilinear), RequestError, "BilinearNet")


def test_rep_theory_transformer(tmp_path):
    """Else a model of this program is taken for one whose activation and LayerNorm are not known."""
    state = transformerlens_state(p=7)
    state |= {"x_embed": torch.zeros(8, 11), "y_embed": torch.zeros(8, 11)}
    series = read_foreign(saved(tmp_path, state, rep_settings("CyclicGroup", 7, "Transformer")))
    assert (series.layout, series.assumed, series.p) == ("rep_theory", (), 7)
    assert (series.model["act_fn"], series.model["normalization"]) == ("relu", "none")
    plain = read_foreign(tmp_path / "model.pt", "transformerlens")
    assert plain.layout == "transformerlens"
    assert set(plain.assumed) == {"act_fn", "normalization"}


def test_recorded_numbers_beside_a_model(tmp_path):
    """Else what its authors recorded is lost, or a curve is read at the wrong steps."""
    state = table_mlp(torch.zeros(3, 3, dtype=torch.int64))
    path = saved(tmp_path, state, rep_settings("CyclicGroup", 3, "OneLayerMLP"))
    summary = {"train_loss": 0.5, "test_loss": 1.5, "train_acc": 1, "percent": 3, "test_acc": None}
    (tmp_path / "summary_metrics.json").write_text(json.dumps(summary))
    table = ",train_loss,test_acc,epoch\n7,2.0,0.25,0\n3,1.0,0.5,200\n4,1.5,,100\n"
    (tmp_path / "metrics.csv").write_text(table)
    for series in (read_foreign(path), read_foreign(tmp_path)):
        assert series.recorded == {"train_loss": 0.5, "test_loss": 1.5, "train_acc": 1.0}
        steps, values = series.losses["train"]
        assert (steps.tolist(), values.tolist()) == ([0, 100, 200], [2.0, 1.5, 1.0])
        assert series.accuracies["test"][0].tolist() == [0, 200]
    (tmp_path / "metrics.csv").write_text("train_loss,epoch\nlow,1\n")
    refused(path, UnsoundError, "metrics.csv", "low")


def test_history_beside_a_model(tmp_path):
    """Else the curve and the settings of a rerun are lost, though they stand beside it."""
    torch.save(nanda_state(), tmp_path / "baseline.pt")
    history = [{"epoch": e, "train_loss": 1 / (e + 1), "train_acc": 0.5} for e in (0, 500, 900)]
    content = {
        "history": history,
        "config": {"p": 7, "seed": 3, "frac_train": 0.3, "act_type": "GeLU"},
    }
    (tmp_path / "baseline.result.json").write_text(json.dumps(content))
    series = read_foreign(tmp_path / "baseline.pt")
    assert series.checkpoints[0].step == 900
    assert series.losses["train"][0].tolist() == [0, 500, 900]
    assert series.model["act_fn"] == "gelu"
    assert (series.task["seed"], series.task["frac_train"]) == (3, 0.3)


def test_a_folder_of_folders_is_one_line(tmp_path):
    """Else the user of a published collection is told that it is empty."""
    for name in ("S5_MLP_seed1", "S5_MLP_seed2"):
        (tmp_path / name).mkdir()
        saved(tmp_path / name, table_mlp(torch.zeros(3, 3, dtype=torch.int64)))
    refused(tmp_path, RequestError, "S5_MLP_seed1, S5_MLP_seed2", "one of the folders")


# One-hot MLPs


def one_hot_state(seed: int = 0, n: int = 7, hidden: int = 9) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    return {"mlp.W_in": rand(hidden, n), "mlp.W_out": rand(n, hidden)}


@pytest.mark.parametrize("biased", [False, True])
def test_one_hot_mlps(tmp_path, biased):
    """Else a matrix is turned, or a bias lost."""
    state = one_hot_state()
    bias = torch.linspace(-1, 1, 9, dtype=torch.float64)
    if biased:
        state |= {"mlp.b_in": bias, "mlp.b_out": torch.zeros(7, dtype=torch.float64)}
    series = read_foreign(saved(tmp_path, state))
    a, b = pairs(7)
    hot = torch.nn.functional.one_hot(a, 7).double() + torch.nn.functional.one_hot(b, 7).double()
    there = (hot @ state["mlp.W_in"].T + biased * bias).relu() @ state["mlp.W_out"].T
    torch.testing.assert_close(logits_of(series, torch.stack([a, b], 1)), there, rtol=0, atol=1e-12)
    assert (series.layout, series.p) == ("mlp", 7)
    assert (series.assumed, series.open_field) == (("act_fn",), "act_fn")
    assert any("b_in" in note for note in series.notes) == biased
    series = read_foreign(tmp_path / "model.pt", given={"act_fn": "square"})
    assert (series.assumed, series.open_values) == ((), ())


def test_one_hot_mlps_that_are_none_of_ours(tmp_path):
    """Else an output bias is dropped in silence, or a missing matrix is a traceback."""
    bias = {"mlp.b_out": torch.ones(7, dtype=torch.float64)}
    refused(saved(tmp_path, one_hot_state() | bias), RequestError, "mlp.b_out")
    lone = {"mlp.W_in": torch.zeros(9, 7)}
    refused(saved(tmp_path, lone), UnsoundError, "lacks mlp.W_out")
    refused(
        saved(tmp_path, one_hot_state() | {"mlp.gate": torch.zeros(2)}), RequestError, "mlp.gate"
    )
    refused(saved(tmp_path, one_hot_state()), RequestError, "'mlp'", layout="nanda")
    turned = {"mlp.W_in": torch.zeros(7, 9), "mlp.W_out": torch.zeros(7, 9)}
    refused(saved(tmp_path, turned), UnsoundError, "(7, 9)", "d_mlp=7")


# Order of the values


@pytest.mark.parametrize("kind", ["transformer", "linear", "mlp", "one_hot"])
def test_relabelled_weights_answer_in_the_new_order(tmp_path, kind):
    """Else a table is permuted the wrong way round, or one of them is forgotten."""
    state = {
        "transformer": transformerlens_state(p=7),
        "linear": linear_state("A"),
        "mlp": {**table_mlp(torch.randint(0, 7, (7, 7)))},
        "one_hot": one_hot_state(),
    }[kind]
    series = read_foreign(saved(tmp_path, {k: w.double() for k, w in state.items()}))
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    a, b = pairs(7)
    equals = [torch.full_like(a, 7)] if kind == "transformer" else []
    theirs = logits_of(series, torch.stack([order[a], order[b], *equals], 1))
    moved = relabel(series.checkpoints[0].weights, order.numpy())
    series = type(series)(
        **{**vars(series), "checkpoints": (type(series.checkpoints[0])(None, moved),)}
    )
    ours = logits_of(series, torch.stack([a, b, *equals], 1))
    torch.testing.assert_close(ours, theirs[:, order], rtol=0, atol=1e-12)
