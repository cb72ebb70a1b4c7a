"""One of the runs that are compared, with what is compared of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.transitions.transition import Transitions

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Member:
    """A run in a comparison.

    Attributes
    ----------
    name
        What it is called in tables and figures.
    ds
        Its Dataset.
    transitions
        Its events.
    fields
        Its configuration, field -> value; empty where the Dataset does not hold it.
    path
        Its directory; None for a Dataset that was given by itself.
    notes
        What a reader should know about it, a line each.
    """

    name: str
    ds: "xr.Dataset"
    transitions: Transitions
    fields: Mapping[str, Any]
    path: Path | None = None
    notes: tuple[str, ...] = ()


def configured_fields(ds: "xr.Dataset") -> dict[str, Any]:
    """Return the configuration that a Dataset holds, field -> value; {} where it holds none that can be read."""
    try:
        sections = json.loads(str(ds.attrs.get("config", "{}"))).get("config", {})
    except (ValueError, AttributeError):
        return {}
    found: dict[str, Any] = {}
    for name, section in sections.items() if isinstance(sections, dict) else ():
        found.update(section if isinstance(section, dict) else {name: section})
    return {name: _hashable(value) for name, value in found.items()}


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
