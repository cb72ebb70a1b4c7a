"""The report's tables on which algorithm a run learned, read from the verdict: lists of rows of text."""

from collections.abc import Mapping, Sequence
from typing import Any

from grokscope.report.words import UNKNOWN, number

HOLDS = {True: "yes", False: "no", None: "not measured"}


def algorithm(verdict: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return name, sentence, evidence and circles as text; None for a verdict that names no algorithm.

    Parameters
    ----------
    verdict
        As `grokscope.transitions.judge` gives it; its "algorithm" is read.
    """
    found = verdict.get("algorithm")
    if not found:
        return None
    return {
        "name": str(found.get("name", "")),
        "sentence": str(found.get("sentence", "")),
        "evidence": _evidence(found.get("evidence") or ()),
        "circles": _circles(found.get("circles") or ()),
    }


def _evidence(pieces: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "quantity": str(piece.get("quantity", "")).replace("_", " "),
            "value": number(piece.get("value")),
            "wanted": _in_words(str(piece.get("wanted", ""))),
            "margin": _signed(piece.get("margin")),
            "holds": HOLDS.get(piece.get("holds"), UNKNOWN),
            "of": str(piece.get("of", "")),
            "note": str(piece.get("note", "")).replace("_", " "),
        }
        for piece in pieces
    ]


def _circles(circles: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "freq": number(circle.get("freq")),
            "form": str(circle.get("form", "")),
            **{name: _share(circle.get(name)) for name in ("weight", "clock", "pizza")},
        }
        for circle in circles
    ]


def _in_words(wanted: str) -> str:
    """Return ">= 0.95" as it is read aloud."""
    return wanted.replace(">= ", "at least ").replace("<= ", "at most ")


def _signed(margin: Any) -> str:
    return UNKNOWN if margin is None else f"{float(margin):+.3g}".replace("-", "−")


def _share(value: Any) -> str:
    return UNKNOWN if value is None else f"{float(value):.3f}"
