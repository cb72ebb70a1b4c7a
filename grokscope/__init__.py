"""grokscope: a microscope for grokking. Train, open every checkpoint, say when the circuit formed."""

import os
import sys
import time
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Read when torch is loaded, here and in every process that is started from here. Threads that wait for each other
# spin for some microseconds, then sleep: long spinning takes the core from the one that they wait for, and sleeping at
# once costs a wake-up at every step. The results are the same to the bit.
if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
    os.environ["GOMP_SPINCOUNT"] = "3000"

_LOADED = time.time()
"""When this process began to load grokscope: what was edited since is not what computes here."""

_WHERE = {
    "train": "grokscope.api",
    "resume": "grokscope.api",
    "open_run": "grokscope.runs.run",
    "Run": "grokscope.runs.run",
    "Snapshot": "grokscope.runs.snapshot",
    "sweep": "grokscope.sweeps.start",
    "open_sweep": "grokscope.sweeps.folder",
    "load_sweep_dataset": "grokscope.sweeps.folder",
    "Sweep": "grokscope.sweeps.folder",
    "analyze": "grokscope.api",
    "compare": "grokscope.comparison.comparison",
    "Comparison": "grokscope.comparison.comparison",
    "measure": "grokscope.measures.registry",
    "catalogue": "grokscope.measures.registry",
    "operation": "grokscope.tasks.registry",
    "ablate": "grokscope.measures.ablations",
    "figures": "grokscope.figures",
    "explore": "grokscope.notebook.explore",
    "import_foreign": "grokscope.runs.imported",
    "identify": "grokscope.transitions.algorithm",
    "check": "grokscope.checking.whole",
    "densify": "grokscope.api",
    "pack": "grokscope.runs.pack",
    "unpack": "grokscope.runs.unpack",
    "run_from_weights": "grokscope.runs.from_weights",
    "GrokscopeError": "grokscope.errors",
}

# Packages that are public by their own name; `transitions` and `report` can also be called (see callable_package).
_PACKAGES = ("figures", "report", "transitions")

__all__ = sorted((*_WHERE, *_PACKAGES))


def _tell_ipython() -> None:
    """Say how our objects are shown where IPython runs, which may begin after grokscope was imported."""
    if "IPython" in sys.modules:
        import_module("grokscope.notebook.hook").tell_ipython()


def __getattr__(name: str) -> Any:
    """Load the public names on first use: torch and transformer_lens take seconds."""
    _tell_ipython()
    if name in _PACKAGES:
        return import_module(f"grokscope.{name}")
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'grokscope' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted([*globals(), *__all__])


_tell_ipython()
