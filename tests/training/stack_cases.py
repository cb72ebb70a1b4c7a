"""Small settings of every kind that a stack can train, and how its members are made."""

from typing import Any

from grokscope.config import RunConfig, override
from grokscope.tasks import Split, Task, make_split
from grokscope.training.engine import Engine
from grokscope.training.resolve import resolve

ENGINE = Engine(threads=1)
SHAPE: dict[str, Any] = dict(
    p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.003, warmup=5
)
FEED: dict[str, Any] = dict(layout="a b", p=7, frac_train=0.6, d_mlp=12, lr=0.003, warmup=0)
# Steps small enough that rounding does not grow in a hundred of them: at ten times these, Muon, SGD and two layers part
# by 1e-3 in float32 and by 1e-10 in float64, from the same 1e-7 and 1e-16 at first.
CASES: dict[str, dict[str, Any]] = {
    "full batch": SHAPE,
    "minibatch": SHAPE | dict(batch_size=10),
    "weight noise": SHAPE | dict(weight_noise=0.01),
    "gradient noise": SHAPE | dict(gradient_noise=0.01, batch_size=10),
    "Grokfast EMA": SHAPE | dict(grokfast="ema"),
    "everything at once": SHAPE
    | dict(
        grokfast="ma",
        grokfast_window=5,
        orthogonal_gradient=True,
        constrained_norm=1.0,
        row_clip=1.0,
        update_noise=0.1,
    ),
    "Muon": SHAPE | dict(optimiser="muon", muon_lr=0.002),
    "SGD": SHAPE | dict(optimiser="sgd", momentum=0.9, lr=0.01, weight_decay=0.01),
    "coupled Adam": SHAPE | dict(optimiser="adam", weight_decay=0.1),
    "decay to the initialisation": SHAPE | dict(weight_decay_form="to_initialisation"),
    "two layers, LayerNorm before": SHAPE
    | dict(n_layers=2, normalization="pre", lr=5e-4, eps=1e-4),
    "two layers, LayerNorm after": SHAPE
    | dict(n_layers=2, normalization="post", layout="a op b =", batch_size=10),
    "no mask": SHAPE | dict(attention_mask="none"),
    "attention rate": SHAPE | dict(attention_rate=0.3),
    "squared error": SHAPE | dict(loss_function="mse"),
    "shuffled labels": SHAPE | dict(label_shuffle=True, loss_function="stablemax"),
    "MLP": FEED | dict(architecture="mlp", d_model=8),
    "one-hot MLP": FEED | dict(architecture="one_hot_mlp"),
    "shared one-hot MLP": FEED | dict(architecture="shared_one_hot_mlp", batch_size=10),
    "linear": FEED | dict(architecture="linear_delta", d_model=8),
}


def made(options: dict[str, Any], seeds: range) -> tuple[list[RunConfig], Task, list[Split]]:
    """Return resolved configurations of one setting, one for each seed, with task and splits."""
    resolved = [resolve(override(RunConfig(), **options, seed=seed)) for seed in seeds]
    configs = [config for config, _ in resolved]
    task = resolved[0][1]
    return configs, task, [make_split(task, config.split) for config in configs]
