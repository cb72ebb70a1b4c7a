"""A file of the cache: what some measures gave, each under a key, in safetensors, with a hash over everything."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.analysis.digests import array_digest, digest
from grokscope.files import write_bytes
from grokscope.reading import MAX_HEADER, parse_json, read_bounded

SCHEMA = 1
HEADER = "grokscope cache"
MAX_BYTES = 300 << 20
"""What is kept of the final step, 256 MiB at most, is the largest."""
KINDS = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
"""What is kept: what safetensors and numpy both have."""


@dataclass(frozen=True)
class Kept:
    """What one measure gave.

    Attributes
    ----------
    key
        The hash of everything that it depends on.
    reads
        What it read beside its checkpoint (`grokscope.runs.reads`), by which the key is formed again.
    values
        Variable -> array.
    """

    key: str
    reads: tuple[str, ...]
    values: Mapping[str, np.ndarray]

    @property
    def fits(self) -> bool:
        """Whether a file can hold it."""
        return all(a.dtype.name in KINDS and a.dtype.isnative for a in self.values.values())


def write_kept(path: Path, kept: Mapping[str, Kept]) -> None:
    """Write what measures gave, whole or not at all.

    Raises
    ------
    RequestError
        Where it cannot be written.
    """
    from safetensors.numpy import save

    arrays, about = {}, {}
    for measure, each in kept.items():
        about[measure] = {"key": each.key, "reads": list(each.reads), "names": list(each.values)}
        for name, array in each.values.items():
            arrays[f"{measure}/{name}"] = np.asarray(
                array, order="C"
            )  # ascontiguousarray would make one number a list
    text = json.dumps({"schema": SCHEMA, "measures": about})
    header = {HEADER: json.dumps({"about": text, "digest": _digest(text, arrays)})}
    write_bytes(path, save(arrays, header))


def read_kept(path: Path) -> dict[str, Kept]:
    """Return what `write_kept` wrote; nothing where the file is missing, damaged, or not one of ours."""
    try:
        arrays, header = _load(read_bounded(path, MAX_BYTES, inside=path.parent.parent))
        told = parse_json(header[HEADER])
        text = str(told["about"])
        if told["digest"] != _digest(text, arrays):
            return {}
        content = parse_json(text)
        if content["schema"] != SCHEMA:
            return {}
        return {
            measure: Kept(
                str(each["key"]),
                tuple(str(read) for read in each["reads"]),
                {str(name): arrays[f"{measure}/{name}"] for name in each["names"]},
            )
            for measure, each in content["measures"].items()
        }
    # A damaged file may fail anywhere in the readers of safetensors, JSON and numpy: any failure is the same to us.
    except Exception:  # noqa: BLE001
        return {}


def _load(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return (arrays, header): safetensors' own reader of bytes leaves the header out."""
    from safetensors.numpy import load

    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER:
        raise ValueError(f"a header of {length} bytes")
    arrays = load(data)  # which judges the header before we look at it
    return arrays, parse_json(data[8 : 8 + length])["__metadata__"]


def _digest(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    return digest(text, *_words(sorted(arrays.items())))


def _words(items: Iterable[tuple[str, np.ndarray]]) -> Iterable[str]:
    for name, array in items:
        yield name
        yield array_digest(array)
