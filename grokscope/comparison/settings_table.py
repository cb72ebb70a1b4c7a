"""The settings in which runs differ, side by side, and a line on what they have in common."""

from collections.abc import Mapping, Sequence
from typing import Any

from grokscope.comparison.groups import SEEDS, UNTOLD, Group, differing, in_words
from grokscope.comparison.member import Member
from grokscope.comparison.table import Table, by_runs
from grokscope.config import RunConfig
from grokscope.sweeps.specification import flat_value
from grokscope.tasks import TASKS

#: Said of the runs even where all have its default.
ALWAYS = ("task", "p", "group", "architecture", "frac_train", "weight_decay", "lr", "steps")


def settings_table(members: Sequence[Member], groups: Sequence[Group]) -> Table:
    """Return the table of the settings in which the runs differ; its note says what is common."""
    of = {i: group.name for group in groups for i in group.members}
    tasks = [str(m.ds.attrs.get("task_formula") or m.ds.attrs.get("task") or "-") for m in members]
    rows = [
        ("group", *(of[i] for i in range(len(members)))),
        ("task", *tasks),
        *(
            (f.replace("_", " "), *(_shown(m.fields.get(f)) for m in members))
            for f in differing(members)
            if f != "task"
        ),
    ]
    columns = ("setting", *(m.name for m in members))
    return by_runs("Settings in which the runs differ", columns, rows, (common_line(members),))


def common_line(members: Sequence[Member]) -> str:
    """Return what all runs have in common: the main settings, and those that are not the defaults."""
    if not all(m.fields for m in members):
        return "settings of a Dataset without configuration are not known"
    first, apart, default = members[0].fields, set(differing(members)), RunConfig()
    irrelevant = _irrelevant(first)
    told = [
        in_words(name, value)
        for name, value in first.items()
        if name not in apart and name not in UNTOLD and name not in irrelevant
        and (name in ALWAYS or (name not in SEEDS and value != _default(default, name)))
    ]  # fmt: skip
    return f"in common: {', '.join(told)}" if told else "in common: nothing"


def told_settings(members: Sequence[Member]) -> list[str]:
    """Return for a caption every setting that the runs have in common, and each in which they differ, run by run."""
    if not all(m.fields for m in members):
        return []
    apart = differing(members)
    common = [
        f"{n} = {v}" for n, v in members[0].fields.items() if n not in apart and n not in UNTOLD
    ]
    told = [f"Settings in common: {'; '.join(common)}."]
    for field in apart:
        each = "; ".join(f"{m.name}: {_shown(m.fields.get(field))}" for m in members)
        told.append(f"Setting {field}: {each}.")
    return told


def _irrelevant(fields: Mapping[str, Any]) -> set[str]:
    """Return the settings of other kinds of task, which say nothing of this one."""
    of = {"modulus": {"p"}, "group": {"group"}, "bits": {"bits", "relevant"}}
    task = fields.get("task")
    return set[str]().union(*of.values()) - of[TASKS[task].over] if task in TASKS else set()


def _default(config: RunConfig, name: str) -> Any:
    try:
        value = flat_value(config, name)
    except (AttributeError, KeyError):
        return None
    return tuple(value) if isinstance(value, list) else value


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return ", ".join(map(str, value[:4])) + (", ..." if len(value) > 4 else "") or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
