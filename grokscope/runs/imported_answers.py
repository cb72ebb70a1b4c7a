"""What a foreign model answers: its logits, and which task's table they give, in whose numbers of the elements.

An answer is right where the last checkpoint's largest logit, among the answers, is the task's. The
model's numbers are its program's: a group may be listed in another order (`element_orders`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.errors import RequestError
from grokscope.models.families import forward
from grokscope.models.foreign import ForeignSeries
from grokscope.models.plan import make_plan
from grokscope.runs.element_orders import Order, element_orders
from grokscope.tasks import TASKS, Task, make_task

SURE = 0.5
NEXT_BEST = 0.75
"""Tasks share parts of their tables (division where b is odd): the next best answers at most this share of the best."""
LOGITS = 2**26
"""Most logits that are held at once."""

Answers = Int64[ndarray, " input"]


@dataclass(frozen=True)
class Candidate:
    """A task, the order of its elements (in words, too), and the share of its rows that the model answers."""

    task: Task
    order: Order | None
    words: str
    share: float


def identified(answers: Answers, n: int, name: str | None, layout: str) -> Candidate | None:
    """Return the one task that the model answers, None where there is none, or no clear one."""
    found: list[Candidate] = []
    tables: list[Answers] = []
    for task in _tasks(n, name, layout):
        for words, order in _orders(task):
            table = _in_their_numbers(task, order)
            # Two names of one table (S3 and D3, say) are no rivals.
            if not any(np.array_equal(table, seen) for seen in tables):
                tables.append(table)
                found.append(Candidate(task, order, words, _share(answers, table)))
    shares = sorted((c.share for c in found), reverse=True)
    best = max(found, key=lambda c: c.share, default=None)
    clear = len(shares) < 2 or shares[1] <= NEXT_BEST * shares[0]
    return best if best is not None and best.share > SURE and clear else None


def in_order(task: Task, answers: Answers) -> Candidate:
    """Return a task that is known with the order of elements that it is answered in, ours unless another is."""
    found = [
        Candidate(task, order, words, _share(answers, _in_their_numbers(task, order)))
        for words, order in _orders(task)
    ]
    ours, best = found[0], max(found, key=lambda c: c.share)
    return best if best.share > SURE and ours.share <= NEXT_BEST * best.share else ours


def answers_of(series: ForeignSeries, model: ModelConfig, square: Task) -> Answers:
    """Return the last checkpoint's answer to every pair of `square`, by the file's numbers."""
    found = [
        logits[:, : square.n_classes].argmax(1)
        for _, logits in _logits(series, model, square.tokens)
    ]
    return torch.cat(found).numpy()


def row_losses(
    series: ForeignSeries, task: Task, model: ModelConfig, order: Order | None
) -> Float64[ndarray, " input"]:
    """Return the cross-entropy of the last checkpoint on every row of `task`, in its order; float64."""
    answers = torch.as_tensor(task.answers if order is None else order[task.answers])
    tokens = task.tokens if order is None else _renumbered(task, order)
    found = []
    for rows, logits in _logits(series, model, tokens):
        right = logits.gather(1, answers[rows][:, None])[:, 0]
        found.append(torch.logsumexp(logits, 1) - right)
    return torch.cat(found).numpy()


def _tasks(n: int, name: str | None, layout: str) -> Iterator[Task]:
    for candidate, operation in TASKS.items():
        if name not in (None, candidate) or operation.over == "bits":
            continue
        try:
            if operation.over == "modulus":
                yield make_task(candidate, n, layout=layout)
            else:
                for group in _groups(n):
                    yield make_task(candidate, group=group, layout=layout)
        except RequestError:  # a composite modulus where it divides
            continue


def _groups(n: int) -> list[str]:
    """Return the groups of n elements whose elements have orders that are in use; addition is cyclic."""
    found = [f"S{k}" for k in range(3, 7) if factorial(k) == n]
    found += [f"A{k}" for k in range(4, 7) if factorial(k) == 2 * n]
    return found + ([f"D{n // 2}"] if n % 2 == 0 and 6 <= n <= 1024 else [])


def _orders(task: Task) -> list[tuple[str, Order | None]]:
    return [("", None)] if task.group is None else list(element_orders(task.group))


def _in_their_numbers(task: Task, order: Order | None) -> Answers:
    """Return the answer to every pair (a, b) by the file's numbers, -1 where the task has no such row."""
    table = np.full((task.p, task.p), -1, dtype=np.int64)
    a, b = task.inputs.T
    number = np.arange(task.p) if order is None else order
    table[number[a], number[b]] = number[task.answers]
    return table.reshape(-1)


def _share(answers: Answers, table: Answers) -> float:
    rows = table >= 0
    return float((answers[rows] == table[rows]).mean()) if rows.any() else 0.0


def _logits(
    series: ForeignSeries, model: ModelConfig, tokens: Int64[ndarray, "input pos"]
) -> Iterator[tuple[slice, Tensor]]:
    """Yield (rows, logits in float64) of the last checkpoint, as many rows at once as memory allows."""
    step = max(1, LOGITS // model.d_vocab_out)
    with torch.no_grad():
        for start in range(0, len(tokens), step):
            rows = slice(start, start + step)
            plan = make_plan(tokens[rows], model.attention_mask == "causal")
            yield rows, forward(series.checkpoints[-1].weights, model, plan).logits.double()


def _renumbered(task: Task, order: Order) -> Int64[ndarray, "input pos"]:
    number = np.arange(task.d_vocab)
    number[: task.p] = order
    if task.second_token:
        number[task.second_token : task.second_token + task.p] = task.second_token + order
    return number[task.tokens]
