"""A Dataset with every variable of a run, of believable shape, without any training."""

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from grokscope.transitions.transition import Transition, Transitions

ROWS = ["train", "test", "test_twin_free", "all"]
PARAMS = [
    "embed.W_E", "pos_embed.W_pos", "blocks.0.attn.W_Q", "blocks.0.attn.W_O",
    "blocks.0.mlp.W_in", "blocks.0.mlp.W_out", "unembed.W_U", "all",
]  # fmt: skip
KEYS = [3, 7, 11]
CHANCE = float(np.log(31))


def fall(step: np.ndarray, start: float, end: float, middle: float, width: float) -> np.ndarray:
    """A fall from `start` to `end` about the step `middle`, even on a logarithmic axis."""
    share = 1 / (1 + np.exp(-(step - middle) / width))
    return np.exp(np.log(start) * (1 - share) + np.log(end) * share)


def dataset(
    steps: int = 40,
    p: int = 31,
    keys: Sequence[int] = KEYS,
    neurons: int = 64,
    heads: int = 4,
    run: str = "synthetic",
) -> xr.Dataset:
    """Build the whole Dataset; `keys=()` gives one without key frequencies."""
    rng = np.random.default_rng(0)
    step = np.unique(np.linspace(0, 14000, steps).round().astype(np.int64))
    fine = np.arange(0, 14001, 20) if steps > 1 else np.array([0])
    t, freq, draws = step.astype(float), np.arange(1, p // 2 + 1), 20
    ds = xr.Dataset(
        coords={
            "step": step, "metric_step": fine, "rows": ROWS, "freq": freq, "param": PARAMS,
            "neuron": np.arange(neurons), "head": np.arange(heads), "pos": np.arange(3),
            "draw": np.arange(draws), "mode": ["zero", "mean", "resample"],
            "phase": ["cos", "sin"], "rule": ["neuron", "embedding", "logit"],
            "irrep": ["trivial", *(f"freq_{k}" for k in freq)],
            "component": COMPONENTS, "example_neuron": np.arange(0, 6),
            "a": ("input", np.repeat(np.arange(p), p)), "b": ("input", np.tile(np.arange(p), p)),
        }
    )  # fmt: skip
    ds = ds.assign_coords(
        answer=(ds["a"] + ds["b"]) % p, train=("input", (rng.random(p * p) < 0.3).astype(np.int8))
    )

    def put(name: str, dims: tuple[str, ...], values: np.ndarray, units: str, words: str) -> None:
        ds[name] = (dims, values)
        ds[name].attrs = {
            "long_name": words, "units": units,
            "formula": f"formula of {name}", "source": "Nanda et al. 2023 (arXiv 2301.05217)",
        }  # fmt: skip

    def at(s: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "train": fall(s, CHANCE, 2e-7, 300, 150),
            "test": fall(s, 9.0, 2e-7, 9500, 350),
            "test_twin_free": fall(s, 14.0, 4e-7, 9600, 350),
            "all": fall(s, 7.0, 3e-7, 9500, 350),
        }

    put("loss", ("rows", "step"), np.stack(list(at(t).values())), "nats", "cross-entropy loss")
    put("metric_loss", ("rows", "metric_step"), np.stack(list(at(fine).values())), "nats", "loss")
    ds["metric_loss"].loc[{"rows": "all"}] = np.nan
    for name, s in (("accuracy", t), ("metric_accuracy", fine.astype(float))):
        dim = "step" if name == "accuracy" else "metric_step"
        rise = 1 / (1 + np.exp(-(s - 9300) / 250))
        first = 1 / (1 + np.exp(-(s - 200) / 60))
        values = np.stack([first, 0.3 + 0.7 * rise, 0.03 + 0.97 * rise, 0.3 + 0.7 * rise])
        put(name, ("rows", dim), values, "share", "accuracy")
    held = fall(t, 6.0, 3e-7, 8200, 900)
    put("restricted_loss", ("rows", "step"), np.stack([held * 0.7] * 4), "nats", "restricted loss")
    put("restricted_loss_held_out", ("step",), held, "nats", "restricted loss, held out")
    put("restricted_loss_held_out_se", ("step",), held * 0.05, "nats", "its standard error")
    noise = 1 + 0.05 * rng.standard_normal((len(t), draws))
    put("restricted_loss_null", ("step", "draw"), 5.2 * noise, "nats", "restricted loss, random")
    excluded = fall(t, 2e-4, 6.0, 8000, 700) + at(t)["train"]
    put("excluded_loss", ("step",), excluded, "nats", "excluded loss")
    put("excluded_loss_null", ("step", "draw"),
        at(t)["train"][:, None] * (1.3 + 0.2 * noise), "nats", "excluded loss, random")  # fmt: skip
    put("excluded_loss_each", ("freq", "step"), np.tile(excluded, (len(freq), 1)), "nats", "one")
    is_key = np.isin(freq, list(keys))
    grow = 1 / (1 + np.exp(-(t - 6000) / 1500))
    spectrum = np.where(is_key[:, None], 0.4 + 3 * grow, 0.4 * (1 - 0.9 * grow))
    spectrum = spectrum * (1 + 0.1 * rng.random(spectrum.shape))
    put("embedding_spectrum", ("freq", "step"), spectrum, "", "Fourier norm of the embedding")
    put("embedding_spectrum_phase", ("phase", "freq", "step"),
        np.stack([0.8 * spectrum, 0.6 * spectrum]), "", "the same by phase")  # fmt: skip
    put("neuron_logit_spectrum", ("freq", "step"), 2 * spectrum, "", "Fourier norm of W_L")
    share = np.where(is_key[:, None], 0.25 * grow, 0.004)
    put("logit_trig_share", ("freq", "step"), share, "share", "share of logit energy")
    put("logit_trig_share_key", ("step",), share[is_key].sum(axis=0), "share", "their sum")
    choice = rng.choice(list(keys) or [1], size=neurons)
    pure = np.clip(0.1 + 0.85 * grow + 0.05 * rng.standard_normal((neurons, len(t))), 0, 1)
    pure[0] = np.nan
    best = np.tile(choice[:, None], (1, len(t)))
    best[0] = 0
    put("neuron_frequency", ("neuron", "step"), best, "", "best frequency of a neuron")
    put("neuron_fraction_explained", ("neuron", "step"), pure, "share", "share it explains")
    counts = np.stack([((best == k) & (pure > 0.85)).sum(axis=0) for k in freq])
    put("neurons_per_frequency", ("freq", "step"), counts, "count", "neurons above 0.85")
    put("neurons_explained", ("step",), counts.sum(axis=0), "count", "neurons explained")
    put("neurons_dead", ("step",), np.ones(len(t), int), "count", "neurons dead")
    put("gini_embedding", ("step",), 0.2 + 0.6 * grow, "", "Gini coefficient, W_E")
    put("gini_neuron_logit_map", ("step",), 0.3 + 0.6 * grow, "", "Gini coefficient, W_L")
    # A pizza on the first key frequency, clocks on the others; undecided where there is none.
    clock = np.where(freq == min(keys, default=0), 0.775, 0.985)
    pizza = np.where(freq == min(keys, default=0), 0.991, 0.812)
    for form, values in (("clock", clock), ("pizza", pizza)):
        put(
            f"circle_{form}_share", ("freq",), np.where(is_key, values, np.nan), "1", f"{form} form"
        )
    put("circle_symmetricity", ("step",), 0.2 + 0.3 * grow, "", "circle symmetricity")
    put("accuracy_without_key", ("rows",), np.array([0.9, 0.04, 0.02, 0.3]), "1", "without key")
    put("accuracy_of_key", ("rows",), np.full(4, 0.98), "1", "key alone")
    put("accuracy_of_key_held_out", (), np.array(0.99), "1", "key alone, held out")
    part = np.append(0.004, share[:, -1])
    for name, factor in (("embedding_share", 0.9), ("embedding_share_second", 0.8),
                         ("unembedding_share", 1.0), ("neuron_share", 1.1)):  # fmt: skip
        values = np.outer(factor * part, grow / grow[-1])
        put(name, ("irrep", "step"), values, "1", name.replace("_", " "))
    put("neuron_share_key", ("step",), np.full(len(t), 0.8), "1", "neuron share, key")
    # A prime modulus has no subgroups: these are as for a composite one.
    for operand, power in (("first", 2), ("second", 3)):
        put(f"coset_concentration_{operand}", ("neuron", "step"),
            np.tile(np.where(pure[:, :1] == 0, np.nan, rng.random((neurons, 1)) ** power), len(t)),
            "1", f"coset concentration, {operand} operand")  # fmt: skip
    put("coset_concentration_null", ("draw",), 0.7 + 0.01 * rng.random(draws), "1", "relabelled")
    put("neurons_concentrated", (), np.array(neurons - 9), "neurons", "neurons on cosets")
    put("gradient_symmetricity", ("step",), 0.2 + 0.3 * grow, "", "gradient symmetricity")
    put("distance_irrelevance", ("step",), 0.6 - 0.4 * grow, "", "distance irrelevance")
    put("circularity", ("step",), 0.2 + 0.75 * grow, "", "circularity")
    put("commutativity", ("step",), fall(t, 3, 1e-6, 9000, 500), "nats", "commutativity, KL")
    size = np.array([900, 20, 400, 450, 800, 700, 600, 3870.0])
    put("weight_norm_squared", ("param", "step"),
        size[:, None] * fall(t, 1, 0.25, 9000, 1500), "", "sum of squared weights")  # fmt: skip
    loss = rng.uniform(1e-6, 1e-3, (len(COMPONENTS), 3, 4))
    loss[:3] = rng.uniform(4, 9, (3, 3, 4))
    loss[4, 2] = np.nan
    put("ablation_loss", ("component", "mode", "rows"), loss, "nats", "loss after ablation")
    null = rng.uniform(5e-7, 3e-6, (len(COMPONENTS), 3, draws, 4))
    null[5:] = np.nan
    put("ablation_null_loss", ("component", "mode", "draw", "rows"), null, "nats", "random others")
    attend = rng.random((heads, 3, p * p))
    attend[0, 0] = np.tile(np.linspace(0, 1, p), p)
    put("attention_pattern", ("head", "pos", "input"), attend / attend.sum(1, keepdims=True),
        "share", "attention")  # fmt: skip
    w = 2 * np.pi * np.array([(list(keys) or [1])[i % max(len(keys), 1)] for i in range(6)]) / p
    wave = np.cos(np.outer(w, ds["a"].values)) + np.cos(np.outer(w, ds["b"].values))
    put("neuron_activation", ("example_neuron", "input"), np.maximum(wave, 0), "", "activation")
    put("key_frequency", ("key",), np.array(list(keys), dtype=np.int64), "", "key frequencies")
    by_rule = np.tile(is_key.astype(int), (3, 1))
    if len(keys):
        by_rule[1, min(4, len(freq) - 1)] = 1
    put("key_frequency_by_rule", ("rule", "freq"), by_rule, "", "key frequencies by rule")
    ds.attrs = {
        "run": run, "task": "mod_add", "task_formula": f"(a + b) mod {p}", "p": p, "n_classes": p,
        "n_freq": len(freq), "chance_accuracy": 1 / p, "chance_loss": float(np.log(p)),
        "n_train": 288, "n_test": 673, "n_test_twin_free": 470,
        "config": json.dumps({"task": {"task": "mod_add", "p": p}, "model": {"d_model": 128}}),
        "grokscope_version": "0.1.0", "key_rule": "neuron", "key_at": "final",
    }  # fmt: skip
    return ds


COMPONENTS = [
    "key frequencies at logits", "key frequencies at neurons", "key frequencies at W_L",
    "frequency 3 at neurons", "frequency 7 at neurons", "head 0", "head 1", "head 2", "head 3",
    "attention", "MLP", "attention skip", "MLP skip", "explained neurons",
]  # fmt: skip


def transitions() -> Transitions:
    """The events of the run above; `collapsed` and `diverged` did not happen."""

    def seen(name: str, low: int, high: int) -> Transition:
        return Transition(name, low, high, False, f"definition of {name} > 0 & < 1", "test")

    return Transitions([
        seen("memorised", 140, 160), seen("off_chance", 8300, 8320),
        seen("circuit_onset", 6820, 7179), seen("circuit_10", 7179, 7538),
        seen("circuit_half", 8256, 8615), seen("circuit_formed", 9692, 10051),
        seen("online_onset", 3590, 3949), seen("cleanup", 8615, 9300),
        seen("grokked_50", 9300, 9320), seen("grokked_90", 9800, 9820),
        seen("grokked_95", 10000, 10020), seen("grokked_99", 10500, 10520),
        Transition("collapsed", 14000, None, True, "accuracy falls below .95 again", "test"),
        Transition("diverged", None, None, True, "the loss is not finite", "train", "no metric"),
        seen("circuit_onset_current", 7000, 7359),
    ])  # fmt: skip
