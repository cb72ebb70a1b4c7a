"""Which rows a foreign model trained on: given, said, identified by its losses, or not known."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float64
from numpy import ndarray

from grokscope.config import SplitConfig
from grokscope.errors import RequestError
from grokscope.models.foreign import ForeignSeries, expected_loss, identify_split
from grokscope.runs.element_orders import Order
from grokscope.tasks import Task, make_split

UNKNOWN = "give --split-seed and --frac-train"


@dataclass(frozen=True)
class FoundSplit:
    """A split, or why there is none.

    Attributes
    ----------
    fields
        Fields of SplitConfig; None where the split is not known.
    listed
        The training rows themselves, where no rule of ours draws them in the order of our elements.
    how
        How it is known, or why it is not.
    """

    fields: dict[str, Any] | None
    listed: Bool[ndarray, " input"] | None
    how: str


def find_split(
    series: ForeignSeries,
    task: Task,
    order: Order | None,
    per_row: Float64[ndarray, " input"],
    step: int | None,
    seed: int | None,
    frac: float | None,
    shuffle: str | None,
) -> FoundSplit:
    """Find the split.

    Parameters
    ----------
    order
        The file's number of each of our elements; None where they are the same.
    per_row
        Loss of every row of `task`, in our order.
    step
        Step of the last checkpoint.
    seed, frac, shuffle
        What the user says.

    Raises
    ------
    RequestError
        What the user says is no split, or contradicts the recorded losses.
    """
    recorded = _recorded(series, step)
    told = series.task
    if seed is not None and frac is not None:
        if not _is_seed(seed) or not _is_share(frac):
            raise RequestError(
                f"split_seed = {seed}, frac_train = {frac}",
                "a seed from 0 to 2^63 - 1, and a share in (0, 1]",
            )
        rule = shuffle or str(told.get("shuffle", "python"))
        found = _drawn(task, order, seed, frac, rule, "given")
        side = _contradicted(found, task, per_row, recorded)
        if side is not None:
            raise RequestError(
                f"with split seed {seed} and {frac} of the rows {side}",
                "the split that it was trained with",
                "leave --split-seed and --frac-train out to have it identified",
            )
        return found
    if series.train_inputs is not None and int(series.train_inputs.max()) < task.p:
        pairs = np.zeros((task.p, task.p), dtype=bool)
        pairs[tuple(series.train_inputs.T)] = True
        return _listed(task, order, pairs, "said by the file, which lists its training pairs")
    if _is_seed(told.get("seed")) and _is_share(told.get("frac_train")):
        rule = shuffle or str(told.get("shuffle", "python"))
        found = _drawn(task, order, told["seed"], told["frac_train"], rule, "said by the file")
        side = _contradicted(found, task, per_row, recorded)
        if side is None:
            return found
        return FoundSplit(
            None, None, f"not known: with the seed that the file says {side}; {UNKNOWN}"
        )
    train, test = recorded.get("train"), recorded.get("test")
    if train is None or test is None or task.n_inputs != task.p**2 or order is not None:
        return FoundSplit(None, None, f"not known: the file does not say; {UNKNOWN}")
    drawn = identify_split(torch.as_tensor(per_row), train, test)
    if drawn is None:
        return FoundSplit(
            None, None, f"not known: no published split fits the recorded losses; {UNKNOWN}"
        )
    how = "identified: the only published split whose losses are the recorded ones"
    return _drawn(task, None, drawn.split_seed, drawn.frac_train, "python", how)


def _recorded(series: ForeignSeries, step: int | None) -> dict[str, Any]:
    """Return the losses at the last checkpoint, by set of rows, each with its relative error."""
    found: dict[str, Any] = {}
    for side in ("train", "test"):
        if f"{side}_loss" in series.recorded:
            found[side] = series.recorded[f"{side}_loss"]
        elif side in series.losses and step is not None:
            found[side] = expected_loss(*series.losses[side], step)
    return {side: value for side, value in found.items() if value is not None}


def _drawn(
    task: Task, order: Order | None, seed: int, frac: float, shuffle: str, how: str
) -> FoundSplit:
    rule: Literal["python", "torch"] = "torch" if shuffle == "torch" else "python"
    config = SplitConfig(frac_train=frac, split_seed=seed, shuffle=rule)
    fields = {"split_seed": seed, "frac_train": frac, "shuffle": rule}
    unshuffled = how == "said by the file" and rule == "torch" and seed == 0
    if order is None and not unshuffled:
        return FoundSplit(fields, None, how)
    # Pairs stand in row order by the file's numbers, a slowest, whatever our order is.
    if unshuffled:  # their program takes seed 0 for no seed
        train = np.arange(task.p**2) < int(frac * task.p**2)
        how = f"{how}: seed 0 leaves the rows of this program unshuffled"
    else:
        train = make_split(task, config).train
    return _listed(task, order, train.reshape(task.p, task.p), how)


def _listed(task: Task, order: Order | None, pairs: Bool[ndarray, "n n"], how: str) -> FoundSplit:
    """Return a split of listed rows, from which pairs of the file's numbers train."""
    a, b = task.inputs.T
    train = pairs[a, b] if order is None else pairs[order[a], order[b]]
    fields = {"shuffle": "listed", "frac_train": float(train.mean())}
    return FoundSplit(fields, train, how)


def _contradicted(
    found: FoundSplit, task: Task, per_row: Float64[ndarray, " input"], recorded: dict[str, Any]
) -> str | None:
    """Return what is wrong with a split by the recorded losses, None where nothing is."""
    assert found.fields is not None
    split = make_split(task, SplitConfig(**found.fields), found.listed)
    for side, loss in recorded.items():
        value = float(getattr(loss, "value", loss))
        rows = split.rows(side)
        mean = float(per_row[rows].mean()) if len(rows) else None
        if mean is not None and not _agrees(mean, value):
            return f"the {side} loss is {mean:.4g}, but {value:.4g} was recorded"
    return None


def _agrees(mean: float, recorded: float) -> bool:
    return abs(math.log(max(mean, 1e-12) / max(recorded, 1e-12))) < math.log(2.0)


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 < value <= 1
