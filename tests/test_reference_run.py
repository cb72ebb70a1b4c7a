"""The reference run that ships with the repository, and the runs in which nothing may be found."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import grokscope as gs
from grokscope.api import configure
from grokscope.models.fast import fast_forward
from grokscope.models.initialise import initialise
from grokscope.models.plan import make_plan
from grokscope.runs.run import Run, open_run
from grokscope.training.loop import train_run
from grokscope.training.resolve import resolve

REFERENCE = Path(__file__).parents[1] / "checkpoints" / "nanda2023-seed0"
KEY = [14, 35, 41, 42, 52]


@pytest.fixture(scope="module")
def reference() -> xr.Dataset:
    """The analysed reference run."""
    return gs.analyze(REFERENCE)


def test_key_frequencies_and_neurons(reference: xr.Dataset):
    """Published: these five frequencies, 433 of 512 neurons above .85; an independent run had 426."""
    assert reference["key_frequency"].values.tolist() == KEY
    rules = reference["key_frequency_by_rule"]
    for rule in rules["rule"].values:
        assert rules["freq"].values[rules.sel(rule=rule).values > 0].tolist() == KEY
    assert 400 <= int(reference["neurons_explained"][-1]) <= 470


def test_events_in_the_published_order(reference: xr.Dataset):
    """The circuit forms thousands of steps before twin-free accuracy leaves chance; excluded loss sees it too."""
    found = gs.transitions(reference)
    order = ["memorised", "circuit_onset", "off_chance", "grokked_99"]
    for name in [*order, "online_onset", "circuit_formed", "cleanup"]:
        event = found[name]
        assert not event.censored, event
        assert event.low is not None
        assert event.low < event.high
    for earlier, later in zip(order, order[1:], strict=False):
        assert found[earlier].high <= found[later].low
    for alarm in ("circuit_onset", "online_onset"):
        assert found["off_chance"].low - found[alarm].high >= 2000
    assert found["collapsed"].censored
    assert found["diverged"].censored


def test_the_key_frequencies_are_causal(reference: xr.Dataset):
    """Without the five the model fails; without five random others it does not notice."""
    at = dict(mode="zero", rows="all")
    for site in ("key frequencies at logits", "key frequencies at neurons"):
        without = float(reference["ablation_accuracy"].sel(component=site, **at))
        null = reference["ablation_null_accuracy"].sel(component=site, **at)
        assert without < 0.2, site
        assert float(null.min()) > 0.95, site


def test_published_values(reference: xr.Dataset):
    """Trig share 95 % there, W_L of rank about 10, loss of only the key directions below the model's own."""
    last = reference.isel(step=-1)
    assert float(last["logit_trig_share_key"]) > 0.9
    assert 8 < float(last["effective_rank_neuron_logit_map"]) < 14
    assert float(last["restricted_loss"].sel(rows="all")) < float(last["loss"].sel(rows="all"))


def test_the_run_is_sound():
    """The declared checkpoints are all there, and each is what its metrics say."""
    run = open_run(REFERENCE)
    assert list(run.steps) == run.info["declared_checkpoints"]
    assert run.steps[-1] >= 14_000
    recorded = {line["step"]: line for line in run.metrics()}
    for step in run.steps[:: len(run.steps) // 5]:
        assert run.snapshot(step).loss.test == pytest.approx(recorded[step]["loss_test"], rel=1e-4)
    assert sum(f.stat().st_size for f in REFERENCE.rglob("*") if f.is_file()) < 40e6


def test_it_begins_where_the_preset_begins():
    """Step 0 is the preset's initialisation, bit for bit: it was trained by this tool from this preset."""
    run = open_run(REFERENCE)
    config, _ = resolve(configure(preset="nanda2023", seed=0))
    begun = initialise(config.model)
    assert all((run.weights(0)[name] == weight).all() for name, weight in begun.items())
    assert run.config.optimiser == config.optimiser
    assert run.config.split == config.split


def test_initial_losses_of_seed_1():
    """The published 4.776912163 is the loss on the training rows of seed 1 (all 114 classes)."""
    config, task = resolve(configure(preset="nanda2023", seed=1))
    from grokscope.tasks import make_split

    split = make_split(task, config.split)
    weights = {name: w.double() for name, w in initialise(config.model).items()}
    logits = fast_forward(weights, config.model, make_plan(task.tokens, causal=True)).logits.numpy()
    loss = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(logits)), task.answers]
    assert loss[split.rows("train")].mean() == pytest.approx(4.776912163, abs=5e-9)
    assert loss[split.rows("test")].mean() == pytest.approx(4.767726205, abs=5e-9)


NEVER = (
    "circuit_onset",
    "circuit_10",
    "circuit_half",
    "circuit_formed",
    "grokked_50",
    "grokked_99",
    "cleanup",
)


def control(out: Path, **options: object) -> Run:
    """Train a control of the demo's setting."""
    config = configure(preset="demo", **{"steps": 1500, "checkpoint_every": 100, **options})
    return train_run(config, out)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_forms_without_weight_decay(seed: int, tmp_path: Path):
    """Restricted loss falls below its null there too; only the absolute scale tells that no circuit formed."""
    ds = gs.analyze(control(tmp_path / "run", weight_decay=0.0, seed=seed))
    found = gs.transitions(ds)
    assert not found["memorised"].censored
    assert all(found[name].censored for name in NEVER), found.to_json()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_forms_on_shuffled_labels(seed: int, tmp_path: Path):
    """There is nothing to generalise: every event but memorisation is censored, no frequency matters."""
    ds = gs.analyze(control(tmp_path / "run", label_shuffle=True, label_seed=seed, seed=seed))
    found = gs.transitions(ds)
    assert not found["memorised"].censored
    assert all(found[name].censored for name in (*NEVER, "off_chance")), found.to_json()
    assert found["circuit_onset_current"].censored
    if "key frequencies at logits" in ds["component"].values:
        at = dict(component="key frequencies at logits", mode="zero", rows="train")
        null = ds["ablation_null_loss"].sel(**at)
        assert float(ds["ablation_loss"].sel(**at)) <= float(null.max())


@pytest.mark.slow
def test_the_demo_groks(tmp_path: Path):
    """The demo memorises, waits at least as long again three times over, and reaches .99."""
    run = train_run(configure(preset="demo"), tmp_path / "demo")
    found = gs.transitions(gs.analyze(run))
    assert found["grokked_99"].low >= 3 * found["memorised"].high
    assert run.snapshot().accuracy.test >= 0.99
    assert found["circuit_onset"].high <= found["off_chance"].low
