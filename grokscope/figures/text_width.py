"""How wide text stands: the advance widths of Arial, Helvetica and Liberation Sans, which are the same."""

import html
import re

#: Thousandths of the font's size, from the space to the tilde.
_ASCII = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_SUPERSCRIPT, _OTHER, _WIDE = 360, 640, 1000
_SUPERSCRIPTS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
BOLD = 1.08
_TAGS = re.compile(r"</?(?:b|i|sub|sup|span)(?: [^>]*)?>")


def plain_lines(text: str) -> list[str]:
    """Return the lines of a plotly label without its marks."""
    return [html.unescape(_TAGS.sub("", line)) for line in text.split("<br>")]


def text_width(text: str, size: float) -> float:
    """Return how many pixels a label of plotly's is wide, in letters of `size` pixels; the widest line counts."""
    bold = BOLD if "<b>" in text else 1.0
    return max(sum(map(_width, line)) for line in plain_lines(text)) * size * bold / 1000


def _width(letter: str) -> int:
    code = ord(letter)
    if 32 <= code < 127:
        return _ASCII[code - 32]
    if letter in _SUPERSCRIPTS:
        return _SUPERSCRIPT
    return _WIDE if code >= 0x1100 else _OTHER
