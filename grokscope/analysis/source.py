"""What a user's own measure is: the hash of its source and of all that its result can depend on in its program.

A measure that is edited keeps its name. Its values may only be kept where every edit is noticed: so functions and data
that it names are followed, and where one cannot be, nothing is kept.
"""

import builtins
import dis
import inspect
import json
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.analysis.digests import array_digest, digest

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


class Unknown(Exception):
    """Something that cannot be followed."""


def function_digest(function: Any) -> str | None:
    """Return the hash of a function's source, defaults, closure and of what it names; None where that is not known."""
    try:
        return _of(function, [])
    except Unknown:
        return None


def _of(value: Any, above: list[Any]) -> str:
    """Return the hash of a value; `above` are the ones that lead to it, since functions may name each other."""
    if any(value is each for each in above):
        return "itself"
    inside = [*above, value]
    if isinstance(value, _PLAIN):
        return digest(type(value).__name__, repr(value))
    if isinstance(value, tuple | list):
        return digest(type(value).__name__, *(_of(each, inside) for each in value))
    if isinstance(value, dict):
        return digest("dict", *(_of(each, inside) for pair in value.items() for each in pair))
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return array_digest(value)
    if isinstance(value, types.ModuleType):
        return _module(value.__name__)
    if isinstance(value, types.FunctionType):
        return digest(*_function(value, inside))
    home = getattr(value, "__module__", None)
    if isinstance(home, str) and isinstance(getattr(value, "__qualname__", None), str):
        # A class or a compiled function of a library: known by its name there.
        return digest(_module(home), value.__qualname__)
    raise Unknown(repr(value))


def _function(function: types.FunctionType, inside: list[Any]) -> Iterator[str]:
    if _is_installed(function.__module__):
        yield digest(_module(function.__module__), function.__qualname__)
        return
    try:
        yield inspect.getsource(function)
    except (OSError, TypeError) as error:
        raise Unknown(function.__name__) from error
    # The text alone is not enough: a cell of a notebook may have been run before it was edited.
    yield digest(*_code(function.__code__))
    yield _of(function.__defaults__, inside)
    yield _of(function.__kwdefaults__, inside)
    for cell in function.__closure__ or ():
        try:
            yield _of(cell.cell_contents, inside)
        except ValueError as error:  # not filled yet
            raise Unknown(function.__name__) from error
    for kind, name in sorted(set(_names(function.__code__))):
        if kind == "import":
            yield _module(name)
        elif name in function.__globals__:
            yield digest(name, _of(function.__globals__[name], inside))
        elif not hasattr(builtins, name):
            raise Unknown(name)


def _code(code: types.CodeType) -> Iterator[bytes | str]:
    yield code.co_code
    yield json.dumps(list(code.co_names))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code(constant)
        elif isinstance(constant, frozenset):  # in another order in every process
            yield repr(sorted(map(repr, constant)))
        else:
            yield repr(constant)


def _names(code: types.CodeType) -> Iterator[tuple[str, str]]:
    """Yield ("global", name) and ("import", module) of a function and of those inside it."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield "global", str(step.argval)
        elif step.opname == "IMPORT_NAME":
            yield "import", str(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _module(name: str) -> str:
    """Return the name of an installed module with its version; Unknown for a file of one's own."""
    if not _is_installed(name):
        raise Unknown(name)
    top = sys.modules.get(name.partition(".")[0])
    return digest(name, str(getattr(top, "__version__", sys.version)))


def _is_installed(name: str | None) -> bool:
    """Return whether a module is of the standard library, of site-packages, or of grokscope, which has its own hash."""
    top = (name or "").partition(".")[0]
    if top == "grokscope" or top in sys.stdlib_module_names:
        return top != "__main__"
    file = getattr(sys.modules.get(top), "__file__", None)
    if file is None:
        return False
    homes = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    return any(Path(file).is_relative_to(home) for home in homes)
