"""Foreign checkpoints: the weights compute what they computed there, and nothing is made up."""

import dataclasses
import pickle
import random
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign_files import (
    all_tokens,
    external,
    nanda_forward,
    nanda_state,
    our_forward,
    row_losses,
    transformerlens_state,
)
from safetensors.torch import save_file

from grokscope.errors import GrokscopeError, RequestError, UnsoundError
from grokscope.models.foreign import (
    LAYOUTS,
    Expected,
    expected_loss,
    identify_split,
    read_foreign,
)
from grokscope.models.foreign import pickle_file as loading
from grokscope.models.foreign.records import stride_of

NANDA = "nanda/low_precision_mod_addition.pth"
KAUSHIK = "kaushik/baseline.pt"


def saved(tmp_path: Path, content: object, name: str = "model.pt") -> Path:
    torch.save(content, tmp_path / name)
    return tmp_path / name


def refused(path: Path, kind: type[GrokscopeError], *words: str, layout: str | None = None) -> str:
    """Read `path`, and hold the message to one line that has all of `words`."""
    with pytest.raises(kind) as caught:
        read_foreign(path, layout)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


# The weights


@pytest.mark.external
@pytest.mark.parametrize("name", [NANDA, KAUSHIK])
def test_published_weights_compute_what_they_computed_there(name):
    content = torch.load(external(name), weights_only=True, map_location="cpu")
    series = read_foreign(external(name))
    (checkpoint,) = series.checkpoints
    tokens = all_tokens(113)[::7]  # 1,825 rows, every a and every b among them
    there = nanda_forward(content.get("model", content), tokens)
    here = our_forward(checkpoint.weights, tokens)
    torch.testing.assert_close(here, there, rtol=0, atol=1e-11)
    assert (here.argmax(-1) == tokens[:, :2].sum(-1) % 113).double().mean() > 0.999
    assert series.layout == "nanda"
    assert series.p == 113
    assert series.model["n_heads"] == 4
    assert series.model["d_mlp"] == 512
    assert series.model["attention_mask"] == "causal"
    assert series.assumed == (("act_fn",) if name == NANDA else ())


@pytest.mark.parametrize("n_layers", [1, 2])
def test_nanda_weights_of_any_size(tmp_path, n_layers):
    state = nanda_state(n_layers=n_layers)
    series = read_foreign(saved(tmp_path, state))
    weights = series.checkpoints[0].weights
    tokens = all_tokens(7)
    torch.testing.assert_close(
        our_forward(weights, tokens), nanda_forward(state, tokens), rtol=0, atol=1e-12
    )
    assert series.model["n_layers"] == n_layers
    assert weights["blocks.0.attn.W_O"].shape == (3, 5, 11)
    assert all(w.is_contiguous() for w in weights.values())
    assert not any(key.endswith("mask") for key in weights)


def test_head_comes_first_in_the_flattened_axis_of_w_o(tmp_path):
    state = nanda_state()
    weights = read_foreign(saved(tmp_path, state)).checkpoints[0].weights
    # head 2, third place in the head (of 5), residual direction 4
    assert weights["blocks.0.attn.W_O"][2, 3, 4] == state["blocks.0.attn.W_O"][4, 2 * 5 + 3]


def test_nanda_layer_norm_is_unbiased_and_ours_is_not(tmp_path):
    state = nanda_state(norms=True, d_model=64)
    series = read_foreign(saved(tmp_path, state))
    tokens = all_tokens(7)
    ours = our_forward(series.checkpoints[0].weights, tokens)
    torch.testing.assert_close(ours, nanda_forward(state, tokens), rtol=0, atol=3e-3)
    assert series.model["normalization"] == "pre"
    assert any("unbiased" in note for note in series.notes)


def test_unused_layer_norm_is_left_out(tmp_path):
    state = nanda_state(norms=True)
    for key in state:
        if key.endswith((".w_ln", ".b_ln")):
            state[key] = torch.full_like(state[key], float(key.endswith(".w_ln")))
    series = read_foreign(saved(tmp_path, state))
    assert series.model["normalization"] == "none"
    assert not any("ln" in key for key in series.checkpoints[0].weights)
    assert any("LayerNorm" in note for note in series.notes)


def test_transformerlens_weights_stay_as_they_are(tmp_path):
    state = transformerlens_state(n_layers=2, norms=True)
    state["x_embed"] = torch.zeros(8, 11)
    series = read_foreign(saved(tmp_path, state), "transformerlens")
    weights = series.checkpoints[0].weights
    for key, tensor in weights.items():
        assert torch.equal(tensor, state[key])
    assert state.keys() - weights.keys() == {
        *(f"blocks.{i}.attn.{name}" for i in (0, 1) for name in ("mask", "IGNORE")),
        "x_embed",
    }
    told = {"bias_attn", "bias_mlp", "bias_unembed"}
    assert all(series.model[name] is True for name in told)
    assert series.model["normalization"] == "pre"
    assert series.model["d_vocab_out"] == 7
    assert series.p is None


@pytest.mark.external
@pytest.mark.parametrize(("name", "n"), [("C113_T_seed1", 113), ("D59_T_seed1", 118)])
def test_transformers_of_chughtai(name, n):
    series = read_foreign(external(f"rep_theory/{name}/model.pt"))
    assert series.layout == "rep_theory"
    assert series.model["d_vocab"] == n + 1
    assert series.model["d_vocab_out"] == n
    assert series.assumed == ()
    if name.startswith("C"):
        losses = row_losses(our_forward(series.checkpoints[0].weights, all_tokens(n)), n)
        assert losses.mean().item() == pytest.approx(1.58516e-7, rel=1e-4)


@pytest.mark.parametrize("d_vocab_is_d_model", [True, False])
def test_layouts_are_told_apart(tmp_path, d_vocab_is_d_model):
    p = 10 if d_vocab_is_d_model else 7
    assert read_foreign(saved(tmp_path, nanda_state(p=p))).layout == "nanda"
    path = saved(tmp_path, transformerlens_state(p=p))
    assert read_foreign(path).layout == "transformerlens"


def test_double_stays_double_and_half_becomes_single(tmp_path):
    double = read_foreign(saved(tmp_path, nanda_state(dtype=torch.float64)))
    assert {w.dtype for w in double.checkpoints[0].weights.values()} == {torch.float64}
    half = {key: value.half() for key, value in nanda_state().items()}
    single = read_foreign(saved(tmp_path, half))
    assert {w.dtype for w in single.checkpoints[0].weights.values()} == {torch.float32}


def test_wrapped_keys_and_mask(tmp_path):
    state = nanda_state()
    state["blocks.0.attn.mask"] = torch.ones(3, 3)
    wrapped = {f"module._orig_mod.{key}": value for key, value in state.items()}
    series = read_foreign(saved(tmp_path, {"model_state_dict": wrapped}))
    assert series.model["attention_mask"] == "none"
    del state["blocks.0.attn.mask"]
    assert "attention_mask" in read_foreign(saved(tmp_path, state)).assumed


# What stands around them


@pytest.mark.external
def test_the_published_file_tells_its_losses_and_its_step():
    series = read_foreign(external(NANDA))
    steps, values = series.losses["train"]
    assert (len(steps), steps[0], steps[-1]) == (50_000, 0, 49_999)
    assert values[0] == pytest.approx(4.776912164, rel=1e-7)
    steps, values = series.losses["test"]
    assert (len(steps), steps[1], steps[-1]) == (5_000, 10, 49_990)
    assert series.checkpoints[0].step == 50_000
    assert any("every 10 updates" in note for note in series.notes)


def full_run(**more: object) -> dict[str, object]:
    return {
        "state_dicts": [nanda_state(seed=i) for i in range(4)],
        "epochs": [0, 100, 200, 300],
        "train_losses": [1.0 / (i + 1) for i in range(400)],
        "test_losses": [2.0 / (i + 1) for i in range(40)],
        "config": {"p": 7, "frac_train": 0.3, "seed": 0, "fn_name": "add", "act_type": "GeLU"},
        **more,
    }


def test_series_in_one_file(tmp_path):
    series = read_foreign(saved(tmp_path, full_run()))
    assert [c.step for c in series.checkpoints] == [0, 100, 200, 300]
    embedding = nanda_state(seed=2)["embed.W_E"]
    assert torch.equal(series.checkpoints[2].weights["embed.W_E"], embedding.T)
    assert series.losses["test"][0].tolist() == list(range(0, 400, 10))
    assert series.task == {"p": 7, "frac_train": 0.3, "seed": 0, "fn_name": "add"}
    assert series.model["act_fn"] == "gelu"
    assert series.assumed == ()


def test_series_by_step_and_series_without_steps(tmp_path):
    by_step = {step: nanda_state(seed=step) for step in (200, 30, 1000)}
    series = read_foreign(saved(tmp_path, {"state_dicts": by_step}))
    assert [c.step for c in series.checkpoints] == [30, 200, 1000]
    series = read_foreign(saved(tmp_path, list(by_step.values())))
    assert [c.step for c in series.checkpoints] == [0, 1, 2]
    assert any("numbered 0, 1, 2" in note for note in series.notes)
    refused(saved(tmp_path, full_run(epochs=[0, 1])), RequestError, "2 steps for 4 state dicts")


def test_final_model_beside_a_series(tmp_path):
    series = read_foreign(saved(tmp_path, full_run(model=nanda_state(seed=9))))
    assert [c.step for c in series.checkpoints] == [0, 100, 200, 300, 400]
    series = read_foreign(saved(tmp_path, full_run(model=nanda_state(seed=3))))
    assert [c.step for c in series.checkpoints] == [0, 100, 200, 300]


def test_settings_object_of_transformerlens_is_read_without_its_class(tmp_path, monkeypatch):
    """TransformerLens's grokking demo saves its configuration object, whose class left in 4.0."""
    name = "transformer_lens.HookedTransformerConfig"
    module = types.ModuleType(name)
    config = dataclasses.make_dataclass("HookedTransformerConfig", ["act_fn", "normalization_type"])
    config.__module__ = name
    module.HookedTransformerConfig = config  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)
    content = {
        "model": transformerlens_state(),
        "config": config("gelu", "LNPre"),
        "checkpoints": [transformerlens_state()],
        "checkpoint_epochs": [99],
        "train_losses": [1.0] * 100,
        "test_losses": [1.0] * 100,
        "train_indices": torch.tensor([0, 8, 48]),
    }
    path = saved(tmp_path, content)
    monkeypatch.delitem(sys.modules, name)
    series = read_foreign(path)
    assert series.model["act_fn"] == "gelu"
    assert series.model["normalization"] == "pre"
    assert torch.equal(series.checkpoints[0].weights["ln_final.w"], torch.ones(11))
    assert series.losses["test"][0][-1] == 99


def test_recorded_split(tmp_path):
    rows = [(1, 2, 7), (0, 3, 7)]
    series = read_foreign(saved(tmp_path, {"model": nanda_state(), "train_data": rows}))
    assert series.train_inputs is not None
    assert series.train_inputs.tolist() == [[1, 2], [0, 3]]
    indices = torch.tensor([0, 8, 48])
    series = read_foreign(saved(tmp_path, {"model": nanda_state(), "train_indices": indices}))
    assert series.train_inputs is not None
    assert series.train_inputs.tolist() == [[0, 0], [1, 1], [6, 6]]
    assert read_foreign(saved(tmp_path, nanda_state())).train_inputs is None


@pytest.mark.parametrize(
    ("n_train", "n_test", "stride"),
    [(50_000, 5_000, 10), (400, 400, 1), (401, 41, 10), (7, 9, None), (10, 0, None), (9, 7, None)],
)
def test_stride_from_the_lengths(n_train, n_test, stride):
    assert stride_of(n_train, n_test) == stride


def test_losses_that_fit_no_stride_are_left_out(tmp_path):
    series = read_foreign(saved(tmp_path, full_run(test_losses=[1.0] * 399)))
    assert set(series.losses) == {"train"}
    assert any("fit no stride" in note for note in series.notes)


@pytest.mark.parametrize(
    ("name", "step"),
    [("step-00100.pt", 100), ("epoch_7.pt", 7), ("900.pth", 900), ("model_p99zdpze5l.pt", None)],
)
def test_a_digit_in_a_name_is_a_step_only_where_it_says_so(tmp_path, name, step):
    assert read_foreign(saved(tmp_path, nanda_state(), name)).checkpoints[0].step == step


# Folders


def test_folder_is_sorted_by_number(tmp_path):
    for step in (1000, 200, 30):
        saved(tmp_path, {"model": nanda_state(seed=step), "train_loss": 1 / step}, f"{step}.pth")
    saved(tmp_path, {"model": nanda_state(seed=0), "train_data": [(1, 2, 7)]}, "init.pth")
    saved(tmp_path, {"model": nanda_state(seed=5), "epoch": 1500}, "final.pth")
    (tmp_path / "config.json").write_text("{}")
    series = read_foreign(tmp_path)
    assert [c.step for c in series.checkpoints] == [0, 30, 200, 1000, 1500]
    embedding = nanda_state(seed=30)["embed.W_E"]
    assert torch.equal(series.checkpoints[1].weights["embed.W_E"], embedding.T)
    assert series.losses["train"][0].tolist() == [30, 200, 1000]
    assert series.train_inputs is not None
    assert len(series.sha256) == 64


def test_folder_of_safetensors(tmp_path):
    for step in (9, 10):
        save_file(nanda_state(seed=step), tmp_path / f"step-{step}.safetensors")
    assert [c.step for c in read_foreign(tmp_path).checkpoints] == [9, 10]


def test_folders_that_are_no_series(tmp_path):
    refused(tmp_path, RequestError, "no checkpoint")
    saved(tmp_path, nanda_state(), "a1.pt")
    saved(tmp_path, nanda_state(), "b2.pt")
    refused(tmp_path, RequestError, "several series", "a1.pt", "b2.pt")
    (tmp_path / "b2.pt").unlink()
    saved(tmp_path, nanda_state(), "best.pt")
    refused(tmp_path, RequestError, "best.pt", "no step")
    (tmp_path / "best.pt").unlink()
    saved(tmp_path, nanda_state(d_mlp=17), "a2.pt")
    refused(tmp_path, UnsoundError, "W_in", "(11, 17)", "(11, 13)", "step 1")
    saved(tmp_path, nanda_state(), "a01.pt")
    refused(tmp_path, UnsoundError, "both step 1")
    (tmp_path / "a01.pt").unlink()
    saved(tmp_path, nanda_state(), "a2.pt")
    saved(tmp_path, nanda_state(seed=3), "final.pt")
    refused(tmp_path, RequestError, "final.pt", "step")


# What is refused


class Rogue:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_code_in_a_file_is_not_run(tmp_path, capsys):
    path = tmp_path / "rogue.pt"
    torch.save({"model": nanda_state(), "config": Rogue()}, path)
    refused(path, RequestError, "would run code", "names builtins.print", "state_dict()")
    path.write_bytes(pickle.dumps(Rogue()))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(GrokscopeError):
            read_foreign(path)
    assert not warned  # else the refusal is more than one line
    assert capsys.readouterr().out == ""


def test_damaged_files(tmp_path):
    refused(tmp_path / "none.pt", RequestError, "does not exist")
    path = saved(tmp_path, nanda_state())
    whole = path.read_bytes()
    path.write_bytes(b"")
    refused(path, UnsoundError, "empty")
    for share in (0.1, 0.5, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        refused(path, UnsoundError, "truncated or damaged")
    path.write_text("not a checkpoint")
    refused(path, RequestError, "not a checkpoint")
    save_file(nanda_state(), tmp_path / "a.safetensors")
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(whole[:-50])
    refused(tmp_path / "a.safetensors", UnsoundError, "no whole safetensors file")


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {}, torch.zeros(3), "text", {"model": {}}])
def test_files_without_weights(tmp_path, content):
    refused(saved(tmp_path, content), RequestError, "accepted")


def test_bounds(tmp_path, monkeypatch):
    state = nanda_state()
    state["unembed.W_U"] = torch.zeros(1, 1).expand(10**6, 10**6)
    refused(saved(tmp_path, state), RequestError, "would fill more than")
    monkeypatch.setattr(loading, "MAX_TENSORS", 5)
    refused(saved(tmp_path, nanda_state()), RequestError, "too many tensors")
    monkeypatch.setattr(loading, "MAX_BYTES", 1000)
    refused(saved(tmp_path, nanda_state()), RequestError, "at most 1,000")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers(tmp_path, value):
    state = nanda_state()
    state["blocks.0.mlp.W_in"][2, 3] = value
    refused(saved(tmp_path, state), UnsoundError, "model.pt", "blocks.0.mlp.W_in", "1 of 143")


def test_shapes_are_named_on_both_sides(tmp_path):
    state = nanda_state()
    state["blocks.0.mlp.W_out"] = torch.zeros(11, 12)
    said = "(11, 12) in the file, (11, 13) expected from d_model=11, d_mlp=13"
    refused(saved(tmp_path, state), UnsoundError, "blocks.0.mlp.W_out", said)
    state = nanda_state()
    state["embed.W_E"] = state["embed.W_E"].T.contiguous()
    refused(saved(tmp_path, state), UnsoundError, "embed.W_E", "d_model=11")


def test_incomplete_and_strange_weights(tmp_path):
    state = nanda_state()
    del state["blocks.0.attn.W_K"]
    refused(saved(tmp_path, state), UnsoundError, "lacks blocks.0.attn.W_K")
    state = {**nanda_state(), "blocks.0.mlp.W_gate": torch.zeros(13, 11)}
    refused(saved(tmp_path, state), RequestError, "blocks.0.mlp.W_gate")
    state = {k: v for k, v in nanda_state(n_layers=3).items() if "blocks.1" not in k}
    refused(saved(tmp_path, state), UnsoundError, "blocks [0, 2]")
    state = nanda_state()
    state["blocks.0.attn.mask"] = torch.eye(3)
    refused(saved(tmp_path, state), RequestError, "mask")
    state = nanda_state()
    refused(saved(tmp_path, {"model": state, "config": {"p": 11}}), UnsoundError, "p=11", "p=7")


def test_layout_by_name(tmp_path):
    path = saved(tmp_path, nanda_state())
    assert read_foreign(path, "nanda").layout == "nanda"
    refused(path, RequestError, "nanda", layout="transformerlens")
    refused(path, RequestError, "did you mean 'nanda'", *LAYOUTS, layout="nandas")


def test_keys_of_no_layout_are_named(tmp_path):
    other = {"conv.weight": torch.zeros(3, 3)}
    refused(saved(tmp_path, other), RequestError, "conv.weight", *LAYOUTS)


# The split


@pytest.mark.external
def test_the_published_file_tells_its_split():
    series = read_foreign(external(NANDA))
    (checkpoint,) = series.checkpoints
    losses = row_losses(our_forward(checkpoint.weights, all_tokens(113)), 113)
    train, test = (expected_loss(*series.losses[rows], 50_000) for rows in ("train", "test"))
    assert train is not None
    assert test is not None
    assert train.value == pytest.approx(3.0451812e-4, rel=1e-3)
    assert identify_split(losses, train, test) == (1, 0.3)
    # the last recorded losses themselves are of earlier weights, and match nothing
    last = [float(series.losses[rows][1][-1]) for rows in ("train", "test")]
    assert identify_split(losses, *last) is None


@pytest.mark.external
def test_a_training_loss_at_the_limit_of_float32_still_tells():
    """The authors of this rerun recorded 1.32e-7 where the weights have 1.57e-7 in float64."""
    (checkpoint,) = read_foreign(external(KAUSHIK)).checkpoints
    losses = row_losses(our_forward(checkpoint.weights, all_tokens(113)), 113)
    assert identify_split(losses, 1.3215731e-07, 2.0096930e-04) == (0, 0.3)


def split_means(losses: torch.Tensor, seed: int, fraction: float) -> tuple[float, float]:
    rows = list(range(len(losses)))
    random.seed(seed)
    random.shuffle(rows)
    n = int(fraction * len(rows))
    return losses[rows[:n]].mean().item(), losses[rows[n:]].mean().item()


def memorised(seed: int, fraction: float) -> torch.Tensor:
    """Losses of 400 rows, small on the split and large elsewhere."""
    rows = list(range(400))
    random.seed(seed)
    random.shuffle(rows)
    draw = torch.rand(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    losses = 5 + draw
    losses[rows[: int(fraction * 400)]] *= 1e-3
    return losses


@pytest.mark.parametrize(("seed", "fraction"), [(0, 0.3), (42, 0.28), (99, 0.9)])
def test_a_memorised_split_is_found(seed, fraction):
    losses = memorised(seed, fraction)
    assert identify_split(losses, *split_means(losses, seed, fraction)) == (seed, fraction)


def test_what_is_not_certain_is_not_said():
    losses = memorised(3, 0.3)
    train, test = split_means(losses, 3, 0.3)
    assert identify_split(losses, train, test, seeds=range(3)) is None, "seed is no candidate"
    assert identify_split(losses, train, test, fractions=(0.5,)) is None
    assert identify_split(losses, 1.1 * train, test) is None
    untrained = 4.77 + 0.1 * torch.rand(400, dtype=torch.float64)
    assert identify_split(untrained, *split_means(untrained, 3, 0.3)) is None
    same = torch.full((400,), 1e-8, dtype=torch.float64)
    assert identify_split(same, 1e-8, 1e-8) is None
    assert identify_split(losses, float("nan"), test) is None


def test_expected_loss_is_the_record_or_one_stride_on():
    steps, values = np.array([0, 10, 20, 30]), np.exp(-0.01 * np.array([0.0, 10, 20, 30]))
    assert expected_loss(steps, values, 20) == Expected(values[2], 1e-3)
    after = expected_loss(steps, values, 40)
    assert after is not None
    assert after.value == pytest.approx(np.exp(-0.4))
    assert expected_loss(steps, values, 50) is None
    assert expected_loss(steps, np.array([1.0, 1.0, 1.0, 9.0]), 40) is None, "it bends"
    assert expected_loss(steps, np.array([1.0, 1.0, np.nan, 1.0]), 40) is None
