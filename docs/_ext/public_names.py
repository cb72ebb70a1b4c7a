"""What is public: names in `__all__` of grokscope and of its packages, and what the modules of CHOSEN define.

A module without `__all__` has those of its own names that begin with no underscore.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

CHOSEN: dict[str, tuple[str, ...] | None] = {
    "grokscope.config": None,
    "grokscope.errors": ("GrokscopeError", "RequestError", "UnsoundError"),
    "grokscope.presets": None,
    "grokscope.models.transformer": ("HookedTransformer",),
    "grokscope.models.feedforward.hooked": ("HookedFeedforward",),
    "grokscope.models.feedforward.gromov_solution": None,
    "grokscope.runs.snapshot": ("RowValues",),
    "grokscope.tasks.group_irreps": None,
    "grokscope.transitions.circle_verdicts": None,
}
"""Modules without `__all__` that are public too, beside all of grokscope.harmonics: these names, all where None."""


def public_modules() -> list[str]:
    """Return the dotted names of all public modules: packages with `__all__`, then the modules said here."""
    import grokscope

    found = ["grokscope"]
    for info in pkgutil.walk_packages(grokscope.__path__, "grokscope."):
        if info.name.startswith("grokscope.harmonics."):
            found.append(info.name)
        elif info.ispkg and hasattr(importlib.import_module(info.name), "__all__"):
            found.append(info.name)
    return [*found, *CHOSEN]


def public_names(module: str) -> list[str]:
    """Return the public names of a module, in the order of its file, or of `__all__`."""
    found = importlib.import_module(module)
    if hasattr(found, "__all__"):
        return list(dict.fromkeys(found.__all__))
    chosen = CHOSEN.get(module)
    if chosen is not None:
        return list(chosen)
    return [
        name
        for name, value in vars(found).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value) or hasattr(value, "__wrapped__"))
        and value.__module__ == module
    ]


def public_objects() -> Iterator[tuple[str, str, Any]]:
    """Give (module, name, object) of everything public, packages within packages left out."""
    for module in public_modules():
        for name in public_names(module):
            value = getattr(importlib.import_module(module), name)
            if not inspect.ismodule(value):
                yield module, name, value
