"""What answers tell of a foreign model that keys, shapes and settings leave open."""

import numpy as np

from grokscope.config import ModelConfig
from grokscope.errors import RequestError
from grokscope.models.foreign import ForeignSeries
from grokscope.runs.imported_answers import NEXT_BEST, SURE, Candidate, row_losses

CLEARLY = 4.0
"""Of two architectures with the same weights, the right one has a loss this many times smaller."""
Read = tuple[str, ModelConfig, Candidate]
"""A value of the open field, the model with it, and the task it answers most."""
Chosen = tuple[str, ModelConfig, Candidate, tuple[str, ...], list[str]]
"""The same, fields that remain assumed, and notes."""


def choose(series: ForeignSeries, known: list[Read]) -> Chosen:
    """Choose among the values of a field that the file leaves open."""
    assumed = series.assumed
    notes: list[str] = []
    if len(series.open_values) < 2:
        return (*known[0], assumed, notes)
    if series.open_field == "act_fn":
        return _activation(series, known)
    losses = [
        float(row_losses(series, best.task, model, best.order).mean()) for _, model, best in known
    ]
    place = int(np.argmin(losses))
    others = [
        (loss, read[0])
        for i, (loss, read) in enumerate(zip(losses, known, strict=True))
        if i != place
    ]
    clear = all(loss >= CLEARLY * losses[place] for loss, _ in others)
    if known[place][2].share <= SURE or not clear:
        raise RequestError(
            f"{' and '.join(series.open_values)} have the same keys and shapes, and the answers do "
            "not tell which it is",
            " or ".join(series.open_values),
            "give --architecture",
        )
    rest = "".join(f", {loss:.3g} as {other}" for loss, other in sorted(others))
    notes.append(f"{known[place][0]}, told by the answers: a loss of {losses[place]:.3g}{rest}")
    return (*known[place], assumed, notes)


def _activation(series: ForeignSeries, known: list[Read]) -> Chosen:
    """Keep the assumed activation unless another answers clearly more.

    By answers, not by losses: seen on a published MLP with ReLU, its loss is smaller with squares,
    which answer all inputs too, with larger logits.
    """
    name, assumed = series.open_field, series.assumed
    ranked = sorted(known, key=lambda read: -read[2].share)
    shares = [best.share for _, _, best in ranked]
    first = next((read for read in known if read[0] == series.open_values[0]), None)
    if (
        shares[0] > SURE
        and ranked[0] is not first
        and max([*shares[1:], 0.0]) <= NEXT_BEST * shares[0]
    ):
        note = (
            f"{name} is not in the file: with {ranked[0][0]} it answers {shares[0]:.4f} of all "
            f"inputs, with any other at most {max([*shares[1:], 0.0]):.4f}"
        )
        return (*ranked[0], tuple(n for n in assumed if n != name), [note])
    kept = first or ranked[0]
    kept_note = f"{name} is not in the file: {kept[0]} is assumed"
    if shares[0] <= SURE:
        return (*kept, assumed, [kept_note])
    each = ", ".join(f"{read[0]} {read[2].share:.4f}" for read in ranked)
    note = f"share of all inputs answered by {name}: {each}; give --act-fn where it is known"
    return (*kept, assumed, [kept_note, note])
