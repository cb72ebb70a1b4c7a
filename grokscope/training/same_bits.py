"""Whether two computations of a run agree to the bit, and by how much they do not."""

import json
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def weights_apart(found: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> str:
    """Return how weights differ from stored ones, "" where every bit is the same.

    -0 and 0 differ, and NaN is equal to itself: bytes are compared. Of several weights the one that is furthest away
    is named, by the greatest difference of an entry over the greatest entry stored.
    """
    if found.keys() != stored.keys():
        names = sorted(found.keys() ^ stored.keys())
        return f"{names[0]} is there in one of the two only"
    now = {name: weight.detach().cpu() for name, weight in found.items()}
    for name, weight in now.items():
        if weight.shape != stored[name].shape or weight.dtype != stored[name].dtype:
            return f"{name} has another shape or precision"
    differ = {
        name: distance(now[name], stored[name]) for name in now if not _same(now, stored, name)
    }
    if not differ:
        return ""
    worst = max(differ, key=lambda name: differ[name][0] / (differ[name][1] or 1.0))
    furthest, largest = differ[worst]
    return (
        f"{worst} differs most, by up to {furthest:.3g} (its largest entry: {largest:.3g}), "
        f"{len(differ)} of {len(now)} weights differ"
    )


def distance(found: Tensor, stored: Tensor) -> tuple[float, float]:
    """Return the greatest difference of an entry, and the greatest entry stored, as float64; infinite for NaN."""
    apart = (found.double() - stored.double()).abs().max().item()
    return apart if math.isfinite(apart) else math.inf, stored.double().abs().max().item()


def metrics_apart(found: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    """Return how metrics differ from a line of metrics.jsonl, "" where every value is the same.

    Values that only one of the two has are passed over: another version may record more.
    """
    plain = as_recorded(found)
    for name, value in stored.items():
        if name in plain and plain[name] != value:
            return f"{name} is {plain[name]}, not {value}"
    return ""


def as_recorded(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line as it comes back from the file: what is no finite number is None."""
    clean = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in line.items()
    }
    back: dict[str, Any] = json.loads(json.dumps(clean))
    return back


def _same(found: Mapping[str, Tensor], stored: Mapping[str, Tensor], name: str) -> bool:
    one, other = found[name].contiguous().reshape(-1), stored[name].contiguous().reshape(-1)
    return torch.equal(one.view(torch.uint8), other.view(torch.uint8))
