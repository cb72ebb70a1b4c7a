"""Numbers and intervals as a reader wants them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

UNKNOWN = "–"


def number(value: Any) -> str:
    """Return a value in at most five significant digits; steps and counts in full."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}"
    if isinstance(value, (float, np.floating)):
        exact = float(value)
        if not math.isfinite(exact):
            return "not a number" if math.isnan(exact) else "infinite"
        return f"{int(exact):,}" if exact.is_integer() and abs(exact) < 1e15 else f"{exact:.5g}"
    return str(value)


def interval(low: Any, high: Any) -> str:
    """Return "100 to 200", or with an open end "at least 100", "at most 200"."""
    if low is None and high is None:
        return UNKNOWN
    if high is None:
        return f"at least {number(low)}"
    if low is None:
        return f"at most {number(high)}"
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def told(value: Any) -> str:
    """Return any value of an attribute or an evidence in words: numbers, lists, tables."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {told(item)}" for key, item in value.items()) or "none"
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(told(item) for item in value) or "none"
    return number(value)


def gap(value: Any) -> str:
    """Return a delay or a lead in words: [low, high], where None as high is no upper bound."""
    if value is None:
        return "not seen"
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        return interval(*value)
    return told(value)
