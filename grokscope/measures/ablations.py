"""Ablations: what is lost when a part is taken away, each beside a random null of the same size.

A component is a term of a sum in the last block, at the answer position; `ablation_hooks` gives the same edit as
TransformerLens hooks for the hooked model, and a test holds the two equal.

Modes. zero: the part is set to 0. mean: to its mean over all inputs. resample: to its value on another input (one
permutation of the inputs, seed 0). For a frequency the part is the projection on cos w_k(x+y), sin w_k(x+y), whose
mean is 0: mean equals zero there.

Judged on 32,768 random inputs, seed 0 (all where there are fewer): a group of 720 elements has 518,400. Nulls, 20 draws
with seed 0, on 2,048. Frequencies: as many others,
none of them key. Neurons: as many random ones. Heads: each of the other heads. Attention, MLP and skip paths: the
change d that the ablation makes becomes Qd, Q a random rotation: as much is taken away, in a direction that means
nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grokscope.errors import RequestError, nearest
from grokscope.measures.ablation_judge import Judge
from grokscope.measures.ablation_parts import components
from grokscope.measures.ablation_terms import Component, Rows
from grokscope.measures.registry import Output, measure
from grokscope.runs.blocks import MOST_ROWS, some_rows
from grokscope.runs.snapshot import RowValues, Snapshot
from grokscope.runs.sums import N_DRAWS
from grokscope.tasks import ROWS

MODES = ("zero", "mean", "resample")
NULL_INPUTS = 2048


@dataclass(frozen=True)
class Ablation:
    """What an ablation did.

    Attributes
    ----------
    component, mode
        What was taken away, and how.
    loss, accuracy
        Per set of rows, over the answers (of more than 32,768 inputs, that many random ones).
    null_loss, null_accuracy
        Shape [draw, rows]; empty where there is no null.
    """

    component: str
    mode: str
    loss: RowValues
    accuracy: RowValues
    null_loss: np.ndarray
    null_accuracy: np.ndarray

    def __repr__(self) -> str:
        left = f"loss {self.loss.all:.4g}, accuracy {self.accuracy.all:.3f}"
        draws = f"{len(self.null_loss)} null draws"
        return f"Ablation({self.component!r}, {self.mode}: {left}, {draws})"


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
    found = find_component(snap, component)
    judge = Judge(snap, judged_rows(snap), (mode,))
    loss, accuracy = judge(found.part)[0]
    drawn = np.full((found.n_draws if null and found.null else 0, 2, len(ROWS)), np.nan)
    judge = Judge(snap, null_rows(snap), (mode,))
    for draw in range(len(drawn)):
        assert found.null is not None
        drawn[draw] = judge(found.null(draw))[0]
    return Ablation(
        component, mode, RowValues(*loss), RowValues(*accuracy), drawn[:, 0], drawn[:, 1]
    )


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
    if found.edit is None:
        raise RequestError(f"'{component}' is edited at the logits", "a component inside the model")
    value = found.edit(mode)

    def hook(tensor: Tensor, hook: object) -> Tensor:
        tensor = tensor.clone()
        tensor[:, -1] = value
        return tensor

    return [(f"blocks.{snap.config.n_layers - 1}.{found.place}", hook)]


def check_mode(mode: str) -> None:
    """Raise RequestError for an unknown mode."""
    if mode not in MODES:
        raise RequestError(f"unknown mode '{mode}'", ", ".join(MODES), nearest(mode, MODES))


def component_names(snap: Snapshot) -> list[str]:
    """Return the names of everything that can be taken away from this snapshot."""
    return [c.name for c in components(snap)]


def find_component(snap: Snapshot, name: str) -> Component:
    """Return a component by name; RequestError with the nearest for an unknown one."""
    found = {c.name: c for c in components(snap)}
    if name not in found:
        raise RequestError(f"unknown component '{name}'", ", ".join(found), nearest(name, found))
    return found[name]


def judged_rows(snap: Snapshot) -> Rows:
    """Return the inputs that ablations are judged on: all, or 32,768 random ones, seed 0, where there are more."""
    return torch.as_tensor(some_rows(np.arange(snap.task.n_inputs)))


def null_rows(snap: Snapshot) -> Rows:
    """Return the inputs that the nulls are judged on: all, or 2,048 random ones, seed 0, where there are more."""
    return torch.as_tensor(some_rows(np.arange(snap.task.n_inputs), NULL_INPUTS))


_SOME = f"(of more than {MOST_ROWS:,} inputs that many random ones, seed 0)"
_WHAT = f"cross-entropy over the answers when the component is taken away {_SOME}; see `ablate`"
_NULL = (
    "20 draws, seed 0: other frequencies, random neurons, the other heads, or as much in a random direction "
    f"(of more than {NULL_INPUTS:,} inputs that many random ones)"
)


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), section 4.4 and appendix C",
    outputs={
        "ablation_loss": Output(("component", "mode", "rows"), "Loss after ablation", "nat", _WHAT),
        "ablation_accuracy": Output(
            ("component", "mode", "rows"),
            "Accuracy after ablation",
            "1",
            f"share of right answers after ablation {_SOME}",
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
    # [component, mode, (loss, accuracy), rows], and [component, draw, mode, (loss, accuracy), rows]
    here = np.full((len(parts), len(MODES), 2, len(ROWS)), np.nan)
    null = np.full((len(parts), N_DRAWS, len(MODES), 2, len(ROWS)), np.nan)
    judge, judge_null = (Judge(snap, rows(snap), MODES) for rows in (judged_rows, null_rows))
    for i, component in enumerate(parts):
        here[i] = judge(component.part)
        for draw in range(component.n_draws if component.null else 0):
            assert component.null is not None
            null[i, draw] = judge_null(component.null(draw))
    null = null.transpose(3, 0, 2, 1, 4)
    return {
        "ablation_loss": here[:, :, 0],
        "ablation_accuracy": here[:, :, 1],
        "ablation_null_loss": null[0],
        "ablation_null_accuracy": null[1],
    }
