"""One run in training: each update against the formulas of its optimiser, written out; batches; precision."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from grokscope.config import RunConfig, override
from grokscope.models.initialise import initialise
from grokscope.models.transformer import HookedTransformer
from grokscope.tasks import make_split
from grokscope.training.loop import Trainer
from grokscope.training.optimisers import learning_rate
from grokscope.training.resolve import resolve

TINY = override(
    RunConfig(),
    p=7,
    frac_train=0.6,
    d_model=8,
    n_heads=2,
    d_head=4,
    d_mlp=12,
    steps=20,
    lr=0.01,
    warmup=0,
    dtype="float64",
)


def make(config: RunConfig) -> Trainer:
    config, task = resolve(config)
    return Trainer(config, task, make_split(task, config.split))


class ByHand:
    """The published formulas, one weight at a time, on the hooked model's gradients."""

    def __init__(self, config: RunConfig) -> None:
        self.config, self.task = resolve(config)
        self.split = make_split(self.task, self.config.split)
        self.weights = initialise(self.config.model, torch.float64)
        self.first = {k: torch.zeros_like(w) for k, w in self.weights.items()}
        self.second = {k: torch.zeros_like(w) for k, w in self.weights.items()}
        self.step = 0

    def update(self, rows: np.ndarray | None = None) -> float:
        o = self.config.optimiser
        rows = self.split.rows("train") if rows is None else rows
        model = HookedTransformer(self.config.model, self.weights)
        logits = model(torch.as_tensor(self.task.tokens[rows]))[:, -1].double()
        log_p = logits - logits.exp().sum(1, keepdim=True).log()
        loss = -log_p[torch.arange(len(rows)), torch.as_tensor(self.split.labels[rows])].mean()
        loss.backward()
        t = self.step + 1
        lr = o.lr if not o.warmup else o.lr * min(self.step / o.warmup, 1)
        for name, parameter in model.weights().items():
            g, w = parameter.grad, self.weights[name]
            m, v = self.first[name], self.second[name]
            if o.optimiser == "sgd":
                g = g + o.weight_decay * w
                m = g if t == 1 else o.momentum * m + g
                w = w - lr * m
            else:
                if o.optimiser == "adam":
                    g = g + o.weight_decay * w
                else:
                    w = w - lr * o.weight_decay * w
                m = o.beta1 * m + (1 - o.beta1) * g
                v = o.beta2 * v + (1 - o.beta2) * g * g
                m_hat, v_hat = m / (1 - o.beta1**t), v / (1 - o.beta2**t)
                w = w - lr * m_hat / (v_hat.sqrt() + o.eps)
            self.weights[name], self.first[name], self.second[name] = w, m, v
        self.step = t
        return float(loss.detach())


def assert_same_weights(trainer: Trainer, by_hand: ByHand, tolerance: float = 1e-11) -> None:
    for name, weight in trainer.weights.items():
        torch.testing.assert_close(
            weight.detach(), by_hand.weights[name], rtol=0, atol=tolerance, msg=name
        )


@pytest.mark.parametrize(
    "options",
    [
        dict(optimiser="adamw", weight_decay=1.0),
        dict(optimiser="adamw", weight_decay=0.5, warmup=3, bias_attn=True, bias_unembed=True),
        dict(optimiser="adam", weight_decay=0.3, beta1=0.8, beta2=0.95, eps=1e-6),
        dict(optimiser="sgd", momentum=0.0, weight_decay=0.1, lr=0.1),
        dict(optimiser="sgd", momentum=0.9, weight_decay=0.1, lr=0.1),
        dict(optimiser="adamw", n_layers=2, normalization="pre", attention_mask="none"),
    ],
    ids=["adamw", "adamw warm-up", "adam coupled", "sgd", "sgd momentum", "two layers"],
)
def test_updates_are_those_of_the_formulas(options):
    """Else the optimiser is another than its name: decay coupled or not, momentum, bias corrections, warm-up."""
    config = override(TINY, **options)
    trainer, by_hand = make(config), ByHand(config)
    assert_same_weights(trainer, by_hand, 0)
    for _ in range(5):
        assert trainer.update() == pytest.approx(by_hand.update(), abs=1e-11)
        assert_same_weights(trainer, by_hand)
    assert trainer.step == 5


def test_minibatch_updates_are_those_of_their_rows():
    """Else a minibatch's gradient is of other rows than were drawn."""
    config = override(TINY, batch_size=8)
    trainer, by_hand, twin = make(config), ByHand(config), make(config)
    for _ in range(6):
        rows = twin.next_batch().numpy()
        assert trainer.update() == pytest.approx(by_hand.update(rows), abs=1e-11)
    assert_same_weights(trainer, by_hand)


def test_the_first_update_of_a_warm_up_does_nothing():
    """Else the published learning rate lr min(t/10, 1) is off by one step."""
    config = override(TINY, warmup=4)
    trainer = make(config)
    before = {k: w.detach().clone() for k, w in trainer.weights.items()}
    trainer.update()
    assert all(torch.equal(before[k], w) for k, w in trainer.weights.items())
    trainer.update()
    assert not all(torch.equal(before[k], w) for k, w in trainer.weights.items())
    rates = [learning_rate(config.optimiser, t) / config.optimiser.lr for t in range(7)]
    assert rates == [0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert learning_rate(dataclasses.replace(config.optimiser, warmup=0), 0) == 0.01


def confident(loss_dtype: str) -> Trainer:
    """Return a trainer of one row whose answer has a logit of 30, all others 0."""
    config = override(
        TINY,
        frac_train=0.021,
        bias_unembed=True,
        loss_dtype=loss_dtype,
        dtype="float32",
        weight_decay=0.0,
    )
    trainer = make(config)
    assert len(trainer.train_rows) == 1
    with torch.no_grad():
        for weight in trainer.weights.values():
            weight.zero_()
        trainer.weights["unembed.b_U"][trainer.labels[trainer.train_rows]] = 30.0
    return trainer


def test_the_loss_in_float64_goes_on_where_float32_ends():
    """Else a memorised row gives no gradient any more: log(1 + 7 e^-30) is 6.6e-13, and 0 in float32."""
    assert confident("float64").update() == pytest.approx(7 * np.exp(-30), rel=1e-6)
    single = confident("float32")
    assert single.update() == 0


def test_every_epoch_visits_each_row_once():
    """Else some rows are trained on more often than others."""
    trainer = make(override(TINY, batch_size=8))
    n = len(trainer.train_rows)
    assert n % 8, "batches straddle the end of an epoch"
    seen = torch.cat([trainer.next_batch() for _ in range(n)])
    epochs = seen[: 8 * n].reshape(8, n)
    for epoch in epochs:
        assert torch.equal(epoch.sort().values, trainer.train_rows)
    assert not torch.equal(epochs[0], epochs[1]), "every epoch has a new order"


def test_seeds_are_apart():
    """Else another batch order brings another initialisation or split, and effects cannot be told apart."""
    base, other = (
        make(override(TINY, batch_size=8)),
        make(override(TINY, batch_size=8, batch_seed=1)),
    )
    assert torch.equal(base.train_rows, other.train_rows)
    assert all(torch.equal(base.weights[k], other.weights[k]) for k in base.weights)
    assert not torch.equal(base.next_batch(), other.next_batch())
    init = make(override(TINY, batch_size=8, init_seed=1))
    assert torch.equal(base.train_rows, init.train_rows)
    assert torch.equal(make(override(TINY, batch_size=8)).next_batch(), init.next_batch())
    assert not torch.equal(base.weights["embed.W_E"], init.weights["embed.W_E"])
    split = make(override(TINY, batch_size=8, split_seed=1))
    assert all(torch.equal(base.weights[k], split.weights[k]) for k in base.weights)
    assert not torch.equal(base.train_rows, split.train_rows)


def test_a_batch_as_large_as_the_training_set_is_the_full_batch():
    """Else asking for more rows than there are fails, or trains on some twice."""
    full, large = make(TINY), make(override(TINY, batch_size=1000))
    for _ in range(3):
        assert full.update() == large.update()


def test_metrics_are_means_over_their_rows():
    """Else train and test are swapped, or twin-free is another set."""
    config = override(TINY, p=11)
    trainer, by_hand = make(config), ByHand(config)
    model = HookedTransformer(by_hand.config.model, by_hand.weights)
    logits = model(torch.as_tensor(by_hand.task.tokens))[:, -1]
    labels = torch.as_tensor(by_hand.split.labels)
    each = functional.cross_entropy(logits, labels, reduction="none").detach()
    right = (logits.argmax(1) == labels).double()
    found = trainer.metrics()
    for name in ("train", "test", "test_twin_free"):
        rows = by_hand.split.rows(name)
        assert found[f"loss_{name}"] == pytest.approx(float(each[rows].mean()), abs=1e-12)
        assert found[f"accuracy_{name}"] == float(right[rows].mean())


def test_a_set_without_rows_has_no_metrics():
    """Else a run that trains on everything reports a loss of nothing."""
    assert set(make(override(TINY, frac_train=1.0)).metrics()) == {
        "loss_train",
        "accuracy_train",
        "softmax_collapse",
    }


def test_a_loss_that_is_no_number_moves_nothing():
    """Else the weights of a diverged run are NaN before anybody saw it."""
    trainer = make(TINY)
    with torch.no_grad():
        trainer.weights["unembed.W_U"].fill_(float("inf"))
    before = {k: w.detach().clone() for k, w in trainer.weights.items()}
    assert not np.isfinite(trainer.update())
    assert trainer.step == 0
    assert all(torch.equal(before[k], w) for k, w in trainer.weights.items())
