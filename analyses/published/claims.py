"""A published statement beside what was measured here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape


@dataclass(frozen=True)
class Claim:
    """One row of a published-against-measured table.

    Attributes
    ----------
    what
        The quantity, with its definition where that is not plain.
    published
        What the paper says, as text.
    measured
        What these runs gave, as text.
    holds
        Whether the measured value supports the published statement; None where these runs cannot tell.
    note
        Why it does not hold, or what the comparison leaves open.
    """

    what: str
    published: str
    measured: str
    holds: bool | None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return yes, no, or that it cannot be told."""
        return {True: "yes", False: "no", None: "cannot tell"}[self.holds]


HEADER = ("quantity", "published", "measured here", "agrees", "note")


def rows(claims: Iterable[Claim]) -> list[tuple[str, ...]]:
    """Return the cells of the table."""
    return [(c.what, c.published, c.measured, c.verdict, c.note) for c in claims]


def show(title: str, claims: Iterable[Claim]) -> None:
    """Print the claims one below the other, so that none is squeezed into a narrow column."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\n[bold]{escape(title)}[/bold]")
    for number, claim in enumerate(claims, start=1):
        console.print(f"\n{number}. {escape(claim.what)}")
        console.print(f"   published  {escape(claim.published)}")
        console.print(f"   measured   {escape(claim.measured)}")
        if claim.published != "-":
            note = f" ({claim.note})" if claim.note else ""
            console.print(f"   agrees     {claim.verdict}{escape(note)}")
    console.print()


def markdown(header: Sequence[str], cells: Iterable[Sequence[object]]) -> str:
    """Return the same table as Markdown."""
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )
