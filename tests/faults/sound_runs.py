"""Small sound runs of many kinds: random settings, and whatever training, importing and analysing leave."""

import random
import shutil
from pathlib import Path
from typing import Any

import torch

import grokscope as gs
from grokscope.config import RunConfig, override
from grokscope.pipeline import analyse_run
from grokscope.training.engine import engine_config
from grokscope.training.loop import train_run

WIDTHS = {"d_model": 16, "n_heads": 2, "d_head": 8, "d_mlp": 24}
TASKS: tuple[dict[str, Any], ...] = (
    {"task": "mod_add", "p": 7},
    {"task": "mod_sub", "p": 11, "layout": "a op b ="},
    {"task": "group_mul", "group": "S3", "layout": "a b"},
    {"task": "group_mul", "group": "D5"},
    {"task": "mod_a2_b2", "p": 7},
    {"task": "sparse_parity", "bits": 6, "relevant": 2},
)
OPTIMISERS: tuple[dict[str, Any], ...] = (
    {"lr": 0.01},
    {"lr": 0.003, "weight_decay": 0.0},
    {"optimiser": "adam", "lr": 0.01, "weight_decay": 0.01},
    {"optimiser": "sgd", "lr": 0.1, "weight_decay": 0.0, "warmup": 0},
    {"optimiser": "sgd", "lr": 0.3, "momentum": 0.9, "weight_decay": 1e-3},
    {"optimiser": "muon", "lr": 0.003},
    {"lr": 0.3, "weight_decay": 0.1},
    {"lr": 1e-9, "weight_decay": 0.0},
    {"lr": 0.01, "loss_dtype": "float32", "weight_decay": 0.0, "init_scale": 3.0},
)
CHANGES: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {"batch_size": 16}, {"dropout": 0.1}, {"weight_noise": 0.02}, {"gradient_noise": 0.01},
    {"update_noise": 0.3}, {"grokfast": "ema"}, {"grokfast": "ma", "grokfast_window": 5},
    {"loss_function": "mse"}, {"loss_function": "stablemax"}, {"orthogonal_gradient": True}, {"constrained_norm": 1.0},
    {"row_clip": 1.0}, {"label_shuffle": True}, {"outliers": 3}, {"temperature": 0.5},
)  # fmt: skip
MODELS: tuple[dict[str, Any], ...] = (
    {}, {}, {"n_layers": 2}, {"normalization": "pre"}, {"normalization": "post", "bias_attn": True},
    {"attn_only": True}, {"act_fn": "gelu", "output_vocabulary": "answers"}, {"attention_rate": 0.3},
    {"dtype": "float64"},
)  # fmt: skip
SCHEDULES: tuple[dict[str, Any], ...] = (
    {"steps": 60, "checkpoint_every": 6, "eval_every": 4},
    {"steps": 45, "checkpoint_log": 8, "eval_every": 7},
    {"steps": 50, "checkpoint_steps": (1, 2, 3, 17), "keyframe_every": 10},
    {"steps": 40, "checkpoint_every": 1, "keyframe_every": -1, "eval_every": 3},
)
HEADS = ("n_heads", "d_head")
CURVE = [2.0 + 0.01 * step for step in range(30)]
FEEDFORWARD = ("mlp", "one_hot_mlp", "shared_one_hot_mlp", "linear_alpha", "linear_delta")


def random_config(rng: random.Random) -> RunConfig:
    """Return a small configuration with random settings of every kind."""
    seed = rng.randrange(1000)
    chosen = {"frac_train": rng.choice((0.4, 0.6, 0.8, 1.0)), **WIDTHS, **rng.choice(OPTIMISERS)}
    chosen |= rng.choice(CHANGES) | rng.choice(SCHEDULES) | {"seed": seed}
    if rng.random() < 0.3:
        chosen |= {"architecture": rng.choice(FEEDFORWARD), "layout": "a b", "dropout": 0.0}
        hidden = (*HEADS, "d_model") if "one_hot" in str(chosen["architecture"]) else HEADS
        chosen = {k: v for k, v in chosen.items() if k not in hidden}
        return override(
            RunConfig(), **chosen | rng.choice((TASKS[0], TASKS[3])) | {"layout": "a b"}
        )
    return override(RunConfig(), **chosen | rng.choice(TASKS) | rng.choice(MODELS))


def make_kinds(folder: Path) -> dict[str, Path]:
    """Return runs of different kinds, each in a folder of its own."""
    small = {"p": 7, "frac_train": 0.6, **WIDTHS, "lr": 0.01, "warmup": 0}
    schedule = {"steps": 60, "checkpoint_every": 6, "eval_every": 6}
    engine = engine_config(compile="off", threads=1)
    made: dict[str, Path] = {}

    def trained(kind: str, stop_after: int | None = None, **options: Any) -> Path:
        config = override(RunConfig(), **small | schedule | options)
        made[kind] = train_run(config, folder / kind, stop_after=stop_after, engine=engine).path
        return made[kind]

    trained("single", steps=90, keyframe_every=30)
    trained("minibatch", batch_size=8)
    trained("s3", task="group_mul", group="S3", layout="a b")
    for name in HEADS:
        small.pop(name)
    trained("mlp", architecture="mlp", layout="a b")
    small |= WIDTHS
    trained("interrupted", stop_after=33)
    trained("diverged", optimiser="sgd", lr=1e25, weight_decay=0.0)
    trained("stopped", lr=0.03, steps=400, stop_accuracy=0.01)
    gs.densify(trained("densified"), (14, 22), every=2)
    analyse_run(trained("analysed", steps=18), ["loss", "embedding_spectrum"])
    packed = gs.pack(trained("packed"), folder / "packed.zip", state=True)
    gs.unpack(packed, folder / "unpacked")
    made["unpacked"] = folder / "unpacked"
    shutil.rmtree(made.pop("packed"))
    made["imported"] = imported(folder)
    return made


def imported(folder: Path) -> Path:
    """Return a run that was imported from one file with recorded losses, of which the last are those of its weights."""
    config = override(RunConfig(), p=7, frac_train=0.9, **WIDTHS, lr=0.003, steps=100, seed=2)
    snap = train_run(config, folder / "theirs").snapshot()
    masks = {
        "blocks.0.attn.mask": torch.tril(torch.ones(3, 3)).bool(),
        "blocks.0.attn.IGNORE": torch.tensor(-1e5),
    }
    curves = {"train_losses": [*CURVE, snap.loss.train], "test_losses": [*CURVE, snap.loss.test]}
    torch.save({"model": {**snap.weights, **masks}, **curves}, folder / "theirs.pt")
    shutil.rmtree(folder / "theirs")
    return gs.import_foreign(
        folder / "theirs.pt", folder / "imported", task="mod_add", split_seed=2, frac_train=0.9
    ).path
