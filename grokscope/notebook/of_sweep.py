"""A sweep, as a notebook shows it: how many runs of which setting came how far."""

from collections import Counter
from typing import TYPE_CHECKING

from grokscope.notebook.card import Card, Table

if TYPE_CHECKING:
    from grokscope.sweeps.folder import Sweep

MOST_SETTINGS = 12


def sweep_card(sweep: "Sweep") -> Card:
    """Return the settings of a sweep, with how far their runs came; no run is opened beyond its metrics' end."""
    runs = sweep.runs
    statuses = list(dict.fromkeys(run.status for run in runs))
    counted: dict[str, Counter[str]] = {}
    for run in runs:
        counted.setdefault(run.label, Counter())[run.status] += 1
    rows = [
        (label, sum(counts.values()), *(counts[s] or "" for s in statuses))
        for label, counts in counted.items()
    ]
    head = ("setting", "runs", *statuses)
    more: list[tuple[str, Table | str]] = []
    if len(rows) > MOST_SETTINGS:
        more.append((f"all {len(rows)} settings", Table(head, rows)))
    failed = [(run.label, run.seed, run.reason or "") for run in runs if run.status == "failed"]
    if failed:
        more.append(("what failed", Table(("setting", "seed", "reason"), failed)))
    asked = [(name, value) for name, value in sweep.specification.items()]
    more.append(("specification", Table(("field", "value"), asked)))
    label = runs[0].label if runs else "…"
    next_ = f"sweep.run({label!r})\nds = sweep.dataset()\ngs.figures.sweep_curves(ds)"
    more.append(("what to type next", next_))
    total = Counter(run.status for run in runs)
    said = ", ".join(f"{number} {status}" for status, number in total.items())
    return Card(
        f"Sweep {sweep.name}: {_count(len(runs), 'run')} of {_count(len(counted), 'setting')}",
        [said],
        tables=[Table(head, rows[:MOST_SETTINGS])],
        more=more,
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
