"""From an operation and what it is over to the finite table."""

from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.config import TaskConfig
from grokscope.errors import RequestError
from grokscope.harmonics.discrete_log import is_prime
from grokscope.tasks.groups import Group, make_group
from grokscope.tasks.registry import Operation, get_operation
from grokscope.tasks.table import CyclicForm, Task

MAX_MODULUS = 4096
MAX_BITS = 16

Operands = Int[ndarray, " input"]


def make_task(
    name: str,
    p: int = TaskConfig.p,
    *,
    group: str = TaskConfig.group,
    bits: int = TaskConfig.bits,
    relevant: int = TaskConfig.relevant,
    layout: str = TaskConfig.layout,
) -> Task:
    """Return the table of task `name`.

    Rows are all (a, b) that the operation allows, b running fastest. Tokens: the operands' values are the tokens
    0 .. n-1, `=` is n, `op` is n+1 where the layout has it. Parity: the bits are n tokens 0 or 1, the first bit
    changing slowest, and `=` is 2.

    Parameters
    ----------
    p
        The modulus, for operations over a modulus.
    group
        The group, for operations over a group (`make_group`).
    bits, relevant
        Number of bits and how many of them count, for parity.
    layout
        "a b =" (Nanda et al. 2023), "a op b =" (Power et al. 2022) or "a b" (Zhong et al. 2023); "a b'" and "a b' ="
        where the second operand's values are tokens of their own, n .. 2n-1, before any other.

    Raises
    ------
    RequestError
        For an unknown task, a modulus or group out of range, a composite modulus where a prime is needed, or an
        operation whose answers are not in the table.
    """
    found = get_operation(name)
    if found.over == "bits":
        return _bits_task(found, bits, relevant, layout)
    if found.over == "group":
        elements = make_group(group)
        return _binary_task(found, elements.order, elements, layout)
    return _binary_task(found, _checked_modulus(found, p), None, layout)


def task_of(config: TaskConfig) -> Task:
    """Return the table that a configuration describes."""
    return make_task(
        config.task,
        config.p,
        group=config.group,
        bits=config.bits,
        relevant=config.relevant,
        layout=config.layout,
    )


def _checked_modulus(found: Operation, p: int) -> int:
    if not 3 <= p <= MAX_MODULUS:
        raise RequestError(f"p = {p}", f"a modulus from 3 to {MAX_MODULUS}")
    if found.needs_prime and not is_prime(p):
        near = next(q for d in range(1, p) for q in (p - d, p + d) if is_prime(q))
        raise RequestError(
            f"p = {p} is composite, and {found.name} divides: not every b has an inverse",
            f"a prime modulus for {found.name}",
            f"the nearest prime is {near}",
        )
    return p


def _binary_task(found: Operation, n: int, group: Group | None, layout: str) -> Task:
    over: Any = n if group is None else group
    a, b = (side.reshape(-1) for side in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    if found.allowed is not None:
        kept = found.allowed(a, b, over)
        a, b = a[kept], b[kept]
    symbols = tuple(layout.split())
    own = n if "b'" in symbols else 0
    signs = {"=": np.full_like(a, n + own), "op": np.full_like(a, n + own + 1)}
    columns = {"a": a, "b": b, "b'": n + b, **signs}
    return Task(
        name=found.name,
        formula=found.formula if group is None else f"{found.formula} in {group.name}",
        p=n,
        inputs=np.stack([a, b], axis=1),
        tokens=np.stack([columns[symbol] for symbol in symbols], axis=1),
        answers=_checked_answers(found, found.function(a, b, over), len(a), n),
        n_classes=n,
        d_vocab=n + own + len(symbols) - 2,
        cyclic=_cyclic_form(found, over, group, a, b, own),
        group=group,
        layout=layout,
    )


def _bits_task(found: Operation, bits: int, relevant: int, layout: str) -> Task:
    if not 2 <= bits <= MAX_BITS:
        raise RequestError(f"bits = {bits}", f"2 to {MAX_BITS}")
    if not 1 <= relevant <= bits:
        raise RequestError(f"relevant = {relevant} of {bits} bits", f"1 to {bits}")
    if layout != "a b =":
        raise RequestError(
            f"layout = '{layout}' with {found.name}", "'a b =', which reads the bits and ="
        )
    rows = np.arange(2**bits)
    table = rows[:, None] >> np.arange(bits)[::-1] & 1
    answers = found.function(table, relevant)
    return Task(
        name=found.name,
        formula=f"{found.formula}, n = {bits}, k = {relevant}",
        p=2,
        inputs=table,
        tokens=np.concatenate([table, np.full((len(rows), 1), 2)], axis=1),
        answers=_checked_answers(found, answers, len(rows), 2),
        n_classes=2,
        d_vocab=3,
        cyclic=None,
        layout=" ".join([*(f"bit{i}" for i in range(bits)), "="]),
    )


def _checked_answers(found: Operation, answers: Any, n_rows: int, n_classes: int) -> Operands:
    """Return the answers of an operation, which a user may have written, as whole numbers in range."""
    array = np.asarray(answers)
    accepted = f"one whole number from 0 to {n_classes - 1} for each of {n_rows:,} rows"
    if array.shape != (n_rows,) or array.dtype.kind not in "iub":
        raise RequestError(
            f"task '{found.name}' gave {array.dtype} of shape {array.shape}", accepted
        )
    if n_rows and not (0 <= array.min() and array.max() < n_classes):
        raise RequestError(
            f"task '{found.name}' gave answers from {array.min()} to {array.max()}", accepted,
            "take them modulo p" if found.over == "modulus" else "",
        )  # fmt: skip
    return array.astype(np.int64)


def _cyclic_form(
    found: Operation, over: Any, group: Group | None, a: Operands, b: Operands, own: int
) -> CyclicForm | None:
    """Return the task in exponents; `own` is added to the second operand's values to give their tokens."""
    exponents = None if found.exponents is None else found.exponents(over)
    if exponents is None:
        return None
    of_x, of_y, of_c, n = exponents
    if n < 3:
        return None
    grid = np.full((n, n), -1, dtype=np.int64)
    inside = (of_x[a] >= 0) & (of_y[b] >= 0)
    grid[of_x[a[inside]], of_y[b[inside]]] = np.flatnonzero(inside)
    words = found.group if group is None else f"{group.name}, cyclic of order {n}"
    token_y = own + _inverse(of_y, n)
    return CyclicForm(n, _inverse(of_x, n), token_y, _inverse(of_c, n), grid, words)


def _inverse(exponent_of: Operands, n: int) -> Int[ndarray, " n"]:
    """Return the value that has each exponent."""
    value = np.full(n, -1, dtype=np.int64)
    value[exponent_of[exponent_of >= 0]] = np.flatnonzero(exponent_of >= 0)
    return value
