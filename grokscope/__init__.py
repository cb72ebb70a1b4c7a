"""grokscope: a microscope for grokking. Train, open every checkpoint, say when the circuit formed."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "train": "grokscope.api",
    "open_run": "grokscope.runs.run",
    "Run": "grokscope.runs.run",
    "Snapshot": "grokscope.runs.snapshot",
    "analyze": "grokscope.analysis",
    "transitions": "grokscope.transitions",
    "measure": "grokscope.measures.registry",
    "ablate": "grokscope.measures.ablations",
    "figures": "grokscope.figures",
    "report": "grokscope.api",
    "import_foreign": "grokscope.runs.imported",
    "GrokscopeError": "grokscope.errors",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    """Load the public names on first use: torch and transformer_lens take seconds."""
    if name == "figures":
        return import_module("grokscope.figures")
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'grokscope' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted([*globals(), *_WHERE])
