"""The tables in docs/nanda2023.md, between two marks, made anew from the script's own rows."""

from collections.abc import Sequence
from pathlib import Path

from grokscope.errors import RequestError
from grokscope.files import write_text
from nanda2023_parts.row import Row
from nanda2023_parts.rows import count
from nanda2023_parts.tolerances import OUTSIDE
from published.claims import markdown

BEGIN, END = "<!-- made by analyses/nanda2023.py --page -->", "<!-- end -->"


def tables(rows: Sequence[Row]) -> str:
    """Return the count, every row by its part, and the reasons for those outside, as Markdown."""
    inside, judged, absent = count(rows)
    told = f"**{inside} of {judged} rows are inside.**"
    if absent:
        told = (
            f"**{inside} of the {judged - absent} rows that were run are inside**; {absent} more wait for runs of the "
            "studies and do not count as reproduced."
        )
    parts = [told]
    for part in dict.fromkeys(row.part for row in rows):
        cells = [
            (row.what, row.published, row.measured, row.tolerance, row.verdict)
            for row in rows
            if row.part == part
        ]
        header = ("quantity", "published", "measured", "tolerance", "verdict")
        parts += [f"### {part.capitalize()}", markdown(header, cells)]
    why = [
        f"- {row.what} (published {row.published}, here {row.measured}): {row.note}."
        for row in rows
        if row.verdict == OUTSIDE
    ]
    if why:
        parts += ["### Outside, and why", "\n".join(why)]
    return "\n\n".join(parts)


def renew(path: Path, rows: Sequence[Row]) -> None:
    """Replace what stands between the marks of a page.

    Raises
    ------
    RequestError
        Where the page is not there or has no marks.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise RequestError(f"'{path}' has no marks", f"a page with {BEGIN} and {END}")
    write_text(path, f"{before}{BEGIN}\n\n{tables(rows)}\n\n{END}{after}")
