"""A package that can be called: `gs.transitions(ds)` beside `from grokscope.transitions import Transition`.

Importing a subpackage puts it into its parent under its own name, over any function of that name. So the package itself
answers the call.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(package: str, function: Callable[..., Any]) -> None:
    """Let calls of the package named `package` go to `function`."""

    class CallablePackage(ModuleType):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

    CallablePackage.__call__.__doc__ = function.__doc__
    sys.modules[package].__class__ = CallablePackage
