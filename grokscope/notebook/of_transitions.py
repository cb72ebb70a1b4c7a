"""Events, as a notebook shows them: a bar for the interval of each, a table, the definitions folded away."""

from collections.abc import Iterable

from grokscope.notebook.card import Card, Table
from grokscope.notebook.small_figures import intervals
from grokscope.transitions.transition import UNSEEN, Transition, Transitions

MAIN = (
    "memorised", "circuit_onset", "online_onset", "off_chance", "circuit_formed", "grokked_99",
    "cleanup", "collapsed", "diverged",
)  # fmt: skip
"""Events that are shown at once; the others are variants of them."""


def transitions_card(events: Transitions) -> Card:
    """Return what is shown of all events: those that were seen or missed, without those not looked at."""
    looked_at = Transitions([event for event in events if event.when != UNSEEN])
    main = Transitions([event for event in looked_at if event.name in MAIN]) or looked_at
    others = [event.name for event in events if event.when == UNSEEN]
    seen = sum(not event.censored for event in events)
    lines = [_delay(events)]
    if others:
        lines.append(f"Not looked at: {', '.join(others)}.")
    return Card(
        f"Transitions: {seen} of {len(events)} events seen",
        lines,
        intervals(list(main), events.last or 0),
        [events_table(main)],
        [
            (f"all {len(events)} events", events_table(events)),
            ("definitions", _definitions(events)),
        ],
    )


def transition_card(event: Transition) -> Card:
    """Return what is shown of one event."""
    return Card(
        f"{event.name}: {event.when}",
        [event.definition, event.note],
        tables=[Table(("rows", "after", "at the latest"), [(event.rows, _step(event.low), _step(event.high))])],
    )  # fmt: skip


def events_table(events: Iterable[Transition]) -> Table:
    """Return a row for each event; those that were not seen in a weaker colour."""
    listed = list(events)
    rows = [(e.name, e.when, e.rows) for e in listed]
    faint = frozenset(i for i, event in enumerate(listed) if event.censored)
    return Table(("event", "step", "rows"), rows, faint)


def _definitions(events: Transitions) -> Table:
    rows = [(e.name, e.definition, e.note) for e in events]
    return Table(("event", "definition", "note"), rows)


def _delay(events: Transitions) -> str:
    found = events.summary()["delay"]
    if not isinstance(found, list):
        return ""
    low, high = found
    if high is None:
        return f"Grokked more than {low:,} steps after memorising, if at all."
    return f"Grokked {low:,} to {high:,} steps after memorising."


def _step(step: int | None) -> str:
    return "–" if step is None else f"{step:,}"
