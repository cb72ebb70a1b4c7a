"""What can be taken away of the circuit: frequencies at the logits, at the neurons and at W_L, and sets of neurons."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from grokscope.harmonics.sum_projection import sum_directions
from grokscope.measures.ablation_terms import (
    Component,
    Part,
    Rows,
    Sum,
    added_by_neurons,
    mean_of,
    permutation,
    taken,
)
from grokscope.models.families import last_block, unembedding
from grokscope.runs.key import DEFAULT_RULE, neuron_shares
from grokscope.runs.neuron_sums import mean_neurons
from grokscope.runs.skip_logits import is_linear_after_neurons
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import N_DRAWS, NULL_SEED, mean_logits, null_sets, projections


class Neurons:
    """The neurons of some inputs, one row a neuron: a set of neurons is a few long rows; what was gathered is kept."""

    def __init__(self, neurons: Float[Tensor, "input neuron"]) -> None:
        self.neurons = neurons
        self._gathered: dict[int, tuple[Rows, Tensor]] = {}

    def __call__(self, rows: Rows, members: Int[Tensor, " member"]) -> Float[Tensor, "row member"]:
        """Return the activations of `members` for the inputs `rows`."""
        if id(rows) not in self._gathered:
            # The rows are kept beside, so that no others can come to have their id.
            self._gathered[id(rows)] = rows, self.neurons[rows].T.contiguous()
        return self._gathered[id(rows)][1][members].T


def frequency_components(snap: Snapshot) -> list[Component]:
    """Return the key frequencies at the logits, at the neurons and at W_L; the snapshot is to have some."""
    key = snap.key
    nulls = null_sets(snap, key)

    def component(name: str, part: Callable[[Snapshot, tuple[int, ...]], Part]) -> Component:
        return Component(name, part(snap, key), lambda draw: part(snap, nulls[draw]))

    found = [
        component("key frequencies at logits", _waves_of_logits),
        component("all but key frequencies at logits", _rest_of_logits),
    ]
    if not snap.has_neurons:
        return found
    found.append(_at_neurons(snap, "key frequencies at neurons", key))
    if snap.config.normalization == "none":
        found.append(component("key frequencies at W_L", _waves_of_map))
    return found + [_at_neurons(snap, f"frequency {k} at neurons", (k,)) for k in key]


def _with_outside(snap: Snapshot, table: Tensor) -> tuple[Tensor, Int[Tensor, " input"]]:
    """Return (table, index): input i has row index[i], inputs outside the group the last row, of zeros."""
    cyclic = snap.task.cyclic
    assert cyclic is not None
    index = torch.full((snap.task.n_inputs,), cyclic.n)
    index[torch.as_tensor(cyclic.rows)] = torch.as_tensor(cyclic.row_sum)
    return torch.cat([table, torch.zeros_like(table[:1])]), index


def _waves_of_logits(snap: Snapshot, key: tuple[int, ...]) -> Part:
    projected = projections(snap, (key,), mean_logits(snap, "all"))[0]
    table, index = _with_outside(snap, torch.as_tensor(projected))
    return Part("logits", lambda rows: table[index[rows]])


def _rest_of_logits(snap: Snapshot, key: tuple[int, ...]) -> Part:
    """What the constant and the waves leave; inputs outside the group have no such rest and stay as they are."""
    means = mean_logits(snap, "all")
    kept = means.mean(0) + projections(snap, (key,), means)[0]
    table, index = _with_outside(snap, torch.as_tensor(kept))
    inside = index < len(table) - 1

    def values(rows: Rows) -> Tensor:
        return (snap.answer_logits_of(rows) - table[index[rows]]) * inside[rows, None]

    return Part("logits", values)


def _waves_of_map(snap: Snapshot, key: tuple[int, ...]) -> Part:
    """The frequencies of the neuron-logit map along the answers; the stream that skips the neurons is kept."""
    cyclic = snap.task.cyclic
    assert cyclic is not None
    basis = torch.linalg.qr(torch.as_tensor(sum_directions(cyclic.n, key, constant=False)))[0]
    along = torch.as_tensor(snap.W_U) @ basis
    bias = last_block(snap.weights, snap.config).get("mlp.b_out")
    added = added_by_neurons(snap)
    to_class = torch.zeros(basis.shape[1], snap.task.n_classes, dtype=torch.float64)
    to_class[:, torch.as_tensor(cyclic.class_c)] = basis.T

    def through(added: Tensor) -> Tensor:
        plain = added if bias is None else added - bias
        return (plain.double() @ along) @ to_class

    return Part("logits", lambda rows: through(added[rows]), through(added.mean(0)))


def _at_neurons(snap: Snapshot, name: str, key: tuple[int, ...]) -> Component:
    base = snap.neurons
    nulls = null_sets(snap, snap.key, len(key))

    def edit(mode: str) -> Tensor:
        waves = projections(snap, (key,), mean_neurons(snap))[0]
        table, index = _with_outside(snap, torch.as_tensor(waves).to(base.dtype))
        kept = base - table[index]
        return kept + table[index[permutation(len(index))]] if mode == "resample" else kept

    return Component(
        name,
        _waves_of_neurons(snap, key),
        lambda draw: _waves_of_neurons(snap, nulls[draw]),
        place="mlp.hook_post",
        edit=edit,
    )


def _waves_of_neurons(snap: Snapshot, key: tuple[int, ...]) -> Part:
    """The same part for the same frequencies, which many a null has: parts that were judged need not be again."""
    known: dict[tuple[int, ...], Part] = snap.__dict__.setdefault("waves of neurons", {})
    if key not in known:
        of, means = _beyond_neurons(snap)
        table = torch.as_tensor(projections(snap, (key,), means)[0])
        table, index = _with_outside(
            snap, table if of == "logits" else table.to(snap.neurons.dtype)
        )
        known[key] = Part(of, lambda rows: table[index[rows]])
    return known[key]


def _beyond_neurons(snap: Snapshot) -> tuple[Sum, Float[ndarray, "n width"]]:
    """Return the neurons' means of each sum as far as a linear map takes them: to the logits, or the last stream."""
    if "beyond neurons" not in snap.__dict__:
        means, w, c = mean_neurons(snap), snap.weights, snap.config
        of: Sum = "end"
        if c.has_attention:
            means = means @ last_block(w, c)["mlp.W_out"].double().numpy()
        if is_linear_after_neurons(snap):
            of, means = (
                "logits",
                means @ unembedding(w, c)[:, : snap.task.n_classes].double().numpy(),
            )
        snap.__dict__["beyond neurons"] = of, means
    return snap.__dict__["beyond neurons"]


def neuron_components(snap: Snapshot) -> list[Component]:
    """Return the neurons of each key frequency, all that a frequency explains, and all others."""
    shares = np.nan_to_num(neuron_shares(snap))
    best, explained = shares.argmax(0) + 1, shares.max(0) > DEFAULT_RULE.explained
    sets = {f"neurons of frequency {k}": np.flatnonzero(explained & (best == k)) for k in snap.key}
    sets |= {
        "explained neurons": np.flatnonzero(explained),
        "unexplained neurons": np.flatnonzero(~explained),
    }
    neurons = Neurons(snap.neurons)
    return [_neuron_set(snap, neurons, *item) for item in sets.items() if len(item[1])]


def _neuron_set(snap: Snapshot, neurons: Neurons, name: str, chosen: np.ndarray) -> Component:
    base, w_out = snap.neurons, _beyond_last_neurons(snap)
    rng = np.random.default_rng(NULL_SEED)
    nulls = [rng.choice(base.shape[1], size=len(chosen), replace=False) for _ in range(N_DRAWS)]
    mean, of = mean_of(base), _beyond_neurons(snap)[0]

    def part(chosen: np.ndarray) -> Part:
        members = torch.as_tensor(chosen)
        return Part(of, lambda rows: neurons(rows, members), mean[members], w_out[members])

    def edit(mode: str) -> Tensor:
        out = base.clone()
        out[:, chosen] = taken(base[:, chosen], mode)
        return out

    return Component(
        name, part(chosen), lambda draw: part(nulls[draw]), place="mlp.hook_post", edit=edit
    )


def _beyond_last_neurons(snap: Snapshot) -> Float[Tensor, "neuron width"]:
    """Return the map from the neurons to where `_beyond_neurons` takes them; kept."""
    if "beyond last neurons" not in snap.__dict__:
        w, c = snap.weights, snap.config
        found = last_block(w, c)["mlp.W_out"]
        if is_linear_after_neurons(snap):
            w_u = unembedding(w, c)[:, : snap.task.n_classes]
            found = found @ w_u if c.has_attention else w_u
        snap.__dict__["beyond last neurons"] = found
    return snap.__dict__["beyond last neurons"]
