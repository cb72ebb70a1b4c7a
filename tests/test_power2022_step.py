"""Updates of preset power2022 against the paper's description in plain torch, model and AdamW written out.

From grokscope: the initial weights, tokens, labels, and which rows are in each batch. Everything else is written here
from Power et al. 2022 (arXiv 2201.02177, appendix A.1) and, where it says nothing, from what its authors' public
trainer does: sines at even and cosines at odd columns, LayerNorm's 1e-5, decay of all weights, and a warm-up that
begins with a learning rate of 0.
"""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from grokscope.config import override
from grokscope.presets import get_preset
from grokscope.tasks import make_split
from grokscope.training.loop import Trainer
from grokscope.training.resolve import resolve

HEADS, WIDTH, OF_HEAD = 4, 128, 32
UPDATES = 12
"""Ten of warm-up, one more, and the one whose batch is made of two epochs' rows."""


def positions(dtype: torch.dtype) -> Tensor:
    """Vaswani et al. 2017, section 3.5, entry by entry."""
    table = torch.zeros(4, WIDTH, dtype=torch.float64)
    for pos in range(4):
        for column in range(WIDTH):
            angle = torch.tensor(pos / 10_000 ** (column // 2 * 2 / WIDTH), dtype=torch.float64)
            table[pos, column] = angle.cos() if column % 2 else angle.sin()
    return table.to(dtype)


def post_norm(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    mean = x.sum(-1, keepdim=True) / WIDTH
    variance = ((x - mean) ** 2).sum(-1, keepdim=True) / WIDTH
    return (x - mean) / torch.sqrt(variance + 1e-5) * gain + bias


def decoder_block(
    w: dict[str, Tensor], block: str, x: Tensor, inputs: list[Tensor] | None = None
) -> Tensor:
    """Causal attention of four heads, then ReLU neurons; each added to the stream, and the sum normalised.

    The neurons' inputs, before ReLU, are added to `inputs`.
    """
    added = torch.zeros_like(x)
    for head in range(HEADS):
        q, k, v = (x @ w[f"{block}attn.W_{part}"][head] for part in "QKV")
        scores = q @ k.transpose(1, 2) / OF_HEAD**0.5
        for position in range(4):
            scores[:, position, position + 1 :] = -torch.inf
        added = added + scores.softmax(-1) @ v @ w[f"{block}attn.W_O"][head]
    x = post_norm(x + added, w[f"{block}ln1.w"], w[f"{block}ln1.b"])
    pre = x @ w[f"{block}mlp.W_in"]
    hidden = pre.clamp(min=0)
    if inputs is not None:
        inputs.append(pre)
    return post_norm(x + hidden @ w[f"{block}mlp.W_out"], w[f"{block}ln2.w"], w[f"{block}ln2.b"])


def answer_logits(
    w: dict[str, Tensor], tokens: Tensor, inputs: list[Tensor] | None = None
) -> Tensor:
    """Return the logits after `=`, the last position, over the whole vocabulary."""
    x = w["embed.W_E"][tokens] + positions(w["embed.W_E"].dtype)
    for block in ("blocks.0.", "blocks.1."):
        x = decoder_block(w, block, x, inputs)
    return x[:, 3] @ w["unembed.W_U"]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return -logits.log_softmax(1)[torch.arange(len(labels)), labels].mean()


@dataclass
class PlainTrainer:
    """AdamW: lr 1e-3 after ten linear steps, betas .9 and .98, eps 1e-8; every weight decays."""

    w: dict[str, Tensor]
    decay: float
    t: int = 0
    m: dict[str, Tensor] = field(default_factory=dict)
    v: dict[str, Tensor] = field(default_factory=dict)

    def loss_and_gradients(self, tokens: Tensor, labels: Tensor) -> tuple[float, dict[str, Tensor]]:
        leaves = {name: w.clone().requires_grad_() for name, w in self.w.items()}
        loss = cross_entropy(answer_logits(leaves, tokens), labels)
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        return loss.item(), dict(zip(leaves, gradients, strict=True))

    def update(self, tokens: Tensor, labels: Tensor) -> tuple[float, dict[str, Tensor]]:
        loss, gradients = self.loss_and_gradients(tokens, labels)
        rate = 1e-3 * min(self.t / 10, 1.0)
        self.t += 1
        for name, g in gradients.items():
            zero = torch.zeros_like(g)
            self.m[name] = 0.9 * self.m.get(name, zero) + 0.1 * g
            self.v[name] = 0.98 * self.v.get(name, zero) + 0.02 * g**2
            mean = self.m[name] / (1 - 0.9**self.t)
            root = torch.sqrt(self.v[name] / (1 - 0.98**self.t))
            self.w[name] = self.w[name] - rate * self.decay * self.w[name]
            self.w[name] = self.w[name] - rate * mean / (root + 1e-8)
        return loss, gradients


@dataclass
class Pair:
    """The two trainers on the same rows, and the batches that were drawn.

    With `kink` above 0, rows with a neuron whose input is nearer to 0 than that are left out of both: in float32 it
    may round to either side of ReLU's kink, and then its gradient is another one, by up to 1e-4.
    """

    ours: Trainer
    plain: PlainTrainer
    tokens: Tensor
    labels: Tensor
    kink: float = 0.0
    batches: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        draw = self.ours.next_batch

        def recorded() -> Tensor:
            rows = draw()
            assert len(rows) == 512
            self.batches.append(rows[self.away_from_kinks(rows)] if self.kink else rows)
            return self.batches[-1]

        self.ours.next_batch = recorded

    def away_from_kinks(self, rows: Tensor) -> Tensor:
        inputs: list[Tensor] = []
        with torch.no_grad():
            weights = {name: w.double() for name, w in self.ours.weights.items()}
            answer_logits(weights, self.tokens[rows], inputs)
        return torch.stack([x.abs().amin((1, 2)) for x in inputs]).amin(0) > self.kink

    def update(self) -> tuple[float, float, dict[str, Tensor]]:
        """Return both losses and the plain gradients; ours are in `.grad`."""
        ours = self.ours.update()
        rows = self.batches[-1]
        theirs, gradients = self.plain.update(self.tokens[rows], self.labels[rows])
        return ours, theirs, gradients

    def put_plain_where_ours_is(self) -> None:
        state = self.ours.optimiser.state
        for name, w in self.ours.weights.items():
            self.plain.w[name] = w.detach().clone()
            self.plain.m[name] = state[w]["exp_avg"].clone()
            self.plain.v[name] = state[w]["exp_avg_sq"].clone()


def make_pair(decay: float = 1.0, kink: float = 0.0, **options) -> Pair:
    config, task = resolve(override(get_preset("power2022").config, **options))
    split = make_split(task, config.split)
    ours = Trainer(config, task, split)
    start = {name: w.detach().clone() for name, w in ours.weights.items()}
    tokens, labels = torch.as_tensor(task.tokens), torch.as_tensor(split.labels)
    return Pair(ours, PlainTrainer(start, decay), tokens, labels, kink)


def farthest(a: Tensor, b: Tensor) -> float:
    return (a.detach().double() - b.double()).abs().max().item()


def assert_one_update(pair: Pair, tolerance: float) -> None:
    """Do one update of both and compare loss, gradients and all weights."""
    ours, theirs, gradients = pair.update()
    assert ours == pytest.approx(theirs, abs=tolerance, rel=0)
    assert gradients.keys() == pair.ours.weights.keys()
    for name, w in pair.ours.weights.items():
        assert farthest(w.grad, gradients[name]) < tolerance, (name, "gradient")
        assert farthest(w, pair.plain.w[name]) < tolerance, (name, pair.plain.t)


def test_float64():
    """Else a run of the preset is not the paper's: to 1e-10 over the warm-up and into the second epoch."""
    pair = make_pair(dtype="float64", loss_dtype="float64")
    for _ in range(UPDATES):
        assert_one_update(pair, 1e-10)
    train = set(pair.ours.train_rows.tolist())
    assert len(train) == 4656
    first_epoch = torch.cat(pair.batches)[:4656].tolist()
    assert set(first_epoch) == train, "every training row once"
    found = pair.ours.metrics()
    test = sorted(set(range(9312)) - train)
    for name, rows in (("train", sorted(train)), ("test", test)):
        with torch.no_grad():
            logits = answer_logits(pair.plain.w, pair.tokens[rows])
        right = logits.argmax(1) == pair.labels[rows]
        assert found[f"accuracy_{name}"] == pytest.approx(right.double().mean().item(), abs=1e-12)
        loss = cross_entropy(logits, pair.labels[rows]).item()
        assert found[f"loss_{name}"] == pytest.approx(loss, abs=1e-10)


@pytest.mark.parametrize(
    ("decay", "options"),
    [
        (0.0, {"optimiser": "adam", "weight_decay": 0.0}),
        (1.0, {"task": "group_mul", "frac_train": 0.3}),
    ],
    ids=["Adam without decay", "S5"],
)
def test_other_settings_of_the_paper(decay, options):
    """Else figures 1 left and 4 (Adam, no weight decay) or figure 1 centre (S5) are of another training."""
    pair = make_pair(decay, dtype="float64", loss_dtype="float64", **options)
    for _ in range(3):
        assert_one_update(pair, 1e-10)


def test_float32():
    """Else the precision of the preset hides another formula: to 1e-6, each update from the same weights and moments.

    From one update to the next the two would drift apart, as any two orders of summation do: Adam divides by the size
    of the gradient, however small it is.
    """
    pair = make_pair(kink=3e-7)
    for done in range(UPDATES):
        if done:
            pair.put_plain_where_ours_is()
        assert_one_update(pair, 1e-6)
    assert min(len(rows) for rows in pair.batches) > 500
