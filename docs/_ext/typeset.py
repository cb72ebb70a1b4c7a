"""Formulas of the registry, which are plain text, with Greek letters, raised and lowered parts and signs.

The registry writes what a terminal can show: `sum_i (2i - n - 1) x_(i)`, `rho(x . y)`, `|W|_F^2`.
Nothing is left out and nothing is moved; where a part is not understood it stays as it was written.
"""

import re

from docutils import nodes

GREEK = dict(zip(
    "alpha beta gamma delta lambda mu nu rho sigma chi phi psi pi eps".split(),
    "αβγδλμνρσχφψπε",
    strict=True,
))  # fmt: skip
SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠"}
SCRIPT = re.compile(
    r"(?P<how>[_^])(?P<part>\([^()]*\)|[A-Za-z]{1,3}(?![A-Za-z])|[-−]?\d+|[Σα-ω]|\*)"
)
NAMES = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
OPERATORS = ("mean", "max", "min", "sum", "argmax")
"""`mean_xy` is a mean over x and y; `restricted_loss` is a name."""


def signs(text: str) -> str:
    """Return `text` with Greek letters and mathematical signs in place of their names."""
    for word, letter in GREEK.items():
        text = re.sub(rf"(?<![A-Za-z]){word}(?![A-Za-z])", letter, text)
    for name, sign in SIGNS.items():
        text = text.replace(name, sign)
    text = re.sub(r"(?<![A-Za-z])sqrt(?![A-Za-z])", "√", text)
    text = re.sub(r"(?<![A-Za-z])sum(?=_| (?!of\b|over\b))", "Σ", text)
    text = re.sub(r"(?<=[\w)]) \. (?=[\w(]|$)", " · ", text)
    text = re.sub(r"(?<=\w)\.(?=[a-z]\b|[a-z]\^)", "·", text)
    text = re.sub(r"(?<=[\s(=^])-(?=[\d\sA-Za-zα-ω(])", "−", text)
    return re.sub(r"(?<=[a-z0-9)])-(?=[a-z\d]\)|[a-z]\b(?!-))", "−", text)


def formula_nodes(text: str) -> list[nodes.Node]:
    """Return a formula as text with subscripts and superscripts.

    Names of variables, `restricted_loss` for example, stay whole.
    """
    found: list[nodes.Node] = []
    for piece in re.split(rf"({NAMES.pattern})", text):
        if _is_name(piece):
            found.append(nodes.literal(text=piece))
        elif piece:
            found += _scripts(signs(piece))
    return found


def _is_name(piece: str) -> bool:
    if not NAMES.fullmatch(piece):
        return False
    first, rest = piece.split("_", 1)
    return not (first in OPERATORS or len(first) == 1 or first in GREEK or len(rest) == 1)


def _scripts(text: str) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    end = 0
    for match in SCRIPT.finditer(text):
        found.append(nodes.Text(text[end : match.start()]))
        part = match["part"]
        shown = part if match["how"] == "_" and part.startswith("(") else part.strip("()")
        kind = nodes.subscript if match["how"] == "_" else nodes.superscript
        found.append(kind(text=shown.replace("-", "−")))
        end = match.end()
    return [*found, nodes.Text(text[end:])]
