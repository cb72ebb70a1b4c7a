"""A table of words: for a terminal, a notebook, a spreadsheet, a paper."""

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

from grokscope.errors import RequestError, nearest

FORMATS = ("csv", "md", "tex")
#: Runs that stand beside each other in a table; of more there is a row for each.
MOST_COLUMNS = 6
_TEX = {
    "\\": r"\textbackslash{}",
    "≤": r"$\leq$",
    "÷": r"$\div$",
    "−": "$-$",
    "<": "$<$",
    ">": "$>$",
}
_TEX |= {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    title
        What it shows.
    columns, rows
        Its words; the first column names the row.
    notes
        What a reader of it should know, a line each.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), self

    def to_csv(self) -> str:
        """As CSV with a line of column names; a cell that a spreadsheet would take for a formula has a ' in front."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(map(_no_formula, self.columns))
        writer.writerows(map(_no_formula, row) for row in self.rows)
        return out.getvalue()

    def to_markdown(self) -> str:
        """As a Markdown table."""
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        return "".join(f"| {' | '.join(map(_markdown, line))} |\n" for line in lines)

    def to_latex(self) -> str:
        """As a LaTeX tabular with the rules of the package booktabs."""
        head, *body = (
            " & ".join(map(_latex, line)) + r" \\" for line in (self.columns, *self.rows)
        )
        return "\n".join(
            [
                rf"\begin{{tabular}}{{{'l' * len(self.columns)}}}", r"\toprule", head, r"\midrule",
                *body, r"\bottomrule", r"\end{tabular}", "",
            ]
        )  # fmt: skip

    def to_text(self, format: str) -> str:
        """As csv, md or tex.

        Raises
        ------
        RequestError
            For another format.
        """
        made = {"csv": self.to_csv, "md": self.to_markdown, "tex": self.to_latex}
        if format not in made:
            raise RequestError(
                f"a table as '{format}'", ", ".join(FORMATS), nearest(format, FORMATS)
            )
        return made[format]()

    def records(self) -> list[dict[str, str]]:
        """As one dictionary a row, column -> cell."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(c)}</th>" for c in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f"<table><caption>{html.escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{notes}"
        )


def by_runs(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str] = (),
) -> Table:
    """Return a table with a column for each run, the first naming the row; with a row for each where they are many."""
    if len(columns) - 1 <= MOST_COLUMNS:
        return Table(title, tuple(columns), tuple(map(tuple, rows)), tuple(notes))
    head, *runs = zip(columns, *rows, strict=True)
    return Table(title, ("run", *head[1:]), tuple(runs), tuple(notes))


def _no_formula(cell: str) -> str:
    """Return a cell that no spreadsheet computes: a run's name may be anybody's. Numbers below 0 stay numbers."""
    if cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        try:
            float(cell.replace(",", ""))
        except ValueError:
            return f"'{cell}"
    return cell


def _markdown(cell: str) -> str:
    return html.escape(cell, quote=False).replace("|", r"\|").replace("\n", " ")


def _latex(cell: str) -> str:
    return "".join(_TEX.get(c, c) for c in cell)
