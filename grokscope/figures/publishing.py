"""A figure as a paper takes it: the picture, its data as CSV and its caption, side by side."""

from collections.abc import Iterable
from pathlib import Path

import plotly.graph_objects as go

from grokscope.errors import RequestError
from grokscope.figures.data import csv_text
from grokscope.figures.export import FORMATS, draw_images, write_all


def publish(
    items: Iterable[tuple[go.Figure, str | Path]],
    format: str | None = None,
    width: str = "double",
    theme: str = "paper",
) -> list[Path]:
    """Write figures with one start of the browser, and beside each its data and its caption.

    Beside STEM.pdf stand STEM.csv, what is drawn (`figures.table`), and STEM.txt, the caption with all
    settings. Everything is drawn before anything is written, and each file appears whole or not at all.

    Parameters
    ----------
    items
        Pairs of figure and path.
    format, width, theme
        As for `save`.

    Returns
    -------
    list of Path
        The figures' files, in order; `companions` gives those beside one.

    Raises
    ------
    RequestError
        As `save`; and where two different figures would have the same data file.
    """
    work = [(figure, Path(path)) for figure, path in items]
    beside: dict[Path, bytes] = {}
    for figure, path in work:
        data, caption = companions(path)
        for place, text in ((data, csv_text(figure)), (caption, caption_text(figure))):
            if beside.setdefault(place, text.encode()) != text.encode():
                raise RequestError(
                    f"two figures whose data are {place}", "a name of its own for each figure"
                )
    drawn = draw_images(work, format=format, width=width, theme=theme)
    write_all([*drawn, *beside.items()])
    return [path for path, _ in drawn]


def companions(path: str | Path) -> tuple[Path, Path]:
    """Return the places of a figure's data, STEM.csv, and of its caption, STEM.txt."""
    path = Path(path)
    stem = path.stem if path.suffix.lstrip(".").lower() in FORMATS else path.name
    return path.with_name(f"{stem}.csv"), path.with_name(f"{stem}.txt")


def caption_text(figure: go.Figure) -> str:
    """Return a figure's caption as it stands in its text file; of a figure without one, what it shows in words."""
    meta = figure.layout.meta or {}
    return str(meta.get("caption") or meta.get("alternative") or meta.get("title") or "") + "\n"
