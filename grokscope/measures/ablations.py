"""Ablations: what is lost when a part is taken away, each beside a random null of the same size.

A component is edited at one named place of the last block, at the answer position; `ablation_hooks` gives the same edit
as TransformerLens hooks for the hooked model, and a test holds the two equal.

Modes. zero: the part is set to 0. mean: to its mean over all inputs. resample: to its value on another input (one
permutation of the inputs, seed 0). For a frequency the part is the projection on cos w_k(x+y), sin w_k(x+y), whose
mean is 0: mean equals zero there.

Nulls, 20 draws with seed 0, judged on 2,048 random inputs (all where there are fewer). Frequencies: as many others, none of them key. Neurons: as many random ones. Heads: each of
the other heads. Attention, MLP and skip paths: the change d that the ablation makes becomes Qd, Q a random rotation: as much
is taken away, in a direction that means nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grokscope.errors import RequestError, nearest
from grokscope.harmonics.sum_projection import sum_directions
from grokscope.measures.registry import Output, measure
from grokscope.models.fast import after_attention, after_neurons, after_sum, last_block, mlp_out
from grokscope.runs.key import DEFAULT_RULE, neuron_shares
from grokscope.runs.snapshot import RowValues, Snapshot
from grokscope.runs.sums import (
    N_DRAWS,
    NULL_SEED,
    mean_by_sum,
    mean_logits,
    null_sets,
    whole_table_projectors,
)
from grokscope.tasks import ROWS

MODES = ("zero", "mean", "resample")
NULL_INPUTS = 2048
Rows = Tensor | slice
EVERY = slice(None)


@dataclass(frozen=True)
class Component:
    """Something that can be taken away.

    Attributes
    ----------
    name
        As in the dataset's coordinate `component`.
    place
        Where it is edited: z, attn_out, resid_pre, mlp_out, resid_mid (as it is added after the neurons), neurons, logits.
    edit
        (mode, rows) -> the place's new value for these inputs, [row, ...].
    null
        (mode, draw, rows) -> the same for the null; None where there is no null.
    n_draws
        How many draws the null has.
    """

    name: str
    place: str
    edit: Callable[[str, Rows], Tensor]
    null: Callable[[str, int, Rows], Tensor] | None
    n_draws: int = N_DRAWS


HOOKS = {
    "z": "attn.hook_z",
    "attn_out": "hook_attn_out",
    "resid_pre": "hook_resid_mid",
    "mlp_out": "hook_mlp_out",
    "resid_mid": "hook_resid_post",
    "neurons": "mlp.hook_post",
}


@torch.no_grad()
def logits_with(snap: Snapshot, place: str, value: Tensor, rows: Rows = EVERY) -> Tensor:
    """Return the answers' logits of `rows`, float64, when `place` has this value at the answer position."""
    w, c, act = snap.weights, snap.config, snap.activations
    if place == "logits":
        return value
    block = last_block(w, c)
    if place == "neurons":
        logits = after_neurons(w, c, act.resid_mid[rows], value)
    elif place in ("mlp_out", "resid_mid"):
        other = act.resid_mid[rows] if place == "mlp_out" else mlp_out(block, snap.neurons[rows])
        logits = after_sum(w, c, value + other)
    else:
        resid_pre, attn_out = act.resid_pre[rows], act.attn_out[rows]
        if place == "resid_pre":
            resid_pre = value
        else:
            attn_out = attention_out(snap, value) if place == "z" else value
        mid, neurons = after_attention(block, c, resid_pre, attn_out)
        logits = after_sum(w, c, mid) if neurons is None else after_neurons(w, c, mid, neurons)
    return logits[:, : snap.task.n_classes].double()


def attention_out(snap: Snapshot, z: Tensor) -> Tensor:
    """Return what attention adds to the stream for heads' values `z` [input, head, d_head]."""
    block = last_block(snap.weights, snap.config)
    out = z.reshape(len(z), -1) @ block["attn.W_O"].reshape(-1, snap.config.d_model)
    return out + block["attn.b_O"] if snap.config.bias_attn else out


@torch.no_grad()
def ablation_hooks(
    snap: Snapshot, component: str, mode: str = "zero"
) -> list[tuple[str, Callable]]:
    """Return the ablation as `fwd_hooks` for `snap.model.run_with_hooks(snap.tokens, fwd_hooks=...)`.

    The hooks edit the answer position of all inputs in the table's order; read the logits at the last position.

    Raises
    ------
    RequestError
        For an unknown component or mode, or a component at the logits, which no hook edits.
    """
    found = find_component(snap, component)
    check_mode(mode)
    if found.place == "logits":
        raise RequestError(f"'{component}' is edited at the logits", "a component inside the model")
    value = found.edit(mode, EVERY)
    if found.place in ("resid_pre", "resid_mid"):
        value = _stream_after(snap, found.place, value)

    def hook(tensor: Tensor, hook: object) -> Tensor:
        tensor = tensor.clone()
        tensor[:, -1] = value
        return tensor

    return [(f"blocks.{snap.config.n_layers - 1}.{HOOKS[found.place]}", hook)]


def _stream_after(snap: Snapshot, place: str, value: Tensor) -> Tensor:
    """Return the stream after the sum in which a skip path was edited: what the hook after the sum must hold."""
    block = last_block(snap.weights, snap.config)
    if place == "resid_pre":
        return after_attention(block, snap.config, value, snap.activations.attn_out)[0]
    total = value + mlp_out(block, snap.neurons)
    if snap.config.normalization == "post":
        from grokscope.models.parts import layer_norm

        total = layer_norm(total, block["ln2.w"], block["ln2.b"])[0]
    return total


@dataclass(frozen=True)
class Ablation:
    """What an ablation did.

    Attributes
    ----------
    component, mode
        What was taken away, and how.
    loss, accuracy
        Per set of rows, over the answers.
    null_loss, null_accuracy
        Shape [draw, rows]; empty where there is no null.
    """

    component: str
    mode: str
    loss: RowValues
    accuracy: RowValues
    null_loss: np.ndarray
    null_accuracy: np.ndarray


def ablate(snap: Snapshot, component: str, mode: str = "zero", null: bool = True) -> Ablation:
    """Take a component away and return loss and accuracy, beside the same for random ones.

    Parameters
    ----------
    component
        A name of `component_names(snap)`, for example "key frequencies at neurons" or "head 0".
    mode
        zero, mean or resample.
    null
        Whether to draw the null.

    Raises
    ------
    RequestError
        For an unknown component or mode, with the nearest name.
    """
    check_mode(mode)
    return _ablate(snap, find_component(snap, component), mode, null)


def check_mode(mode: str) -> None:
    """Raise RequestError for an unknown mode."""
    if mode not in MODES:
        raise RequestError(f"unknown mode '{mode}'", ", ".join(MODES), nearest(mode, MODES))


@torch.no_grad()
def _ablate(snap: Snapshot, component: Component, mode: str, null: bool) -> Ablation:
    place = component.place
    loss, accuracy = _judge(snap, logits_with(snap, place, component.edit(mode, EVERY)), EVERY)
    null_loss, null_accuracy = [], []
    if null and component.null is not None:
        rows = _null_rows(snap)
        for draw in range(component.n_draws):
            judged = _judge(
                snap, logits_with(snap, place, component.null(mode, draw, rows), rows), rows
            )
            null_loss.append(judged[0].array())
            null_accuracy.append(judged[1].array())
    return Ablation(
        component.name,
        mode,
        loss,
        accuracy,
        np.array(null_loss).reshape(-1, len(ROWS)),
        np.array(null_accuracy).reshape(-1, len(ROWS)),
    )


def _null_rows(snap: Snapshot) -> Rows:
    n = snap.task.n_inputs
    if n <= NULL_INPUTS:
        return EVERY
    rng = np.random.default_rng(NULL_SEED)
    return torch.as_tensor(np.sort(rng.choice(n, size=NULL_INPUTS, replace=False)))


def _judge(snap: Snapshot, logits: Tensor, rows: Rows) -> tuple[RowValues, RowValues]:
    labels = snap.labels[rows]
    loss, right = snap.answer_logits.new_full((2, snap.task.n_inputs), torch.nan)
    loss[rows] = torch.logsumexp(logits, 1) - logits.gather(1, labels[:, None])[:, 0]
    right[rows] = (logits.argmax(1) == labels).double()
    return snap.mean_over_rows(loss), snap.mean_over_rows(right)


def component_names(snap: Snapshot) -> list[str]:
    """Return the names of everything that can be taken away from this snapshot."""
    return [c.name for c in components(snap)]


def find_component(snap: Snapshot, name: str) -> Component:
    """Return a component by name; RequestError with the nearest for an unknown one."""
    found = {c.name: c for c in components(snap)}
    if name not in found:
        raise RequestError(f"unknown component '{name}'", ", ".join(found), nearest(name, found))
    return found[name]


def components(snap: Snapshot) -> list[Component]:
    """Return everything that can be taken away: frequencies, neurons, heads, attention, MLP, skip paths."""
    found: list[Component] = []
    if snap.task.cyclic is not None and snap.key:
        found += _frequency_components(snap)
        if snap.has_neurons:
            found += _neuron_components(snap)
    return found + _head_components(snap) + _path_components(snap)


def _frequency_components(snap: Snapshot) -> list[Component]:
    key = snap.key
    found = [
        _at_logits(snap, "key frequencies at logits", key, keep=False),
        _at_logits(snap, "all but key frequencies at logits", key, keep=True),
    ]
    if not snap.has_neurons:
        return found
    found.append(_at_neurons(snap, "key frequencies at neurons", key))
    if snap.config.normalization == "none":
        found.append(_at_map(snap, "key frequencies at W_L", key))
    return found + [_at_neurons(snap, f"frequency {k} at neurons", (k,)) for k in key]


def _part_of_sum(
    snap: Snapshot, means: np.ndarray, key: tuple[int, ...], dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return (table, index): the functions of the sum at `key` of the means per sum; input i has row index[i].

    Inputs outside the group have the last row, of zeros.
    """
    cyclic = snap.task.cyclic
    assert cyclic is not None
    table = torch.as_tensor(whole_table_projectors(snap, (key,))[0] @ means).to(dtype)
    index = torch.full((snap.task.n_inputs,), cyclic.n)
    index[torch.as_tensor(cyclic.rows)] = torch.as_tensor(cyclic.row_sum)
    return torch.cat([table, torch.zeros_like(table[:1])]), index


def _change_of_part(table: Tensor, index: Tensor, mode: str, rows: Rows) -> Tensor:
    """Return what taking the part away adds: minus the part, and another input's where resampled."""
    change = -table[index[rows]]
    if mode == "resample":
        change += table[index[_permutation(len(index))[rows]]]
    return change


def _at_logits(snap: Snapshot, name: str, key: tuple[int, ...], keep: bool) -> Component:
    base, means = snap.answer_logits, mean_logits(snap, "all")

    def edit(mode: str, rows: Rows, chosen: tuple[int, ...] = key) -> Tensor:
        table, index = _part_of_sum(snap, means, chosen, torch.float64)
        if not keep:
            return base[rows] + _change_of_part(table, index, mode, rows)
        constant = torch.as_tensor(means.mean(0))
        kept = constant + table[index[rows]]
        if mode != "resample":
            return kept
        other = _permutation(len(base))[rows]
        return kept + base[other] - constant - table[index[other]]

    nulls = null_sets(snap, key)
    return Component(name, "logits", edit, lambda mode, draw, rows: edit(mode, rows, nulls[draw]))


def _at_neurons(snap: Snapshot, name: str, key: tuple[int, ...]) -> Component:
    base = snap.neurons
    if "neuron means" not in snap.__dict__:
        snap.__dict__["neuron means"] = mean_by_sum(snap, base.double().numpy(), "all")
    means = snap.__dict__["neuron means"]
    nulls = null_sets(snap, snap.key, len(key))

    def edit(mode: str, rows: Rows, chosen: tuple[int, ...] = key) -> Tensor:
        table, index = _part_of_sum(snap, means, chosen, base.dtype)
        return base[rows] + _change_of_part(table, index, mode, rows)

    return Component(name, "neurons", edit, lambda mode, draw, rows: edit(mode, rows, nulls[draw]))


def _at_map(snap: Snapshot, name: str, key: tuple[int, ...]) -> Component:
    """The frequencies of the neuron-logit map along the answers; the stream that skips the neurons is kept."""
    cyclic = snap.task.cyclic
    assert cyclic is not None
    classes = torch.as_tensor(cyclic.class_c)
    through = snap.neurons.double() @ torch.as_tensor(snap.W_L)
    nulls = null_sets(snap, key)

    def edit(mode: str, rows: Rows, chosen: tuple[int, ...] = key) -> Tensor:
        basis = torch.linalg.qr(torch.as_tensor(sum_directions(cyclic.n, chosen, constant=False)))[
            0
        ]
        coefficients = through @ basis
        change = (_taken(coefficients, mode, rows) - coefficients[rows]) @ basis.T
        out = snap.answer_logits[rows].clone()
        out[:, classes] += change
        return out

    return Component(name, "logits", edit, lambda mode, draw, rows: edit(mode, rows, nulls[draw]))


def _neuron_components(snap: Snapshot) -> list[Component]:
    shares = np.nan_to_num(neuron_shares(snap))
    best, explained = shares.argmax(0) + 1, shares.max(0) > DEFAULT_RULE.explained
    sets = {f"neurons of frequency {k}": np.flatnonzero(explained & (best == k)) for k in snap.key}
    sets |= {
        "explained neurons": np.flatnonzero(explained),
        "unexplained neurons": np.flatnonzero(~explained),
    }
    return [_neuron_set(snap, name, chosen) for name, chosen in sets.items() if len(chosen)]


def _neuron_set(snap: Snapshot, name: str, chosen: np.ndarray) -> Component:
    base = snap.neurons
    rng = np.random.default_rng(NULL_SEED)
    nulls = [rng.choice(base.shape[1], size=len(chosen), replace=False) for _ in range(N_DRAWS)]

    def edit(mode: str, rows: Rows, members: np.ndarray = chosen) -> Tensor:
        out = base[rows].clone()
        out[:, members] = _taken(base[:, members], mode, rows)
        return out

    return Component(name, "neurons", edit, lambda mode, draw, rows: edit(mode, rows, nulls[draw]))


def _head_components(snap: Snapshot) -> list[Component]:
    base, n_heads = snap.activations.z, snap.config.n_heads

    def edit(head: int, mode: str, rows: Rows) -> Tensor:
        out = base[rows].clone()
        out[:, head] = _taken(base[:, head], mode, rows)
        return out

    def component(head: int) -> Component:
        others = [h for h in range(n_heads) if h != head]
        null = (lambda mode, draw, rows: edit(others[draw], mode, rows)) if others else None
        n_draws = min(len(others), N_DRAWS)
        return Component(
            f"head {head}", "z", lambda mode, rows: edit(head, mode, rows), null, n_draws
        )

    return [component(head) for head in range(n_heads)]


def _path_components(snap: Snapshot) -> list[Component]:
    act = snap.activations
    parts: list[tuple[str, str, Tensor]] = [
        ("attention", "attn_out", act.attn_out),
        ("attention skip", "resid_pre", act.resid_pre),
    ]
    if snap.has_neurons:
        added = mlp_out(last_block(snap.weights, snap.config), snap.neurons).detach()
        parts += [("MLP", "mlp_out", added), ("MLP skip", "resid_mid", act.resid_mid)]

    def component(name: str, place: str, base: Tensor) -> Component:
        def null(mode: str, draw: int, rows: Rows) -> Tensor:
            here = base[rows]
            return here + (_taken(base, mode, rows) - here) @ _rotation(base, draw)

        return Component(name, place, lambda mode, rows: _taken(base, mode, rows), null)

    return [component(*part) for part in parts]


def _taken(x: Tensor, mode: str, rows: Rows) -> Tensor:
    """Return `x` [input, ...] taken away by `mode`, at `rows`."""
    here = x[rows]
    if mode == "zero":
        return torch.zeros_like(here)
    if mode == "mean":
        return x.mean(0, keepdim=True).expand_as(here)
    return x[_permutation(len(x))[rows]]


def _permutation(n: int) -> Tensor:
    return torch.as_tensor(np.random.default_rng(NULL_SEED).permutation(n))


def _rotation(like: Tensor, draw: int) -> Tensor:
    d = like.shape[1]
    gauss = np.random.default_rng([NULL_SEED, draw]).standard_normal((d, d))
    q, r = np.linalg.qr(gauss)
    return torch.as_tensor(q * np.sign(np.diag(r))).to(like.dtype)


_WHAT = "cross-entropy over the answers when the component is taken away; see `ablate`"
_NULL = "20 draws, seed 0: other frequencies, random neurons, the other heads, or as much in a random direction"


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), section 4.4 and appendix C",
    outputs={
        "ablation_loss": Output(("component", "mode", "rows"), "Loss after ablation", "nat", _WHAT),
        "ablation_accuracy": Output(
            ("component", "mode", "rows"),
            "Accuracy after ablation",
            "1",
            "share of right answers after ablation",
        ),
        "ablation_null_loss": Output(
            ("component", "mode", "draw", "rows"),
            "Loss after a random ablation of the same size",
            "nat",
            _NULL,
        ),
        "ablation_null_accuracy": Output(
            ("component", "mode", "draw", "rows"),
            "Accuracy after a random ablation of the same size",
            "1",
            _NULL,
        ),
    },
    reads=("activations", "test labels"),
    causal=False,
    at="final",
    builtin=True,
)
def ablations(snap: Snapshot) -> dict[str, np.ndarray]:
    """Loss and accuracy without each frequency, neuron cluster, head and path, beside random ones of the same size."""
    parts = components(snap)
    shape = (len(parts), len(MODES), len(ROWS))
    null_shape = (len(parts), len(MODES), N_DRAWS, len(ROWS))
    loss, accuracy = np.full(shape, np.nan), np.full(shape, np.nan)
    null_loss, null_accuracy = np.full(null_shape, np.nan), np.full(null_shape, np.nan)
    for i, part in enumerate(parts):
        for j, mode in enumerate(MODES):
            found = _ablate(snap, part, mode, null=True)
            loss[i, j], accuracy[i, j] = found.loss.array(), found.accuracy.array()
            n = len(found.null_loss)
            null_loss[i, j, :n], null_accuracy[i, j, :n] = found.null_loss, found.null_accuracy
    return {
        "ablation_loss": loss,
        "ablation_accuracy": accuracy,
        "ablation_null_loss": null_loss,
        "ablation_null_accuracy": null_accuracy,
    }
