"""Controls: random weights, memorising networks and shuffled answers are never called an algorithm, 20 seeds each."""

import pytest
import torch

import grokscope as gs
from grokscope.config import ModelConfig
from grokscope.models.shapes import weight_shapes

SEEDS = 20
NEITHER = {"lookup", "not one of these"}
TASKS = {
    "cyclic": dict(task="mod_add", p=23),
    "S4": dict(task="group_mul", group="S4"),
}


def shape(n, attention):
    if attention:
        sizes = dict(d_model=16, n_heads=2, d_head=8, d_mlp=32, n_ctx=3, d_vocab=n + 1)
    else:
        sizes = dict(architecture="mlp", d_model=16, d_mlp=32, n_ctx=2, d_vocab=n)
    return ModelConfig(d_vocab_out=n, output_vocabulary="answers", **sizes)


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("known", [True, False])
def test_random_weights(kind, attention, known, tmp_path):
    """Else noise is an algorithm."""
    task = dict(TASKS[kind])
    n = task.get("p", 24)
    model, name = shape(n, attention), task.pop("task")
    split = dict(split_seed=0, frac_train=0.4) if known else {}
    for seed in range(SEEDS):
        generator = torch.Generator().manual_seed(seed)
        weights = {
            w: torch.randn(*size, generator=generator) * 10 ** (seed % 3 - 1)
            for w, size in weight_shapes(model).items()
        }
        out = tmp_path / f"run{seed}"
        run = gs.run_from_weights(out, name, model, weights, **task, **split)
        measures = ["accuracy", "key_functions", "irrep_neuron_shares", "restricted_loss_held_out"]
        measures += ["circle_forms", "circle_symmetricity", "logit_trig_share"]
        assert gs.identify(gs.analyze(run, measures)).name == "not one of these", seed


@pytest.mark.slow
@pytest.mark.parametrize("what", ["no weight decay", "shuffled answers"])
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("attention", [True, False])
def test_networks_that_only_memorise(what, kind, attention, tmp_path):
    """Else what a network does to remember is taken for a rule."""
    form = dict(d_model=32, d_mlp=64, lr=3e-3, steps=400, checkpoint_every=400, eval_every=50)
    form |= {} if attention else dict(architecture="mlp", layout="a b")
    control = dict(weight_decay=0.0) if what == "no weight decay" else dict(label_shuffle=True)
    for seed in range(SEEDS):
        run = gs.train(
            **TASKS[kind], **form, **control, frac_train=0.3, seed=seed, out=tmp_path / str(seed)
        )
        ds = gs.analyze(run, steps=[400])
        assert float(ds["accuracy"].sel(rows="train")[-1]) > 0.99, seed
        assert gs.identify(ds).name in NEITHER, seed
