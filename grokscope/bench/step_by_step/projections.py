"""Restricted and excluded losses of the logits: the whole table projected on the waves of the sum, or fitted by them.

Source: Nanda et al. 2023 (arXiv 2301.05217), section 5.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.bench.step_by_step.inputs import NOTHING, Frequencies, Inputs, Numbers, losses


def projected(
    waves: Float[Tensor, "wave input"], table: Float[Tensor, "input column"]
) -> Float[Tensor, "input column"]:
    """Return the projection of every column on the waves, one direction after the other.

    As the public code does it, whose function of a direction gives the whole table of that component.
    """
    part = torch.zeros_like(table)
    for wave in waves:
        part += wave[:, None] @ (wave[None, :] @ table)
    return part


def restricted(inputs: Inputs, answers: Float[Tensor, "input class"]) -> Numbers:
    """Return the losses when the mean logits and the projection on the key waves are kept, and on one frequency's."""
    mean = answers.mean(0)

    def kept(frequencies: Frequencies) -> Float[Tensor, " input"]:
        waves = inputs.directions(frequencies)
        return losses(mean + projected(waves, answers), inputs.labels)

    return {
        "restricted_loss": inputs.over_rows(kept(inputs.key)),
        "restricted_loss_each": [float(kept((k,)).mean()) for k in inputs.frequencies],
    }


def excluded(inputs: Inputs, answers: Float[Tensor, "input class"]) -> Numbers:
    """Return the training losses when the projection over all rows on some waves is taken away.

    Those of all key frequencies, of each frequency by itself, of each random set.
    """
    train = inputs.rows["train"]
    logits, labels = answers[train], inputs.labels[train]

    def without(frequencies: Frequencies) -> float:
        part = projected(inputs.directions(frequencies), answers)
        return float(losses(logits - part[train], labels).mean())

    return {
        "excluded_loss": [without(inputs.key)],
        "excluded_loss_each": [without((k,)) for k in inputs.frequencies],
        "excluded_loss_null": [without(drawn) for drawn in inputs.null_of(inputs.key)],
    }


def held_out(
    inputs: Inputs, answers: Float[Tensor, "input class"], current: Frequencies
) -> Numbers:
    """Return the restricted losses that are fitted by least squares on the twin-free test rows, and taken there.

    Parameters
    ----------
    current
        Key frequencies of the checkpoint itself; where they are those of the run, nothing is fitted twice.
    """
    rows = inputs.rows["test_twin_free"]
    logits, labels = answers[rows], inputs.labels[rows]
    constant = torch.ones(len(rows), 1, dtype=torch.float64)

    def of(frequencies: Frequencies) -> Float[Tensor, " row"]:
        design = torch.cat([constant, inputs.directions(frequencies)[:, rows].T], dim=1)
        coefficients = torch.linalg.lstsq(design, logits).solution
        return losses(design @ coefficients, labels)

    def of_key(key: Frequencies) -> tuple[list[float], list[float], list[float]]:
        if not key or not len(rows):
            return [NOTHING], [NOTHING], [NOTHING] * inputs.n_draws
        found = of(key)
        error = found.std(correction=0) / len(rows) ** 0.5
        null = [float(of(drawn).mean()) for drawn in inputs.null_of(key)]
        return [float(found.mean())], [float(error)], null

    by_key = {key: of_key(key) for key in {inputs.key, current}}
    found: Numbers = {}
    for suffix, key in (("", inputs.key), ("_current", current)):
        loss, error, null = by_key[key]
        found |= {
            f"restricted_loss_held_out{suffix}": loss,
            f"restricted_loss_held_out{suffix}_se": error,
            f"restricted_loss_null{suffix}": null,
        }
    return found
