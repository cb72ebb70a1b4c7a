"""The page that a script writes: tables of published against measured, as Markdown and as CSV."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grokscope.files import write_text
from published.claims import markdown

STEM = "published-vs-measured"


@dataclass(frozen=True)
class Table:
    """One table of the page.

    Attributes
    ----------
    name
        A word for its file.
    title
        Its heading.
    header, rows
        Its cells, as text.
    note
        What a reader must know, below it.
    """

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def write_page(folder: Path, title: str, tables: Sequence[Table], notes: Sequence[str]) -> Path:
    """Write published-vs-measured.md, and each table as published-vs-measured-NAME.csv; return the page.

    Parameters
    ----------
    folder
        Where to.
    title
        The page's heading.
    tables
        In their order.
    notes
        What is missing, one line each: partial results are shown as such.
    """
    parts = [f"# {title}", *(f"- {note}" for note in notes)]
    for table in tables:
        parts += [f"## {table.title}", markdown(table.header, table.rows)]
        parts += [table.note] if table.note else []
        write_text(folder / f"{STEM}-{table.name}.csv", _csv(table))
    page = folder / f"{STEM}.md"
    write_text(page, "\n\n".join(parts) + "\n")
    return page


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return text.getvalue()


def number(value: float, digits: int = 3) -> str:
    """Return a number in few digits; "-" for not-a-number.

    Examples
    --------
    >>> number(0.123456), number(2.26e-7), number(float("nan"))
    ('0.123', '2.26e-07', '-')
    """
    return "-" if math.isnan(value) else f"{value:.{digits}g}"


def over_seeds(values: Sequence[float], scale: float = 1.0, digits: int = 3) -> str:
    """Return the mean over seeds, their range, and their number: "1.2 [0.9, 1.6] (4)".

    Examples
    --------
    >>> over_seeds([1.0, 2.0, 3.0])
    '2 [1, 3] (3)'
    """
    known = np.array([v for v in values if not math.isnan(v)]) * scale
    if not len(known):
        return "-"
    if len(known) == 1:
        return f"{number(float(known[0]), digits)} (1)"
    mean, low, high = (number(float(f(known)), digits) for f in (np.mean, np.min, np.max))
    return f"{mean} [{low}, {high}] ({len(known)})"
