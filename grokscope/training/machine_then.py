"""How the machine, and the versions on it, differ from those that a run was begun with."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from grokscope.runs.run import Run, versions

if TYPE_CHECKING:
    from grokscope.training.trainer import Trainer

SAME_BITS = ("torch", "machine")
"""Versions that a repetition to the bit needs: numpy and Python have no part in training."""


def continuations(info: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what config.json says of when a run became another one's: {"step", "changed": {name: [then, now]}, ...}.

    What is not of that form, as a stranger's file may have it, is left out.
    """
    found = info.get("continued")
    return [entry for entry in found if _is_entry(entry)] if isinstance(found, list) else []


def _is_entry(entry: Any) -> bool:
    changed = entry.get("changed") if isinstance(entry, dict) else None
    return isinstance(changed, dict) and all(
        isinstance(pair, list) and len(pair) == 2 for pair in changed.values()
    )


def changed_since(run: Run, trainer: "Trainer") -> dict[str, tuple[str, str]]:
    """Return name -> (then, now) of what has a part in a run's bits and is not as config.json has it."""
    wrote = run.info.get("versions")
    then = dict(wrote) if isinstance(wrote, dict) else {}
    for entry in continuations(run.info):
        then |= {name: pair[1] for name, pair in entry["changed"].items()}
    now = versions()
    found = {
        name: (str(then[name]), now[name])
        for name in SAME_BITS
        if name in then and str(then[name]) != now[name]
    }
    for name, value in trainer.engine.record().items():
        before = then.get(name, run.info.get(name, value))
        if str(before) != str(value):
            found[name] = (str(before), str(value))
    return found
