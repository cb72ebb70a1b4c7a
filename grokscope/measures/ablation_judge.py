"""Loss and accuracy after an ablation: what comes after the sum that changes is computed again, for many parts alike.

Without LayerNorm all maps after the neurons are linear, and so are those before them: a part passes them as a product
of weights, formed once, so that an ablation costs the loss of some logits, and the neurons where it precedes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.measures.ablation_terms import (
    Part,
    Rows,
    Sum,
    difference,
    permutation,
    stream_at_end,
)
from grokscope.models.families import after_sum, last_block, unembedding
from grokscope.models.fast import after_attention, linear, mlp_out
from grokscope.models.parts import ACTIVATIONS
from grokscope.runs.kept import cached_property
from grokscope.runs.skip_logits import is_linear_after_neurons, skip_logits
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import ROWS

ROWS_AT_ONCE = 1024
"""Rows whose logits, and neurons, the processor's caches hold."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some of the judged inputs.

    Attributes
    ----------
    rows, elsewhere
        The inputs, and those that they are resampled from.
    labels
        Shape [row, 1].
    logits
        The answers' logits before any ablation, float64.
    """

    rows: Rows
    elsewhere: Rows
    labels: Int[Tensor, "row 1"]
    logits: Float[Tensor, "row class"]


class Judge:
    """Loss and accuracy on some inputs when a part is taken away, by each mode; parts judged are remembered."""

    def __init__(self, snap: Snapshot, rows: Rows, modes: Sequence[str]) -> None:
        self.snap, self.modes = snap, modes
        self.linear = is_linear_after_neurons(snap)
        elsewhere = permutation(snap.task.n_inputs)[rows]
        self.blocks = [
            Block(part, there, snap.labels[part, None], snap.answer_logits_of(part))
            for part, there in zip(
                rows.split(ROWS_AT_ONCE), elsewhere.split(ROWS_AT_ONCE), strict=True
            )
        ]
        # Fresh memory for every intermediate result would take longer than the arithmetic.
        self.room = torch.empty(2, len(self.blocks[0].rows), snap.task.n_classes).double()
        inside = [np.isin(rows.numpy(), snap.rows(name)) for name in ROWS]
        self.groups = [torch.as_tensor(np.flatnonzero(each)) for each in inside]
        self.known: dict[Part, np.ndarray] = {}

    @torch.no_grad()
    def __call__(self, part: Part) -> np.ndarray:
        """Return [mode, (loss, accuracy), rows]; not-a-number for a set of rows that is empty."""
        if part not in self.known:
            maps = self._maps(part)
            each = torch.cat([self._of_block(part, maps, block) for block in self.blocks], dim=2)
            means = [each[:, :, group].mean(2) for group in self.groups]
            self.known[part] = torch.stack(means, dim=2).numpy()
        return self.known[part]

    def _maps(self, part: Part) -> list[Tensor | None]:
        """Return the maps that the part passes: to its sum, or with nothing but linear maps behind it beyond that."""
        if not self.linear or part.of == "logits":
            return [part.through]
        onward = [self._w_u]
        if part.of == "middle" and not self.snap.config.attn_only:
            onward.append(self._block["mlp.W_in"])
        return [w if part.through is None else part.through @ w for w in onward]

    def _of_block(
        self, part: Part, maps: list[Tensor | None], block: Block
    ) -> Float[Tensor, "mode two row"]:
        here = part.values(block.rows)
        elsewhere = part.values(block.elsewhere) if "resample" in self.modes else here
        mapped = [(_through(here, w), _through(elsewhere, w), _mean(part, w)) for w in maps]
        found: dict[str, Tensor] = {}
        for mode in self.modes:
            if mode == "mean" and part.mean is None and "zero" in found:
                found[mode] = found["zero"]
            else:
                changes = [difference(mode, *each) for each in mapped]
                logits = self._logits(part.of, changes, block)
                found[mode] = loss_and_hit(logits, block.labels, self.room[0, : len(logits)])
        return torch.stack(list(found.values()))

    def _logits(self, of: Sum, changes: list[Tensor], block: Block) -> Float[Tensor, "row class"]:
        """Return the answers' logits, float64, after the changes, as far as `_maps` takes each; used at once."""
        if len(changes) == 2:
            at_logits, at_neurons = changes
            if len(at_neurons) == 1 and not at_neurons.any():
                return block.logits
            before, skip = self._before(block)
            pre = torch.add(before, at_neurons, out=self._room_of_neurons[: len(before)])
            neurons = ACTIVATIONS[self.snap.config.act_fn](pre)
            logits = (neurons @ self._w_l).add_(skip).add_(at_logits)
            return self.room[1, : len(logits)].copy_(logits)
        if self.linear or of == "logits":
            return self.room[1, : len(block.rows)].copy_(changes[0]).add_(block.logits)
        total = _sum_after(self.snap, of, changes[0], block.rows)
        logits = after_sum(self.snap.weights, self.snap.config, total)
        return logits[:, : self.snap.task.n_classes].double()

    def _before(self, block: Block) -> tuple[Tensor, Tensor]:
        """Return the neurons' pre-activations and the logits that do not come from them; kept."""
        if block not in self._befores:
            rows, bias = block.rows, self._block.get("mlp.b_out")
            pre = linear(
                self.snap.answer.resid_mid[rows],
                self._block["mlp.W_in"],
                self._block.get("mlp.b_in"),
            )
            skip = skip_logits(self.snap, rows)
            self._befores[block] = pre, skip if bias is None else skip + bias @ self._w_u
        return self._befores[block]

    @cached_property
    def _befores(self) -> dict[Block, tuple[Tensor, Tensor]]:
        return {}

    @cached_property
    def _room_of_neurons(self) -> Float[Tensor, "row neuron"]:
        return self._w_l.new_empty(len(self.blocks[0].rows), len(self._w_l))

    @cached_property
    def _block(self) -> dict[str, Tensor]:
        return last_block(self.snap.weights, self.snap.config)

    @cached_property
    def _w_u(self) -> Float[Tensor, "width class"]:
        return unembedding(self.snap.weights, self.snap.config)[:, : self.snap.task.n_classes]

    @cached_property
    def _w_l(self) -> Float[Tensor, "neuron class"]:
        return self._block["mlp.W_out"] @ self._w_u


def loss_and_hit(
    logits: Float[Tensor, "row class"], labels: Int[Tensor, "row 1"], room: Tensor
) -> Float[Tensor, "two row"]:
    """Return each row's cross-entropy, and 1 where the first of its largest logits is the right one; float64.

    `room` is written over; it has the shape of `logits`.
    """
    top = logits.amax(1, keepdim=True)
    total = torch.sub(logits, top, out=room).exp_().sum(1)
    behind = (logits.gather(1, labels) - top)[:, 0]
    hit = behind == 0
    # Two logits that are the largest make two terms of 1: then the order decides, as it does in argmax.
    tied = torch.nonzero(hit & (total >= 2))[:, 0]
    if len(tied):
        hit[tied] = logits[tied].argmax(1) == labels[tied, 0]
    return torch.stack([total.log() - behind, hit.double()])


def _through(values: Float[Tensor, "row width"], w: Tensor | None) -> Float[Tensor, "#row onward"]:
    """Return values @ w; of one row that is shown many times one row."""
    distinct = values[:1] if values.stride(0) == 0 else values
    return distinct if w is None else distinct @ w


def _mean(part: Part, w: Tensor | None) -> Tensor | None:
    return part.mean if part.mean is None or w is None else part.mean @ w


def _sum_after(
    snap: Snapshot, of: Sum, change: Float[Tensor, "#row width"], rows: Rows
) -> Float[Tensor, "row width"]:
    """Return the last block's final residual sum, before any normalisation, after a change of one of its sums."""
    c, act = snap.config, snap.activations
    if of == "middle" and not c.attn_only:
        block = last_block(snap.weights, c)
        mid, neurons = after_attention(block, c, act.resid_pre[rows], act.attn_out[rows] + change)
        assert neurons is not None
        return mid + mlp_out(block, neurons)
    total = act.resid_pre + act.attn_out if c.attn_only else stream_at_end(snap)
    return total[rows] + change
