"""Which runs are one group: those that differ in their seeds alone, unless other fields are named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grokscope.comparison.member import Member
from grokscope.config import SET_BY_TASK
from grokscope.errors import RequestError, nearest

SEEDS = ("split_seed", "label_seed", "outlier_seed", "init_seed", "batch_seed", "noise_seed")
#: Fields that say nothing about how a run was trained, or that follow from the others.
UNTOLD = ("preset", *SET_BY_TASK)


@dataclass(frozen=True, eq=False)
class Group:
    """Runs that are drawn and counted together.

    Attributes
    ----------
    name
        What sets the group apart from the others.
    members
        Positions of its runs in the comparison.
    """

    name: str
    members: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of runs."""
        return len(self.members)


def differing(members: Sequence[Member]) -> list[str]:
    """Return the fields in which the runs differ, seeds last; a field that a run does not have counts as different."""
    names = dict.fromkeys(name for m in members for name in m.fields if name not in UNTOLD)
    found = [name for name in names if len({_value(m, name) for m in members}) > 1]
    return sorted(found, key=lambda name: name in SEEDS)


def group_runs(members: Sequence[Member], by: Sequence[str] | None = None) -> list[Group]:
    """Return the groups, in the order of their first run.

    Parameters
    ----------
    members
        The runs.
    by
        Fields in which the runs of a group agree; all but the seeds where None; () makes one group of all, and
        ("none",) a group of each run.

    Raises
    ------
    RequestError
        For a field that no run has.
    """
    if by is not None and list(by) == ["none"]:
        return [Group(m.name, (i,)) for i, m in enumerate(members)]
    known = dict.fromkeys(name for m in members for name in m.fields)
    for name in by or ():
        if name not in known:
            raise RequestError(f"no field '{name}' to group by", "none, or a field of the runs' "
                               "configuration", nearest(name, known))  # fmt: skip
    fields = [n for n in differing(members) if n not in SEEDS] if by is None else list(by)
    keys: dict[tuple[Any, ...], list[int]] = {}
    for position, member in enumerate(members):
        # A Dataset without a configuration is like no other.
        alone = (position,) if not member.fields and by is None else ()
        keys.setdefault((*(_value(member, n) for n in fields), *alone), []).append(position)
    names = _names(members, list(keys.values()), fields)
    return [Group(name, tuple(p)) for name, p in zip(names, keys.values(), strict=True)]


def in_words(field: str, value: Any) -> str:
    """Return a field and its value for reading: "weight decay 0.1"."""
    if value is None:
        return f"no {field.replace('_', ' ')}"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{field.replace('_', ' ')} {shown}"


def _value(member: Member, field: str) -> Any:
    value = member.fields.get(field)
    return repr(value) if isinstance(value, dict) else value


def _names(
    members: Sequence[Member], groups: Sequence[Sequence[int]], fields: Sequence[str]
) -> list[str]:
    """Name each group by the fewest fields that tell all apart; a group of one run by the run's own name."""
    if len(groups) == 1:
        (runs,) = groups
        return [members[runs[0]].name if len(runs) == 1 else f"{len(runs)} runs"]
    told: list[str] = []
    apart = 1
    for field in fields:
        keys = {tuple(_value(members[g[0]], f) for f in (*told, field)) for g in groups}
        if len(keys) > apart:
            told, apart = [*told, field], len(keys)
    by_fields = [", ".join(in_words(f, _value(members[g[0]], f)) for f in told) for g in groups]
    if apart == len(groups) and len(told) <= 3:
        return by_fields
    return [
        members[g[0]].name if len(g) == 1 else words
        for g, words in zip(groups, by_fields, strict=True)
    ]
