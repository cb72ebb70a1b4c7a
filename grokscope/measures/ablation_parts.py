"""What can be taken away from a snapshot: frequencies, neurons, heads, attention, MLP, skip paths."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.measures.ablation_frequencies import frequency_components, neuron_components
from grokscope.measures.ablation_terms import (
    Component,
    Edit,
    Part,
    Rows,
    Sum,
    added_by_neurons,
    mean_of,
    taken,
)
from grokscope.models.families import last_block
from grokscope.models.fast import after_attention
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import N_DRAWS, NULL_SEED


def components(snap: Snapshot) -> list[Component]:
    """Return everything that can be taken away: frequencies, neurons, heads, attention, MLP, skip paths.

    A feed-forward model has no heads, attention or skip paths.
    """
    found: list[Component] = []
    if snap.task.cyclic is not None and snap.key:
        found += frequency_components(snap)
        if snap.has_neurons:
            found += neuron_components(snap)
    if not snap.config.has_attention:
        return [*found, _whole_layer(snap)]
    return found + _head_components(snap) + _path_components(snap)


def _head_components(snap: Snapshot) -> list[Component]:
    z, n_heads = snap.activations.z, snap.config.n_heads
    w_o = last_block(snap.weights, snap.config)["attn.W_O"]

    def part(head: int) -> Part:
        return Part("middle", lambda rows: z[rows, head], z[:, head].mean(0), w_o[head])

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
    mean = mean_of(neurons)

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
        mean = mean_of(base)

        def part(turn: Tensor | None = None) -> Part:
            return Part(of, lambda rows: _rows_of(base, rows), mean, turn)

        return Component(
            name, part(), lambda draw: part(_rotation(snap, base, draw)), place=place, edit=edit
        )

    def without_attention_skip(mode: str) -> Tensor:
        # The hook edits the stream after the sum, since before it attention reads the same stream.
        return after_attention(block, config, taken(act.resid_pre, mode), act.attn_out)[0]

    def without_mlp_skip(mode: str) -> Tensor:
        total = taken(act.resid_mid, mode) + added_by_neurons(snap)
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
        added = added_by_neurons(snap)
        found += [
            component("MLP", "end", added, "hook_mlp_out", lambda mode: taken(added, mode)),
            component("MLP skip", "end", act.resid_mid, "hook_resid_post", without_mlp_skip),
        ]
    return found


def _rows_of(base: Float[Tensor, "input width"], rows: Rows) -> Float[Tensor, "row width"]:
    """Return some rows; of one row that is shown many times a view of it."""
    return base[:1].expand(len(rows), -1) if base.stride(0) == 0 else base[rows]


def _rotation(snap: Snapshot, like: Tensor, draw: int) -> Tensor:
    d = like.shape[1]

    def make() -> Tensor:
        gauss = np.random.default_rng([NULL_SEED, draw]).standard_normal((d, d))
        q, r = np.linalg.qr(gauss)
        return torch.as_tensor(q * np.sign(np.diag(r))).to(like.dtype)

    return snap.context.memo(("rotation", d, draw, like.dtype), make)
