"""grokscope tasks: list the tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grokscope.cli.output import print_json, print_table
from grokscope.cli.parse import parse


@dataclass(frozen=True)
class Options:
    """List the tasks at a modulus, with formula, size, symmetry and group."""

    p: int = 113
    """Modulus."""
    json: bool = False
    """Print as JSON."""


def main(argv: Sequence[str]) -> int:
    """Print the tasks."""
    options = parse(Options, "tasks", argv)
    from grokscope.errors import RequestError
    from grokscope.tasks import TASKS, make_task

    rows: list[dict[str, Any]] = []
    for name, spec in TASKS.items():
        row: dict[str, Any] = {
            "name": name,
            "formula": spec.formula,
            "needs_prime": spec.needs_prime,
            "group": spec.group,
        }
        try:
            task = make_task(name, options.p)
            row |= {
                "p": options.p,
                "size": task.n_inputs,
                "commutative": task.commutative,
                "group_order": task.cyclic.n if task.cyclic else None,
            }
        except RequestError as error:
            if not spec.needs_prime:
                raise
            row |= {
                "p": options.p,
                "size": None,
                "commutative": None,
                "group_order": None,
                "why_not": str(error),
            }
        rows.append(row)
    if options.json:
        print_json(rows)
        return 0
    table = [
        (
            r["name"],
            r["formula"],
            "-" if r["size"] is None else f"{r['size']:,}",
            {True: "yes", False: "no", None: "-"}[r["commutative"]],
            "-" if r["group_order"] is None else str(r["group_order"]),
            r["group"],
        )
        for r in rows
    ]
    print_table(
        ("task", "formula", f"rows at p = {options.p}", "commutes", "order", "group"), table
    )
    return 0
