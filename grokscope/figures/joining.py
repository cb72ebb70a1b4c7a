"""What several figures in one have in common: the key of phases and events, the legend, and what their captions say."""

import string
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from grokscope.figures.legend_rows import entries
from grokscope.figures.marks import TINTS


def shared_phases(figures: Sequence[go.Figure]) -> dict[str, str]:
    """Return phase -> colour over all figures, in the order of training."""
    names = _merged([[phase[0] for phase in _of(fig, "phases")] for fig in figures])
    return {name: TINTS[number % len(TINTS)] for number, name in enumerate(names)}


def shared_events(figures: Sequence[go.Figure]) -> dict[str, int]:
    """Return event -> number over all figures, in the order of training."""
    names = _merged([[event[1] for event in _of(fig, "events")] for fig in figures])
    return {name: number for number, name in enumerate(names, start=1)}


def _of(fig: go.Figure, what: str) -> list[Any]:
    return list((fig.layout.meta or {}).get(what, []))


def _merged(orders: Sequence[Sequence[str]]) -> list[str]:
    """Return all names in one order; each that is new stands after the one that it followed."""
    merged: list[str] = []
    for order in orders:
        place = 0
        for name in order:
            if name not in merged:
                merged.insert(place, name)
            place = max(place, merged.index(name) + 1)
    return merged


def same_legends(figures: Sequence[go.Figure]) -> bool:
    """Whether there are several figures with a legend, and all have the same names in the same looks."""
    looks = [[_look(item) for item in entries(fig)] for fig in figures]
    return len(looks) > 1 and bool(looks[0]) and all(look == looks[0] for look in looks)


def _look(item: Any) -> tuple[Any, ...]:
    known = item.to_plotly_json()
    line, marker = known.get("line", {}), known.get("marker", {})
    return (
        item.name, known.get("type"), known.get("mode"), line.get("color"), line.get("dash"),
        known.get("fillcolor"), str(marker.get("color")), str(marker.get("symbol")),
    )  # fmt: skip


def told_of(figures: Sequence[go.Figure]) -> dict[str, str]:
    """Return title, caption and words for those who do not see it, made of the figures' own.

    A paragraph of the captions that all share stands once, at the end; others have their figure's letter.
    """
    metas = [fig.layout.meta or {} for fig in figures]
    letters = string.ascii_lowercase
    paragraphs = [str(meta.get("caption", "")).split("\n\n") for meta in metas]
    common = [p for p in paragraphs[0] if all(p in others for others in paragraphs)]
    own = [
        f"({letter}) {' '.join(p for p in parts if p not in common)}"
        for letter, parts in zip(letters, paragraphs, strict=False)
        if any(p and p not in common for p in parts)
    ]
    titles = [
        f"({letter}) {meta.get('title', 'figure')}"
        for letter, meta in zip(letters, metas, strict=False)
    ]
    alternatives = [
        f"({letter}) {meta.get('alternative', '')}"
        for letter, meta in zip(letters, metas, strict=False)
    ]
    return {
        "name": "panel",
        "title": "; ".join(titles),
        "caption": "\n\n".join(p for p in (*own, *common) if p),
        "alternative": " ".join(alternatives),
    }
