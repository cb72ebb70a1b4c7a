"""A run that notes what measures ask of it beside the snapshot they are given: see `grokscope.runs.reads`."""

from typing import Any

from grokscope.runs.reads import note, unnoted
from grokscope.runs.run import Run

IN_EVERY_KEY = ("config", "config_hash", "task", "split")
"""What the key of every value depends on already."""


class WatchedRun(Run):
    """A run that notes what is read of it: config.json as "info", anything that is in no key as "run"."""

    def __getattribute__(self, name: str) -> Any:
        """Return an attribute; what leads to it inside `Run` is not noted a second time."""
        if name.startswith("__"):
            return super().__getattribute__(name)
        if name not in IN_EVERY_KEY:
            note("info" if name == "info" else "run")
        with unnoted():
            return super().__getattribute__(name)


def watched(run: Run) -> WatchedRun:
    """Return the same run, watched."""
    return WatchedRun(run.path, run.config, run.info)
