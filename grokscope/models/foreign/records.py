"""Losses, split and settings that a foreign file recorded, and at which steps."""

import re
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import Tensor

from grokscope.models.foreign.container import MAX_STEP, STEP, Content
from grokscope.models.foreign.settings import is_number

Curve = tuple[Int64[ndarray, " _record"], Float64[ndarray, " _record"]]

MAX_ROWS = 1 << 25
"""Numbers in a list of training rows: two for each row of the largest table."""
TRAIN_ROWS = ("train_indices", "train_idx", "train_data")


def losses(content: Content) -> tuple[dict[str, Curve], tuple[str, ...]]:
    """Return the recorded loss curves with their steps.

    Notes
    -----
    A list of losses has no steps. Training losses are taken to stand at every update, from update 0
    on (the loss before the first update comes first), unless the settings give a number of epochs
    that is a multiple of their number. Test losses have the stride s for which their number is
    ceil(n_train / s); where no s fits they are left out.
    """
    curves: dict[str, Curve] = {}
    notes: list[str] = []
    train, test = (_numbers(content.recorded.get(f"{rows}_losses")) for rows in ("train", "test"))
    if train is None:
        if test is not None:
            notes.append("test losses without training losses: their steps are not told; left out")
        return curves, tuple(notes)
    stride, said = _train_stride(len(train), content.settings.get("num_epochs"))
    curves["train"] = (np.arange(len(train), dtype=np.int64) * stride, train)
    notes.append(f"{len(train)} training losses: {said}")
    if test is not None:
        each = stride_of(len(train), len(test))
        if each is None:
            notes.append(
                f"{len(test)} test losses beside {len(train)} of training fit no stride: left out"
            )
        else:
            curves["test"] = (np.arange(len(test), dtype=np.int64) * stride * each, test)
            notes.append(
                f"{len(test)} test losses: every {stride * each} updates, from the two lengths"
            )
    return curves, tuple(notes)


def stride_of(n_train: int, n_test: int) -> int | None:
    """Return the stride s with n_test = ceil(n_train / s); None where there is not exactly one.

    Where n_test divides n_train their ratio is taken, though another may fit short lists too.
    """
    if n_test < 1 or n_test > n_train:
        return None
    if n_train % n_test == 0:
        return n_train // n_test
    low = -(-n_train // n_test)
    fits = [s for s in (low, low + 1) if -(-n_train // s) == n_test]
    return fits[0] if len(fits) == 1 else None


def _train_stride(n: int, epochs: Any) -> tuple[int, str]:
    if isinstance(epochs, int) and n and MAX_STEP > epochs > n and epochs % n == 0:
        return epochs // n, f"every {epochs // n} updates, from the {epochs} epochs in the settings"
    return 1, "one before each update (assumed; the file has no steps)"


def point_losses(contents: list[tuple[int | None, Content]]) -> dict[str, Curve]:
    """Return curves from files that each record one `train_loss` and `test_loss`.

    They stand at the step of the file. The code of Nanda et al. computes them before the update and
    saves after it.
    """
    curves: dict[str, Curve] = {}
    for rows in ("train", "test"):
        points = {
            step: float(value)
            for step, content in contents
            if step is not None and is_number(value := content.recorded.get(f"{rows}_loss"))
        }
        if points:
            steps = sorted(points)
            values = np.array([points[s] for s in steps], dtype=np.float64)
            curves[rows] = (np.array(steps, dtype=np.int64), values)
    return curves


def train_inputs(content: Content, p: int | None) -> Int64[ndarray, "row 2"] | None:
    """Return the pairs (a, b) that the file says it trained on; None where it does not.

    Indices count the pairs in row order (a slowest), which needs p; lists of tokens (a, b, ...)
    stand for themselves.
    """
    value = next((content.recorded[key] for key in TRAIN_ROWS if key in content.recorded), None)
    if isinstance(value, Tensor):
        if value.is_floating_point() or value.is_complex() or value.numel() > MAX_ROWS:
            return None
        value = value.tolist()
    if not isinstance(value, list | tuple) or not value:
        return None
    try:
        rows = np.array(value, dtype=np.int64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None
    if p is not None and not 0 < p < MAX_ROWS:
        return None
    if rows.ndim == 2 and rows.shape[1] >= 2:
        pairs = rows[:, :2]
    elif rows.ndim == 1 and p is not None:
        pairs = np.stack([rows // p, rows % p], axis=1)
    else:
        return None
    inside = (pairs >= 0).all() and (p is None or (pairs < p).all())
    unique = len(np.unique(pairs, axis=0)) == len(pairs)
    return pairs if inside and unique else None


def single_step(content: Content, stem: str) -> tuple[int | None, str]:
    """Return the step of a file's only state dict, and where it was read.

    It stands in the file (`epoch`, `step`), or follows from the training losses (one for each
    update that was made), or stands in the name as `step...`, `epoch...`, or the name is a number.
    Any other number in a name is no step.
    """
    step = content.states[0][0]
    if step is not None:
        return step, f"step {step}: read from {'/'.join(STEP)} in the file"
    curves, _ = losses(content)
    if "train" in curves:
        steps = curves["train"][0]
        each = int(steps[1]) if len(steps) > 1 else 1
        step = int(steps[-1]) + each
        return step, f"step {step}: one update after the last recorded training loss"
    named = re.search(
        r"(?:^|[^a-z])(?:step|epoch|ckpt|checkpoint|iter)s?[-_=]?0*(\d+)$", stem.lower()
    )
    named = named or re.fullmatch(r"0*(\d+)", stem)
    if named and len(named[1]) <= 12:
        return int(named[1]), f"step {named[1]}: read from the file's name"
    return None, "the file does not tell its step"


def _numbers(values: Any) -> Float64[ndarray, " record"] | None:
    if isinstance(values, Tensor):
        if values.numel() > MAX_ROWS:
            return None
        values = values.flatten().tolist()
    if not isinstance(values, list | tuple) or not values:
        return None
    try:
        return np.array([float(v) for v in values], dtype=np.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
