"""Feed-forward models by the one trainer: updates against plain torch, squared error, round trip, what is refused."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

import grokscope as gs
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.presets import get_preset
from grokscope.tasks import make_split
from grokscope.training.loop import Trainer, train_run
from grokscope.training.resolve import resolve
from grokscope.training.resume import resume_run

N = 7
TINY = override(
    RunConfig(), p=N, layout="a b", frac_train=0.6, d_mlp=10, dtype="float64", steps=20,
    checkpoint_every=10,
)  # fmt: skip
FAMILIES = {
    "mlp": dict(d_model=6, warmup=0),
    "one_hot_mlp": dict(
        act_fn="square", optimiser="sgd", lr=300.0, weight_decay=0.0, loss_function="mse"
    ),
    "shared_one_hot_mlp": dict(act_fn="gelu", optimiser="adam", weight_decay=0.1),
    "linear_alpha": dict(d_model=6, beta2=0.999, weight_decay=2.0, warmup=3),
    "linear_beta": dict(d_model=6, lr=0.01),
    "linear_gamma": dict(d_model=6, lr=0.01),
    "linear_delta": dict(d_model=6, loss_function="stablemax"),
    "linear_x": dict(d_model=6, loss_function="mse", temperature=2.0, loss_dtype="float32"),
}


def config_of(architecture: str) -> RunConfig:
    return override(TINY, architecture=architecture, **FAMILIES[architecture])


def trainer_of(config: RunConfig) -> Trainer:
    config, task = resolve(config)
    return Trainer(config, task, make_split(task, config.split))


class PlainMLP(nn.Module):
    """Chughtai et al.'s network in torch's own words."""

    def __init__(self, w):
        super().__init__()
        self.left = nn.Parameter(w["embed_left.W_E"].detach().clone())
        self.right = nn.Parameter(w["embed_right.W_E"].detach().clone())
        self.hidden = nn.Parameter(w["blocks.0.mlp.W_in"].detach().clone())
        self.out = nn.Parameter(w["unembed.W_U"].detach().clone())

    def forward(self, a, b):
        return torch.relu(torch.cat([self.left[a], self.right[b]], 1) @ self.hidden) @ self.out


class PlainGromov(nn.Module):
    """Gromov's network: one-hot inputs side by side, W^(1) [N, 2p], W^(2) [p, N]."""

    def __init__(self, w):
        super().__init__()
        self.first = nn.Parameter(w["blocks.0.mlp.W_in"].detach().T.clone())
        self.second = nn.Parameter(w["unembed.W_U"].detach().T.clone())

    def forward(self, a, b):
        x = torch.cat([functional.one_hot(a, N), functional.one_hot(b, N)], 1).double()
        hidden = (x @ self.first.T / math.sqrt(2 * N)) ** 2
        return hidden @ self.second.T / len(self.first)


class PlainGamma(nn.Module):
    """Zhong et al.'s model gamma: the first Linear is applied to each operand, and the results are added."""

    def __init__(self, w):
        super().__init__()
        self.embed = nn.Parameter(w["embed.W_E"].detach().clone())
        self.l1, self.l2 = nn.Linear(6, 10).double(), nn.Linear(10, 10).double()
        with torch.no_grad():
            for layer, own in enumerate((self.l1, self.l2)):
                own.weight.copy_(w[f"blocks.{layer}.mlp.W_in"].T)
                own.bias.copy_(w[f"blocks.{layer}.mlp.b_in"])
        self.unembed = nn.Parameter(w["unembed.W_U"].detach().T.clone())

    def forward(self, a, b):
        x = functional.relu(self.l1(self.embed[a]) + self.l1(self.embed[b]))
        return functional.relu(self.l2(x)) @ self.unembed.T


@pytest.mark.parametrize(
    ("architecture", "plain", "names"),
    [
        ("mlp", PlainMLP, {"hidden": "blocks.0.mlp.W_in", "left": "embed_left.W_E"}),
        ("one_hot_mlp", PlainGromov, {"first": "blocks.0.mlp.W_in", "second": "unembed.W_U"}),
        ("linear_gamma", PlainGamma, {"l1.bias": "blocks.0.mlp.b_in", "embed": "embed.W_E"}),
    ],
)
def test_updates_equal_plain_torch(architecture, plain, names):
    """Else training moves another network, or by another loss, than the paper's: five updates, all weights."""
    config = config_of(architecture)
    trainer = trainer_of(config)
    reference, o = plain(trainer.weights), config.optimiser
    if o.optimiser == "sgd":
        optimiser = torch.optim.SGD(reference.parameters(), lr=o.lr)
    else:
        optimiser = torch.optim.AdamW(
            reference.parameters(), lr=o.lr, betas=(o.beta1, o.beta2), weight_decay=o.weight_decay
        )
    a, b = torch.as_tensor(trainer.tokens[trainer.train_rows.numpy()]).T
    labels = trainer.labels[trainer.train_rows]
    assert torch.equal(labels, (a + b) % N)
    first = None
    for update in range(5):
        for group in optimiser.param_groups:
            group["lr"] = o.lr * (min(update / o.warmup, 1) if o.warmup else 1)
        logits = reference(a, b)
        if config.intervention.loss_function == "mse":
            loss = nn.MSELoss()(logits, functional.one_hot(labels, N).double())
        else:
            loss = nn.CrossEntropyLoss()(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        value = trainer.update()
        first = value if first is None else first
        assert value == pytest.approx(float(loss.detach()), abs=1e-12)
    assert value < first, "nothing was learned"
    own = dict(reference.named_parameters())
    for name, ours in names.items():
        theirs = own[name].detach()
        found = trainer.weights[ours].detach()
        same = found if found.shape == theirs.shape and name not in ("first", "second") else found.T
        torch.testing.assert_close(same, theirs, rtol=0, atol=1e-11, msg=name)


def test_squared_error_by_hand():
    """Else the error is summed over classes (p times too large), or the target is no one-hot vector."""
    trainer = trainer_of(config_of("one_hot_mlp"))
    with torch.no_grad():
        trainer.weights["unembed.W_U"].zero_()
    assert trainer.update() == pytest.approx(1 / N, abs=1e-15)
    trainer = trainer_of(config_of("linear_x"))  # temperature 2, in float32
    rows = trainer.train_rows
    logits = trainer.forward(trainer.train_plan).detach().numpy()
    total = 0.0
    for row, label in zip(logits, trainer.labels[rows].tolist(), strict=True):
        for c, value in enumerate(row):
            total += (value / 2 - (c == label)) ** 2
    assert trainer.update() == pytest.approx(total / (len(rows) * N), rel=1e-6)


def test_squared_error_is_in_the_metrics():
    """Else a run on the squared error shows only a cross-entropy that it never looked at."""
    trainer = trainer_of(config_of("one_hot_mlp"))
    found = trainer.metrics()
    logits = trainer.forward(trainer.plan).detach()
    each = (logits - functional.one_hot(trainer.labels, N)).square()
    for name in ("train", "test", "test_twin_free"):
        rows = trainer.split.rows(name)
        assert found[f"mse_{name}"] == pytest.approx(float(each[rows].mean()), abs=1e-12)
        assert math.isfinite(found[f"loss_{name}"])
    assert not any("mse" in name for name in trainer_of(config_of("mlp")).metrics())


@pytest.mark.parametrize("architecture", FAMILIES)
def test_round_trip(architecture, tmp_path):
    """Else a run cannot be opened again, or opens as another model: train, interrupt, resume, open, hook."""
    config = config_of(architecture)
    whole = train_run(config, tmp_path / "whole")
    part = train_run(config, tmp_path / "part", stop_after=13)
    assert max(part.steps) < 20
    resumed = resume_run(tmp_path / "part")
    assert whole.steps == resumed.steps == (0, 10, 20)
    opened = gs.open_run(tmp_path / "whole")
    assert opened.config == whole.config
    snap, other = opened.snapshot(), resumed.snapshot()
    assert all(torch.equal(snap.weights[k], other.weights[k]) for k in snap.weights)
    logits = snap.model(snap.tokens)[:, -1].detach()
    torch.testing.assert_close(logits, snap.logits, rtol=0, atol=1e-12)
    last = opened.metrics()[-1]
    assert last["step"] == 20
    assert last["loss_train"] == pytest.approx(snap.loss.train, abs=1e-12)
    moved = [not torch.equal(snap.weights[k], opened.weights(0)[k]) for k in snap.weights]
    assert all(moved)


@pytest.mark.parametrize("preset", ["chughtai2023_mlp", "gromov2023", "zhong2023_clock",
                                    "zhong2023_linear", "zhong2023_pizza"])  # fmt: skip
def test_presets_train(preset, tmp_path):
    """Else a published setting does not start, or its first updates do not lower its own loss."""
    run = gs.train(preset=preset, p=11, steps=30, checkpoint_every=30, eval_every=30, checkpoint_log=0,
                   out=tmp_path / "run", **({"lr": 150.0} if preset == "gromov2023" else {}))  # fmt: skip
    first, last = run.metrics()[0], run.metrics()[-1]
    name = "mse_train" if preset == "gromov2023" else "loss_train"
    assert last[name] < first[name]
    assert run.config.preset == preset


@pytest.mark.slow
def test_gromovs_network_groks(tmp_path):
    """Else plain gradient descent on the squared error, without weight decay, does not generalise here as published."""
    run = gs.train(preset="gromov2023", p=23, frac_train=0.8, d_mlp=200, lr=2000.0, steps=3_000,
                   eval_every=100, checkpoint_every=3_000, checkpoint_log=0, out=tmp_path / "run")  # fmt: skip
    lines = run.metrics()
    memorised = next(x["step"] for x in lines if x["accuracy_train"] > 0.99)
    grokked = next(x["step"] for x in lines if x["accuracy_test"] > 0.99)
    at_memory = next(x for x in lines if x["step"] == memorised)
    assert at_memory["accuracy_test"] < 0.2
    assert grokked > 1.3 * memorised
    assert lines[-1]["accuracy_test"] == 1.0


def test_published_initialisation_is_taken():
    """Else a family begins at the transformer's weights, or a rule that was asked for is not taken."""
    wanted = {"mlp": "chughtai2023", "one_hot_mlp": "gromov2023", "linear_beta": "zhong2023_linear",
              "shared_one_hot_mlp": "kaiming_uniform"}  # fmt: skip
    for architecture, rule in wanted.items():
        config = override(TINY, architecture=architecture)
        assert resolve(config)[0].model.initialisation == rule
        chosen = override(config, initialisation="normal")
        assert resolve(chosen)[0].model.initialisation == "normal"
    assert resolve(override(TINY, architecture="linear_beta"))[0].model.n_layers == 2
    assert resolve(override(TINY, architecture="linear_beta", n_layers=2))[0].model.n_layers == 2


REFUSED = {
    "n_heads": 2, "d_head": 8, "n_layers": 3, "normalization": "pre", "positional": "none",
    "attention_mask": "none", "attention_rate": 0.5, "attn_only": True, "bias_attn": True,
    "bias_mlp": False, "bias_unembed": True, "layout": "a b =", "dropout": 0.1, "task": "sparse_parity",
    "initialisation": "zhong2023",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("architecture", ["mlp", "linear_beta"])
def test_what_a_family_does_not_have_is_refused(architecture, name):
    """Else an option is taken and does nothing."""
    config = override(TINY, architecture=architecture, **{name: REFUSED[name]})
    with pytest.raises(
        RequestError, match=f"architecture = {architecture}|layout = 'a b'"
    ) as found:
        resolve(config)
    assert "accepted" in str(found.value)
    assert "\n" not in str(found.value)


def test_one_hot_operands_have_no_width():
    """Else d_model is taken where there is no embedding, and does nothing."""
    with pytest.raises(RequestError, match="d_model = 6 with architecture = one_hot_mlp"):
        resolve(override(TINY, architecture="one_hot_mlp", d_model=6))
    resolve(override(TINY, architecture="mlp", d_model=6))


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_attention_rate_is_a_share(rate):
    """Else the pattern is mixed with a negative weight."""
    with pytest.raises(RequestError, match="attention_rate"):
        resolve(override(RunConfig(), attention_rate=rate))


def test_attention_rate_in_training():
    """Else rate 0 still trains queries and keys, or their weight decay stops: they shrink by 1 - lr wd, no more."""
    config = override(get_preset("zhong2023_pizza").config, p=7, d_model=8, d_head=4, d_mlp=12,
                      n_heads=2, dtype="float64", warmup=0, lr=0.01)  # fmt: skip
    trainer = trainer_of(config)
    before = {k: w.detach().clone() for k, w in trainer.weights.items()}
    for _ in range(3):
        trainer.update()
    for part in "QK":
        name = f"blocks.0.attn.W_{part}"
        shrunk = before[name] * (1 - 0.01 * 2.0) ** 3
        torch.testing.assert_close(trainer.weights[name].detach(), shrunk, rtol=0, atol=1e-15)
    mixed = trainer_of(override(config, attention_rate=0.5))
    mixed.update()
    assert all(bool(mixed.weights[f"blocks.0.attn.W_{part}"].grad.any()) for part in "QK")
