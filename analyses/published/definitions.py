"""The definitions of a sweep's events, in words."""

import json

import xarray as xr


def definitions(ds: xr.Dataset) -> list[tuple[str, str]]:
    """Return (event, definition) of every event of a sweep's dataset."""
    return [
        (str(k), str(v)) for k, v in json.loads(ds.attrs.get("event_definitions", "{}")).items()
    ]
