"""Writing figures: html by itself; pdf, svg and png through kaleido and a Chromium."""

import asyncio
import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from grokscope.errors import RequestError, nearest
from grokscope.figures.labels import figure_dict, figure_json
from grokscope.figures.sizes import PIXELS_PER_INCH, Theme, Width, resize
from grokscope.files import write_bytes

FORMATS = ("html", "pdf", "svg", "png")
WIDTHS = ("single", "double")
THEMES = ("paper", "screen")
DOTS_PER_INCH = 300
#: Figures that a browser draws at a time.
TABS = 2

HOW_TO_DRAW = "install the extra 'grokscope[figures]' and Debian's package chromium"
HINT = f"{HOW_TO_DRAW}, or take html"

#: plotly's tool bar, without the buttons that lead out to a server.
CONFIG = {
    "responsive": True,
    "displaylogo": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["sendChartToCloud", "lasso2d", "select2d"],
}

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>body {{ margin: 0 auto; max-width: 60rem; font-family: Arial, sans-serif }}</style>
<script>{plotly_js}</script>
</head>
<body>
<div id="figure" role="img" aria-label="{alternative}"></div>
<script type="application/json" id="data">{data}</script>
<script>{page_js}</script>
</body>
</html>
"""
PAGE_JS = """
const {figure, config} = JSON.parse(document.getElementById("data").textContent);
Plotly.newPlot("figure", figure.data, figure.layout, config);
document.documentElement.dataset.drawn = 1;
"""


class BrowserMissing(RequestError):
    """Pictures were asked for, and what draws them is not installed or does not answer."""


def save(
    figure: go.Figure,
    path: str | Path,
    format: str | None = None,
    width: str = "double",
    theme: str = "paper",
) -> Path:
    """Write a figure to a file that appears whole or not at all.

    Parameters
    ----------
    figure
        What a function of `grokscope.figures` returned.
    path
        Where to.
    format
        html (no browser needed, nothing loaded from a network), pdf, svg or png; by default what
        the path's ending says.
    width
        For pdf, svg and png: a paper's column, 3.25 (single) or 6.75 inches (double). Html fills
        its window.
    theme
        For pdf, svg and png: paper (text of 7 to 9 points) or screen (larger text and thicker
        lines, for slides).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RequestError
        For an unknown format, width or theme, a place that cannot be written to, or when kaleido or
        a Chromium is missing (`BrowserMissing`).
    """
    return write_images([(figure, path)], format=format, width=width, theme=theme)[0]


def write_images(
    figures: Iterable[tuple[go.Figure, str | Path]],
    format: str | None = None,
    width: str = "double",
    theme: str = "paper",
) -> list[Path]:
    """Write many figures with one start of the browser.

    Parameters
    ----------
    figures
        Pairs of figure and path.
    format, width, theme
        As for `save`.

    Returns
    -------
    list of Path
        The files, in order. They are written after all are drawn.

    Raises
    ------
    RequestError
        As `save`.
    """
    return write_all(draw_images(figures, format=format, width=width, theme=theme))


def draw_images(
    figures: Iterable[tuple[go.Figure, str | Path]],
    format: str | None = None,
    width: str = "double",
    theme: str = "paper",
) -> list[tuple[Path, bytes]]:
    """Return what `write_images` writes, each file's place and bytes, with one start of the browser."""
    for what, given, accepted in (("width", width, WIDTHS), ("theme", theme, THEMES)):
        if given not in accepted:
            raise RequestError(f"{what} '{given}'", ", ".join(accepted), nearest(given, accepted))
    work = [(figure, Path(path), _format(Path(path), format)) for figure, path in figures]
    static = [
        (resize(figure, cast(Width, width), cast(Theme, theme)), kind)
        for figure, _, kind in work
        if kind != "html"
    ]
    pictures = iter(_pictures(static) if static else [])
    return [
        (path, page(figure).encode() if kind == "html" else next(pictures))
        for figure, path, kind in work
    ]


def write_all(files: Iterable[tuple[Path, bytes]]) -> list[Path]:
    """Write files, each whole or not at all, and return their places."""
    files = list(files)
    for path, content in files:
        write_bytes(path, content)
    return [path for path, _ in files]


def page(figure: go.Figure) -> str:
    """Return one html page with the figure, plotly.js inside: it opens without a network."""
    meta = figure.layout.meta or {}
    plotly_js = get_plotlyjs()
    return PAGE.format(
        policy=policy(plotly_js, PAGE_JS),
        title=html.escape(str(meta.get("title", "figure"))),
        alternative=html.escape(str(meta.get("alternative", ""))),
        plotly_js=plotly_js,
        data=script_json(f'{{"figure": {figure_json(figure)}, "config": {json.dumps(CONFIG)}}}'),
        page_js=PAGE_JS,
    )


def policy(*scripts: str) -> str:
    """Return a page's Content-Security-Policy: nothing but these very scripts runs, and nothing is fetched.

    plotly puts styles into the page; pictures are those that it makes itself, to be saved.
    """
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def script_json(text: str) -> str:
    r"""Return JSON that can stand inside a script element: no "<" is left in it.

    `</script>` and `<!--` inside a string would end or change the element; `\u003c` is the same
    character to JSON and nothing to HTML.
    """
    return re.sub(r"[<>&\u2028\u2029]", lambda found: f"\\u{ord(found.group()):04x}", text)


def _format(path: Path, format: str | None) -> str:
    kind = format if format is not None else path.suffix.lstrip(".").lower()
    if kind not in FORMATS:
        given = f"format '{kind}'" if kind else f"'{path.name}' without a format"
        raise RequestError(given, ", ".join(FORMATS), nearest(kind, FORMATS))
    return kind


def _pictures(figures: Sequence[tuple[go.Figure, str]]) -> list[bytes]:
    """Draw all figures with one start of the browser."""
    try:
        import kaleido
        from choreographer.errors import BrowserClosedError, BrowserFailedError, ChromeNotFoundError
    except ImportError as error:
        raise BrowserMissing(
            "pdf, svg and png need kaleido, which is missing", todo=HINT
        ) from error

    async def draw() -> list[bytes]:
        # MathJax would be fetched from a network.
        async with kaleido.Kaleido(n=min(TABS, len(figures)), mathjax=False) as browser:
            return await asyncio.gather(
                *(
                    browser.calc_fig(figure_dict(figure), opts=_options(figure, kind))
                    for figure, kind in figures
                )
            )

    try:
        # In a thread of its own: a notebook has an event loop running in this one.
        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(asyncio.run, draw()).result()
    except ChromeNotFoundError as error:
        raise BrowserMissing("pdf, svg and png need a Chromium; none found", todo=HINT) from error
    except (BrowserFailedError, BrowserClosedError, TimeoutError) as error:
        raise BrowserMissing(
            f"the Chromium that draws pdf, svg and png does not answer ({type(error).__name__})",
            todo=HINT,
        ) from error


def _options(figure: go.Figure, kind: str) -> dict[str, Any]:
    scale = DOTS_PER_INCH / PIXELS_PER_INCH if kind == "png" else 1
    size = dict(width=figure.layout.width, height=figure.layout.height)
    return dict(format=kind, scale=scale, **size)
