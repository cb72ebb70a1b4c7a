"""What a run was asked for, as rows of text: every field of its configuration, by dotted name."""

import json
from collections.abc import Iterator
from typing import Any

import xarray as xr


def hyper_parameters(ds: xr.Dataset) -> list[tuple[str, str]]:
    """Return (dotted name, value) of everything in the run's configuration; of a sweep, in its specification."""
    return flat(ds.attrs.get("config") or ds.attrs.get("specification") or "{}")


def flat(config: Any) -> list[tuple[str, str]]:
    """Return (dotted name, value) of a configuration that is JSON text or already read.

    Values are as they were written: 0.001 and not 1e-3, 114 and not 1,140.
    """
    if isinstance(config, str):
        try:
            config = json.loads(config)
        except ValueError:
            return [("config", config)]
    return list(_walk(config, "")) if config else []


def _walk(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _walk(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)
