"""The report: one HTML page about a run that opens anywhere, without a network.

`write_report` writes it, `render_report` returns it as text.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from grokscope.callable_package import make_callable

if TYPE_CHECKING:
    from grokscope.report.render import render_report as render_report
    from grokscope.report.render import write_report as write_report

__all__ = ["render_report", "write_report"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("grokscope.report.render"), name)
    raise AttributeError(f"module 'grokscope.report' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)


def _report(*args: Any, **kwargs: Any) -> Any:
    """Write the report of an analysed run; see `grokscope.api.report`."""
    from grokscope.api import report

    return report(*args, **kwargs)


make_callable(__name__, _report)
