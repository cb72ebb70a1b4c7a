"""The definitions again, written as the papers write them, on explicit arrays over all inputs, without shortcuts."""

import numpy as np


def cross_entropy(logits, labels):
    """Return ln sum exp - right, per row."""
    top = logits.max(1)
    return (
        np.log(np.exp(logits - top[:, None]).sum(1)) + top - logits[np.arange(len(logits)), labels]
    )


def directions(task, keys, constant=False):
    """Return cos w_k(x+y), sin w_k(x+y) over all inputs of the table, 0 outside the group."""
    n = task.cyclic.n
    x, y = exponents(task)
    inside = (x >= 0).astype(float)
    columns = [inside] if constant else []
    for k in keys:
        wave = 2 * np.pi * k * (x + y) / n
        columns += [np.cos(wave) * inside, np.sin(wave) * inside]
    return np.stack(columns, axis=1)


def exponents(task):
    """Return x and y of each input, -1 outside the group, by going through the operands."""
    of_x = {int(t): i for i, t in enumerate(task.cyclic.token_x)}
    of_y = {int(t): i for i, t in enumerate(task.cyclic.token_y)}
    x = np.array([of_x.get(int(a), -1) for a in task.inputs[:, 0]])
    y = np.array([of_y.get(int(b), -1) for b in task.inputs[:, 1]])
    outside = (x < 0) | (y < 0)
    return np.where(outside, -1, x), np.where(outside, -1, y)


def group_rows(task, rows):
    x, _ = exponents(task)
    return rows[x[rows] >= 0]


def fit(values, design, rows, at):
    """Return the least-squares fit of `values` on the columns of `design`, fitted on `rows`, evaluated at `at`."""
    coefficients = np.linalg.lstsq(design[rows], values[rows], rcond=1e-9)[0]
    return design[at] @ coefficients


def restricted(task, logits, labels, keys, fit_rows, at):
    """Return the cross-entropy at rows `at` of constant and key waves fitted on `fit_rows`."""
    kept = fit(logits, directions(task, keys, constant=True), fit_rows, at)
    return cross_entropy(kept, labels[at])


def excluded(task, logits, labels, keys, at):
    """Return the cross-entropy at rows `at` of the logits minus their part on the key waves over the whole group."""
    everything = group_rows(task, np.arange(len(logits)))
    part = fit(logits, directions(task, keys), everything, at)
    return cross_entropy(logits[at] - part, labels[at])


def trig_shares(task, logits):
    """Return the share of row-centred energy on cos w_k(x+y-c), over inputs and answers of the group."""
    n = task.cyclic.n
    x, y = exponents(task)
    inside = x >= 0
    table = logits[inside][:, task.cyclic.class_c]
    table = table - table.mean(1, keepdims=True)
    d = (x + y)[inside][:, None] - np.arange(n)
    waves = [np.cos(2 * np.pi * k * d / n) for k in range(1, n // 2 + 1)]
    return np.array([(table * w).sum() ** 2 / (w**2).sum() for w in waves]) / (table**2).sum()
