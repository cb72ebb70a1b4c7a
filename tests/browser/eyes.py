"""How colours look to an eye without green cones, and to a printer without colours."""

from collections.abc import Iterator
from itertools import combinations, groupby
from typing import Any

import numpy as np

#: Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB: deuteranopia.
DEUTERANOPIA = np.array([
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
])  # fmt: skip
_TO_XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
_WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: str) -> np.ndarray:
    """Return linear RGB of "#RRGGBB", or of "rgb(...)" or "rgba(...)" on white."""
    if colour.startswith("#"):
        part = len(colour) // 3
        values = [int(colour[1 + part * i : 1 + part * (i + 1)] * (3 - part), 16) for i in range(3)]
        alpha = 1.0
    else:
        numbers = [float(n) for n in colour[colour.index("(") + 1 : -1].split(",")]
        values, alpha = numbers[:3], (numbers + [1.0])[3]
    shown = alpha * np.array(values) / 255 + 1 - alpha
    return np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)


def without_green(rgb: np.ndarray) -> np.ndarray:
    """Return linear RGB as a deuteranope sees it."""
    return np.clip(rgb @ DEUTERANOPIA.T, 0, 1)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIE Lab of linear RGB."""
    scaled = (rgb @ _TO_XYZ.T) / _WHITE
    f = np.where(scaled > (6 / 29) ** 3, np.cbrt(scaled), scaled / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def apart(one: str, two: str) -> tuple[float, float]:
    """Return how far two colours lie apart: to a deuteranope (CIE76) and in lightness alone."""
    seen = [lab(without_green(linear(c))) for c in (one, two)]
    grey = [lab(linear(c))[..., 0] for c in (one, two)]
    return float(np.linalg.norm(seen[0] - seen[1])), float(abs(grey[0] - grey[1]))


def looks(figure: Any) -> Iterator[tuple[str, str, str, tuple[Any, ...]]]:
    """Yield (panel, name, colour, rest of the look) of each named series of a figure."""
    for trace in figure.data:
        if trace.type == "heatmap" or not trace.name or trace.visible is False:
            continue
        if trace.showlegend is False:  # another's second half: a band about a line, the same below
            continue
        panel = getattr(trace, "xaxis", None) or "x"
        if trace.type == "bar":
            yield panel, trace.name, trace.marker.color, ("bar", trace.offset, trace.offsetgroup)
            continue
        mode = trace.mode or "lines"
        filled = trace.fill not in (None, "none")
        dash = (trace.line.dash or "solid") if "lines" in mode else None
        symbol = (trace.marker.symbol or "circle") if "markers" in mode else None
        colour = trace.line.color if "lines" in mode else trace.marker.color
        if isinstance(colour, str):
            yield panel, trace.name, trace.fillcolor if filled else colour, (filled, dash, symbol)


def alike(figure: Any, least: float, least_grey: float) -> list[str]:
    """Return the pairs of series of one panel, drawn the same but for the colour, whose colours are too near.

    `least` is a distance in CIE Lab for a deuteranope; `least_grey` is one of lightness, for a print in grey.
    """
    found = []
    for _, group in groupby(sorted(looks(figure), key=lambda s: s[0]), key=lambda s: s[0]):
        for (_, name, colour, look), (_, other, second, its) in combinations(list(group), 2):
            if name == other or look != its:
                continue
            seen, grey = apart(colour, second)
            if seen < least or grey < least_grey:
                found.append(f"{name!r} and {other!r}: {seen:.0f} apart, {grey:.0f} in grey")
    return found
