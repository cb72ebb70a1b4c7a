"""grokscope tasks: list the tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grokscope.cli.output import print_json, print_table
from grokscope.cli.parse import parse


@dataclass(frozen=True)
class Options:
    """List the tasks at a modulus and a group, with formula, size, symmetry and group."""

    p: int = 113
    """Modulus."""
    group: str = "S5"
    """Group: C<n>, D<n>, S3 to S6, A3 to A6, or a product such as C4xC2."""
    bits: int = 10
    """Bits of parity."""
    relevant: int = 3
    """How many of the bits count."""
    json: bool = False
    """Print as JSON."""


def main(argv: Sequence[str]) -> int:
    """Print the tasks."""
    options = parse(Options, "tasks", argv)
    from grokscope.tasks import TASKS

    rows = [_row(name, options) for name in TASKS]
    if options.json:
        print_json(rows)
        return 0
    print_table(
        ("task", "formula", "rows", "commutes", "group", "order"),
        [
            (
                r["name"],
                r["formula"].replace(" mod p", ""),
                "-" if r["size"] is None else f"{r['size']:,}",
                {True: "yes", False: "no", None: "-"}[r["commutative"]],
                r["group_name"] or "-",
                "-" if r["group_order"] is None else str(r["group_order"]),
            )
            for r in rows
        ],
        title=f"modulo p = {options.p}; over the group {options.group}; "
        f"parity of {options.relevant} of {options.bits} bits",
    )
    return 0


def _row(name: str, options: Options) -> dict[str, Any]:
    from grokscope.errors import RequestError
    from grokscope.tasks import TASKS, make_task

    found = TASKS[name]
    row: dict[str, Any] = {
        "name": name,
        "formula": found.formula,
        "over": found.over,
        "needs_prime": found.needs_prime,
        "group": found.group,
        "source": found.source,
        "p": options.p if found.over == "modulus" else None,
    }
    try:
        task = make_task(
            name,
            options.p,
            group=options.group,
            bits=options.bits,
            relevant=options.relevant,
        )
    except RequestError as error:
        if not found.needs_prime or "prime" not in str(error):
            raise
        nothing = dict.fromkeys(("size", "commutative", "group_name", "group_order"))
        return row | nothing | {"why_not": str(error)}
    group, cyclic = task.group, task.cyclic
    return row | {
        "size": task.n_inputs,
        "commutative": task.commutative,
        "group_name": group.name if group else f"C{cyclic.n}" if cyclic else None,
        "group_order": group.order if group else cyclic.n if cyclic else None,
    }
