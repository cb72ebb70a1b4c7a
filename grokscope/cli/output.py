"""What the commands print: tables by rich, JSON where a program reads."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grokscope.pipeline import Analysed


def print_json(value: Any) -> None:
    """Print `value` as JSON without NaN."""
    print(json.dumps(value, indent=2, allow_nan=False, default=str))


def say(text: object) -> None:
    """Print a line that may hold text from a run: a name, a note; nothing in it commands the terminal."""
    from grokscope.errors import printable

    print(printable(str(text)))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from grokscope.errors import printable

    # As text: rich would take [red] in a name for its own marks.
    heading = Text(printable(title)) if title else None
    # A name that does not fit is folded: cut short, it could not be typed, nor told from another.
    heads = [Column(column, overflow="fold") for column in columns]
    table = Table(*heads, title=heading, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*[Text(printable(str(cell))) for cell in row])
    Console().print(table)


def print_line(text: str) -> None:
    """Print a line of text; a terminal breaks it between words, a pipe gets it in one."""
    from rich.console import Console
    from rich.text import Text

    from grokscope.errors import printable

    console = Console()
    console.print(Text(printable(text)), soft_wrap=not console.is_terminal)


def print_analysed(found: "Analysed") -> None:
    """Print transitions, key frequencies, verdict, algorithm and the report's place."""
    looked = [t for t in found.transitions if t.low is not None or t.high is not None]
    rows = [
        (t.name, "-" if t.censored else t.when, t.note or (t.when if t.censored else ""))
        for t in looked
    ]
    if rows:
        print_table(("event", "in the steps", "note"), rows, title=str(found.run.path))
    others = [t.name for t in found.transitions if t not in looked]
    if others:
        say(f"nothing to look at for: {', '.join(others)} (transitions.json says why)")
    key = found.key
    if key is not None:
        names = ", ".join(str(k) for k in key.values.tolist()) or "none"
        what = key.attrs["long_name"].lower()
        print_line(f"{what}: {names} (rule: {key.attrs['rule']}, at the final step)")
    if found.learned and any(not t.censored for t in found.learned):
        seen = [f"{t.name.removeprefix('learned_')} {t.when}" for t in found.learned]
        print_line(
            f"learned in the order: {', '.join(seen)} (half of the final share of the logits)"
        )
    print_line(found.verdict["sentence"])
    algorithm = found.verdict["algorithm"]
    print_line(f"algorithm: {algorithm['name']}")
    print_line(algorithm["sentence"])
    say(f"report: {found.report}")
