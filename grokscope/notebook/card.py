"""What a notebook shows of an object: a title, a few lines, small tables, a small figure; the long rest folded away.

A card is written as HTML for JupyterLab and as plain text for a terminal. Colours are those of the page around it, so
that it is read on a light and on a dark theme. Every text is escaped: names come from files that may be anybody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grokscope.errors import printable

LINE = "rgba(128,128,128,.45)"
STYLE = {
    "card": "max-width:60em;font-size:13px;line-height:1.45;text-align:left",
    "table": f"border-collapse:collapse;margin:.4em 0;border-top:1px solid {LINE};border-bottom:1px solid {LINE}",
    "th": f"text-align:left;font-weight:600;padding:.15em 1em .15em 0;border-bottom:1px solid {LINE}",
    "td": "text-align:left;vertical-align:top;padding:.1em 1em .1em 0",
    "summary": "cursor:pointer;opacity:.8",
    "faint": "opacity:.65",
}
MOST_CELLS = 90
"""Letters of a cell in plain text."""


@dataclass(frozen=True)
class Table:
    """A small table.

    Attributes
    ----------
    head
        The columns' names.
    rows
        As many cells in each as there are columns.
    faint
        Numbers of the rows that are shown in a weaker colour.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    faint: frozenset[int] = frozenset()

    def html(self) -> Markup:
        """As an HTML table."""
        head = _join(Markup('<th scope="col" style="{}">{}</th>'), STYLE["th"], self.head)
        body = Markup("").join(
            Markup('<tr style="background:none;{}">{}</tr>').format(
                STYLE["faint"] if number in self.faint else "",
                _join(Markup('<td style="{}">{}</td>'), STYLE["td"], map(_word, row)),
            )
            for number, row in enumerate(self.rows)
        )
        return Markup(
            '<table style="{}"><thead><tr style="background:none">{}</tr></thead><tbody>{}</tbody></table>'
        ).format(STYLE["table"], head, body)

    def text(self) -> str:
        """As lines with aligned columns."""
        lines = [[_cut(_word(cell)) for cell in row] for row in (self.head, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  " + "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )


@dataclass(frozen=True)
class Card:
    """What is shown of an object.

    Attributes
    ----------
    title
        What it is and what it is called.
    lines
        Sentences below the title.
    picture
        A small figure, inline SVG; made by `small_figures`, which escapes what it writes.
    tables
        Shown at once.
    more
        (what, a table or a text): folded away in HTML, left out of plain text.
    """

    title: str
    lines: Sequence[str] = ()
    picture: Markup = Markup("")
    tables: Sequence[Table] = ()
    more: Sequence[tuple[str, "Table | str"]] = ()

    def html(self) -> str:
        """As HTML that stands anywhere."""
        parts = [Markup("<b>{}</b>").format(self.title)]
        parts += [Markup("<div>{}</div>").format(line) for line in self.lines if line]
        parts += [self.picture, *(table.html() for table in self.tables)]
        parts += [_folded(what, content) for what, content in self.more]
        return str(
            Markup('<div class="grokscope-card" style="{}">{}</div>').format(
                STYLE["card"], Markup("").join(parts)
            )
        )

    def text(self) -> str:
        """As plain text that any terminal can print."""
        lines = [self.title, *(line for line in self.lines if line)]
        return "\n".join([*map(printable, lines), *(table.text() for table in self.tables)])


def number(value: float | None, digits: int = 3) -> str:
    """Return a number in few letters; "–" for none."""
    if value is None or value != value:
        return "–"
    return f"{value:.{digits}g}"


def share(value: float | None) -> str:
    """Return a share of 1 with three places; "–" for none."""
    return "–" if value is None or value != value else f"{value:.3f}"


def _join(cell: Markup, style: str, words: object) -> Markup:
    return Markup("").join(cell.format(style, word) for word in words)  # type: ignore[attr-defined]


def _folded(what: str, content: "Table | str") -> Markup:
    inside = (
        content.html()
        if isinstance(content, Table)
        else Markup('<div style="white-space:pre-wrap">{}</div>').format(content)
    )
    return Markup('<details><summary style="{}">{}</summary>{}</details>').format(
        STYLE["summary"], what, inside
    )


def _word(cell: object) -> str | Markup:
    return cell if isinstance(cell, Markup) else str(cell)


def _cut(text: str) -> str:
    plain = printable(" ".join(text.split()))
    return plain if len(plain) <= MOST_CELLS else f"{plain[: MOST_CELLS - 1]}…"
