"""A figure as JSON, in which text from a run is no more than text.

plotly reads a few HTML tags in its labels, links and styles among them: a link leads anywhere, and a style may have a
picture fetched from a network. Our own labels need to be bold, raised, lowered, broken and coloured, and nothing else.
"""

import json
import re
from typing import Any

import plotly.graph_objects as go
import plotly.io

OTHER_TAG = re.compile(
    r"""<(?!(?:/?(?:b|i|sub|sup|extra)|br|/span
           |span\ style=\\"color:(?:\#[0-9A-Fa-f]{3,8}|rgba?\([0-9., ]+\)|[a-z]+);?\\")>)""",
    re.VERBOSE,
)
"""In JSON text, where a quotation mark inside a text has a backslash before it."""


def figure_json(figure: go.Figure) -> str:
    """Return a figure as JSON text; in it, any tag that is none of ours stands as it is written, to be read."""
    return OTHER_TAG.sub("&lt;", plotly.io.to_json(figure, validate=False))


def figure_dict(figure: go.Figure) -> dict[str, Any]:
    """Return `figure_json` as a dictionary."""
    found: dict[str, Any] = json.loads(figure_json(figure))
    return found
