"""The paper's quantities of one network, each by the paper's definition, in float64.

Where the text leaves a definition open, what is used is said at the row in `numbers.py`, and the other reading is
measured too where it moves the number.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from grokscope.measures.ablations import ablate
from grokscope.measures.excluded_loss import losses_without
from grokscope.runs.sums import mean_logits, null_sets, projections, sum_rows
from nanda2023_parts.model import Model

RANK_RESIDUAL = 0.0055
"""What the paper leaves of W_L: under .55 % of its norm."""
PATHS = {"attention": "attention", "attention skip": "attention skip", "MLP skip": "MLP skip"}


def quantities(model: Model) -> dict[str, float]:
    """Return every quantity by name; those of a frequency are called "NAME K", those of a direction "share cos K"."""
    found = {
        "loss": model.loss(model.logits),
        "key frequencies": float(len(model.key)),
        "neurons explained": float(model.explained.sum()),
        "neurons unexplained": float((~model.explained).sum()),
    }
    for name, component in PATHS.items():
        for mode in ("zero", "mean"):
            found[f"{name}, {mode}"] = ablate(model.snap, component, mode, null=False).loss.all
    if not model.key:
        return found
    for k in model.key:
        found[f"neurons {k}"] = float(model.members(k).sum())
        found[f"best {k}"] = float((model.best == k).sum())
    return found | map_quantities(model) | logit_quantities(model) | removed_neurons(model)


def map_quantities(model: Model) -> dict[str, float]:
    """Return what W_L is: its rank, what its ten directions leave, and what they read from the neurons."""
    energy = float(np.square(model.w_l).sum())
    kept = float(np.square(model.directions).sum())
    values = np.square(np.linalg.svd(model.w_l, compute_uv=False))
    left = np.sqrt(np.maximum(values.sum() - np.cumsum(values), 0) / energy)
    found = {
        "W_L rank": float(np.argmax(left < RANK_RESIDUAL) + 1),
        "W_L residual": 100 * float(np.sqrt(max(energy - kept, 0.0) / energy)),
        "W_L residual energy": 100 * max(energy - kept, 0.0) / energy,
        "W_L residual by rank": 100 * float(left[min(2 * len(model.key), len(left)) - 1]),
    }
    centred = model.neurons - model.neurons.mean(0)
    rows = [(k, phase) for k in model.key for phase in ("cos", "sin")]
    for (k, phase), direction in zip(rows, model.directions, strict=True):
        read = centred @ direction
        wave = getattr(np, phase)(2 * np.pi * k * model.sums / model.n)
        found[f"share {phase} {k}"] = (
            100 * float(wave @ read) ** 2 / float((wave @ wave) * (read @ read))
        )
    inside = np.linalg.svd(model.directions.T, full_matrices=False)[0]
    through = (model.neurons @ inside) @ (inside.T @ model.snap.W_L)
    rest = model.logits - model.neurons @ model.snap.W_L
    found["W_L directions kept"] = model.loss(rest + through)
    found["W_L directions removed"] = model.loss(model.logits - through)
    return found


def trig_form(model: Model) -> tuple[Float[ndarray, "input n"], Float[ndarray, " key"], float]:
    """Return sum_k alpha_k cos w_k(a + b - c), the least-squares alpha_k, and its share of the row-centred energy."""
    angle = 2 * np.pi * (model.sums[:, None] - np.arange(model.n)) / model.n
    total, alphas = np.zeros_like(model.logits), []
    for k in model.key:  # the waves are orthogonal to each other: each coefficient stands alone
        wave = np.cos(k * angle)
        alphas.append(float((wave * model.logits).sum() / np.square(wave).sum()))
        total += alphas[-1] * wave
    centred = model.logits - model.logits.mean(1, keepdims=True)
    return total, np.array(alphas), float(np.square(total).sum() / np.square(centred).sum())


def logit_quantities(model: Model) -> dict[str, float]:
    """Return losses when parts of the logits are kept or removed, and the share of the trigonometric form."""
    form, _, share = trig_form(model)
    kept = np.zeros_like(model.logits)
    for k in model.key:
        block = model.basis((k,), constant=True)
        constant = model.basis((), constant=True)
        kept += model.on_grid(model.logits, block) - model.on_grid(model.logits, constant)
    means = mean_logits(model.snap, "all")
    waves = projections(model.snap, (model.key,), means)[0]
    removed = model.logits - waves[model.sums]
    labels = model.snap.labels.numpy()
    null = [
        _accuracy(model.logits - projections(model.snap, (other,), means)[0][model.sums], labels)
        for other in null_sets(model.snap, model.key)
    ]
    return {
        "trig share": 100 * share,
        "trig loss": model.loss(form),
        "sum directions": model.loss(means.mean(0) + waves[model.sums]),
        "key components": model.loss(model.with_mean(kept)),
        "accuracy without key": _accuracy(removed, labels),
        "accuracy without random": min(null),
    }


def removed_neurons(model: Model) -> dict[str, float]:
    """Return the loss without each key frequency at the neurons, in the author's form, and that of a polynomial each.

    Each neuron of a key frequency becomes its projection on {1, cos w_k a, sin w_k a} x {1, cos w_k b, sin w_k b}; the
    others stay; the stream that skips the neurons is left out; each answer's mean logit is put back. Then the neurons
    of one frequency are left out. Beside it the loss when cos w_k(a+b) and sin w_k(a+b) alone are removed from all
    neurons and the rest stays.
    """
    parts = {}
    rest = np.ones(len(model.best), dtype=bool)
    for k in model.key:
        own = model.members(k)
        rest &= ~own
        filtered = model.on_grid(model.neurons[:, own], model.basis((k,), constant=True))
        parts[k] = filtered @ model.w_l[own]
    total = sum(parts.values()) + model.neurons[:, rest] @ model.w_l[rest]
    found = {"polynomials": model.loss(model.with_mean(total))}
    for k, part in parts.items():
        found[f"without neurons {k}"] = model.loss(model.with_mean(total - part))
        at_neurons = ablate(model.snap, f"frequency {k} at neurons", "zero", null=False)
        found[f"without waves {k}"] = at_neurons.loss.all
    return found


def losses_without_each(model: Model) -> Float[ndarray, " freq"]:
    """Return the loss on all pairs without cos w_k(a+b), sin w_k(a+b) in the logits, for every frequency k."""
    every = tuple((k,) for k in range(1, model.n // 2 + 1))
    tables = projections(model.snap, every, mean_logits(model.snap, "all"))
    at = sum_rows(model.snap, "all")
    return losses_without(tables, at, lambda rows: torch.as_tensor(model.logits[rows]))


def embedding_share(model: Model) -> float:
    """Return how much of W_E's energy, less its mean over the numbers, lies at the key frequencies."""
    table = model.snap.W_E - model.snap.W_E.mean(0)
    return float(np.square(model.basis(model.key) @ table).sum() / np.square(table).sum())


def _accuracy(logits: Float[ndarray, "input n"], labels: ndarray) -> float:
    return float((logits.argmax(1) == labels).mean())
