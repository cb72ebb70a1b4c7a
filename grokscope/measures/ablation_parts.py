"""What can be taken away from a snapshot: frequencies, neurons, heads, attention, MLP, skip paths.

Everything that is taken away is one term of a sum: of the logits, or of the stream before or after the last block's
neurons. So an ablation adds a change to that sum, and only what comes after it is computed again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.harmonics.sum_projection import sum_directions
from grokscope.models.families import after_sum, last_block, unembedding
from grokscope.models.fast import after_attention, mlp_out
from grokscope.runs.key import DEFAULT_RULE, neuron_shares
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import (
    N_DRAWS,
    NULL_SEED,
    mean_logits,
    mean_neurons,
    null_sets,
    whole_table_projectors,
)

Sum = Literal["middle", "end", "logits"]
Rows = Int[Tensor, " row"]
Edit = Callable[[str], Tensor]


@dataclass(frozen=True, eq=False)
class Part:
    """A term of a sum at the answer position.

    Attributes
    ----------
    of
        Which sum: middle (resid_pre + attn_out), end (resid_mid + mlp_out), or the answers' logits.
    values
        rows -> the term for these inputs, [row, width].
    mean
        Its mean over all inputs, [width]; None where that is 0.
    turn
        A rotation of the change, [width, width]; None for none.
    """

    of: Sum
    values: Callable[[Rows], Tensor]
    mean: Tensor | None = None
    turn: Tensor | None = None

    def change(self, mode: str, here: Tensor, elsewhere: Tensor) -> Tensor:
        """Return what taking the term away adds to the sum; `elsewhere`: its values for the inputs resampled from."""
        if mode == "resample":
            change = elsewhere - here
        elif mode == "mean" and self.mean is not None:
            change = self.mean - here
        else:
            change = -here
        return change if self.turn is None else change @ self.turn


@dataclass(frozen=True, eq=False)
class Component:
    """Something that can be taken away.

    Attributes
    ----------
    name
        As in the dataset's coordinate `component`.
    part
        The term that is taken away.
    null
        draw -> the same for the null; None where there is no null.
    n_draws
        How many draws the null has.
    place, edit
        For TransformerLens hooks: the activation that is edited in the last block, and mode -> its new value for all
        inputs at the answer position; None at the logits, which no hook edits.
    """

    name: str
    part: Part
    null: Callable[[int], Part] | None
    n_draws: int = N_DRAWS
    place: str = ""
    edit: Edit | None = None


def components(snap: Snapshot) -> list[Component]:
    """Return everything that can be taken away: frequencies, neurons, heads, attention, MLP, skip paths.

    A feed-forward model has no heads, attention or skip paths.
    """
    found: list[Component] = []
    if snap.task.cyclic is not None and snap.key:
        found += _frequency_components(snap)
        if snap.has_neurons:
            found += _neuron_components(snap)
    if not snap.config.has_attention:
        return [*found, _whole_layer(snap)]
    return found + _head_components(snap) + _path_components(snap)


@torch.no_grad()
def logits_after(
    snap: Snapshot,
    of: Sum,
    change: Float[Tensor, "row width"],
    rows: Rows,
    before: Float[Tensor, "row class"] | None = None,
) -> Float[Tensor, "row class"]:
    """Return the answers' logits of `rows`, float64, after `change` was added to a sum.

    `before` are those without the change, for callers that have them.
    """
    before = snap.answer_logits_of(rows) if before is None else before
    w, c, act = snap.weights, snap.config, snap.activations
    if of == "logits":
        return before + change
    linear_from_here = c.normalization == "none" and (of == "end" or c.attn_only)
    if linear_from_here:
        through = change @ unembedding(w, c)[:, : snap.task.n_classes]
        return before + through
    if of == "middle" and not c.attn_only:
        block = last_block(w, c)
        mid, neurons = after_attention(block, c, act.resid_pre[rows], act.attn_out[rows] + change)
        assert neurons is not None
        total = mid + mlp_out(block, neurons)
    else:
        total = (act.resid_pre + act.attn_out if c.attn_only else stream_at_end(snap))[rows]
        total = total + change
    return after_sum(w, c, total)[:, : snap.task.n_classes].double()


def stream_at_end(snap: Snapshot) -> Float[Tensor, "input d_model"]:
    """Return the last block's final residual sum, before any normalisation."""
    return snap.activations.resid_mid + _added_by_neurons(snap)


def permutation(n: int) -> Int[Tensor, " input"]:
    """Return the input that each input is resampled from: one permutation, seed 0."""
    return torch.as_tensor(np.random.default_rng(NULL_SEED).permutation(n))


def taken(x: Tensor, mode: str) -> Tensor:
    """Return `x` [input, ...] taken away by `mode`."""
    if mode == "zero":
        return torch.zeros_like(x)
    if mode == "mean":
        return x.mean(0, keepdim=True).expand_as(x)
    return x[permutation(len(x))]


def _added_by_neurons(snap: Snapshot) -> Float[Tensor, "input d_model"]:
    if "added by neurons" not in snap.__dict__:
        block = last_block(snap.weights, snap.config)
        snap.__dict__["added by neurons"] = mlp_out(block, snap.neurons).detach()
    return snap.__dict__["added by neurons"]


def _frequency_components(snap: Snapshot) -> list[Component]:
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
    projected = whole_table_projectors(snap, (key,))[0] @ mean_logits(snap, "all")
    table, index = _with_outside(snap, torch.as_tensor(projected))
    return Part("logits", lambda rows: table[index[rows]])


def _rest_of_logits(snap: Snapshot, key: tuple[int, ...]) -> Part:
    """What the constant and the waves leave; inputs outside the group have no such rest and stay as they are."""
    means = mean_logits(snap, "all")
    kept = means.mean(0) + whole_table_projectors(snap, (key,))[0] @ means
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
    added = _added_by_neurons(snap)
    to_class = torch.zeros(basis.shape[1], snap.task.n_classes, dtype=torch.float64)
    to_class[:, torch.as_tensor(cyclic.class_c)] = basis.T

    def through(added: Tensor) -> Tensor:
        plain = added if bias is None else added - bias
        return (plain.double() @ along) @ to_class

    return Part("logits", lambda rows: through(added[rows]), through(added.mean(0)))


def _at_neurons(snap: Snapshot, name: str, key: tuple[int, ...]) -> Component:
    base, block = snap.neurons, last_block(snap.weights, snap.config)
    nulls = null_sets(snap, snap.key, len(key))

    def waves(chosen: tuple[int, ...]) -> Tensor:
        projected = whole_table_projectors(snap, (chosen,))[0] @ mean_neurons(snap)
        return torch.as_tensor(projected).to(base.dtype)

    def part(chosen: tuple[int, ...]) -> Part:
        table, index = _with_outside(snap, waves(chosen) @ block["mlp.W_out"])
        return Part("end", lambda rows: table[index[rows]])

    def edit(mode: str) -> Tensor:
        table, index = _with_outside(snap, waves(key))
        kept = base - table[index]
        return kept + table[index[permutation(len(index))]] if mode == "resample" else kept

    return Component(
        name, part(key), lambda draw: part(nulls[draw]), place="mlp.hook_post", edit=edit
    )


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
    base, w_out = snap.neurons, last_block(snap.weights, snap.config)["mlp.W_out"]
    rng = np.random.default_rng(NULL_SEED)
    nulls = [rng.choice(base.shape[1], size=len(chosen), replace=False) for _ in range(N_DRAWS)]
    mean = base.mean(0)

    def part(chosen: np.ndarray) -> Part:
        members = torch.as_tensor(chosen)
        through = w_out[members]
        return Part("end", lambda rows: base[rows][:, members] @ through, mean[members] @ through)

    def edit(mode: str) -> Tensor:
        out = base.clone()
        out[:, chosen] = taken(base[:, chosen], mode)
        return out

    return Component(
        name, part(chosen), lambda draw: part(nulls[draw]), place="mlp.hook_post", edit=edit
    )


def _head_components(snap: Snapshot) -> list[Component]:
    z, n_heads = snap.activations.z, snap.config.n_heads
    w_o = last_block(snap.weights, snap.config)["attn.W_O"]

    def part(head: int) -> Part:
        return Part(
            "middle", lambda rows: z[rows, head] @ w_o[head], z[:, head].mean(0) @ w_o[head]
        )

    parts = [part(head) for head in range(n_heads)]

    def component(head: int) -> Component:
        others = [parts[h] for h in range(n_heads) if h != head]

        def edit(mode: str) -> Tensor:
            out = z.clone()
            out[:, head] = taken(z[:, head], mode)
            return out

        return Component(
            f"head {head}",
            parts[head],
            others.__getitem__ if others else None,
            min(len(others), N_DRAWS),
            "attn.hook_z",
            edit,
        )

    return [component(head) for head in range(n_heads)]


def _whole_layer(snap: Snapshot) -> Component:
    """All neurons of a feed-forward model's last layer, as "MLP"; they are the whole sum that the unembedding reads."""
    neurons = snap.neurons
    mean = neurons.mean(0)

    def part(turn: Tensor | None = None) -> Part:
        return Part("end", lambda rows: neurons[rows], mean, turn)

    return Component(
        "MLP",
        part(),
        lambda draw: part(_rotation(snap, neurons, draw)),
        place="mlp.hook_post",
        edit=lambda mode: taken(neurons, mode),
    )


def _path_components(snap: Snapshot) -> list[Component]:
    act, config = snap.activations, snap.config
    block = last_block(snap.weights, config)

    def component(name: str, of: Sum, base: Tensor, place: str, edit: Edit) -> Component:
        mean = base.mean(0)

        def part(turn: Tensor | None = None) -> Part:
            return Part(of, lambda rows: base[rows], mean, turn)

        return Component(
            name, part(), lambda draw: part(_rotation(snap, base, draw)), place=place, edit=edit
        )

    def without_attention_skip(mode: str) -> Tensor:
        # The hook edits the stream after the sum, since before it attention reads the same stream.
        return after_attention(block, config, taken(act.resid_pre, mode), act.attn_out)[0]

    def without_mlp_skip(mode: str) -> Tensor:
        total = taken(act.resid_mid, mode) + _added_by_neurons(snap)
        if config.normalization == "post":
            from grokscope.models.parts import layer_norm

            total = layer_norm(total, block["ln2.w"], block["ln2.b"])[0]
        return total

    after = "hook_resid_post" if config.attn_only else "hook_resid_mid"
    found = [
        component(
            "attention",
            "middle",
            act.attn_out,
            "hook_attn_out",
            lambda mode: taken(act.attn_out, mode),
        ),
        component("attention skip", "middle", act.resid_pre, after, without_attention_skip),
    ]
    if snap.has_neurons:
        added = _added_by_neurons(snap)
        found += [
            component("MLP", "end", added, "hook_mlp_out", lambda mode: taken(added, mode)),
            component("MLP skip", "end", act.resid_mid, "hook_resid_post", without_mlp_skip),
        ]
    return found


def _rotation(snap: Snapshot, like: Tensor, draw: int) -> Tensor:
    d = like.shape[1]

    def make() -> Tensor:
        gauss = np.random.default_rng([NULL_SEED, draw]).standard_normal((d, d))
        q, r = np.linalg.qr(gauss)
        return torch.as_tensor(q * np.sign(np.diag(r))).to(like.dtype)

    return snap.context.memo(("rotation", d, draw, like.dtype), make)
