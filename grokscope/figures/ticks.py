"""Tick marks of logarithmic axes: numbers that can be read as they stand, never fewer than two."""

import math

import numpy as np

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def log_ticks(low: float, high: float, most: int = 8) -> tuple[list[float], list[str]]:
    """Return places and words of ticks for an axis from `low` to `high`, both above 0.

    Decades over a wide range, 1, 2, 5 of each decade over a narrow one, round steps where not even these give two.
    Plain numbers where all lie between 0.001 and 100,000, else powers of ten. `most` is about how many decades there
    is room for.
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    span = math.log10(high / low)
    every = max(1, math.ceil(span / most))
    places = [10.0**d for d in decades if d % every == 0]
    if span < 2.2:
        places = [m * 10.0**d for d in decades for m in (1, 2, 5)]
    inside = [place for place in places if low <= place * (1 + 1e-9) and place <= high * (1 + 1e-9)]
    if len(inside) < 2:
        step = 10.0 ** math.floor(math.log10(max(high - low, high * 1e-6)))
        inside = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    powers = not all(0.000999 < place < 100_001 for place in inside)
    return inside, [_words(place, powers) for place in inside]


def _words(value: float, powers: bool) -> str:
    """Return 500, 20,000, 0.01; in powers of ten 10⁻⁶, 1, 10, 5×10⁷."""
    exponent = math.floor(math.log10(value) + 1e-9)
    if not powers or np.isclose(value, 1, rtol=1e-9) or np.isclose(value, 10, rtol=1e-9):
        return f"{value:,.6g}"
    power = f"10{str(exponent).translate(SUPERSCRIPTS)}"
    mantissa = value / 10.0**exponent
    return power if abs(mantissa - 1) < 1e-9 else f"{mantissa:.3g}×{power}"
