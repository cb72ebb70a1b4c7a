"""A transition is a named event with an interval and its definition in words; a run has several.

What a run did is read off them: the delay between memorising and grokking, the lead of an alarm, the
phases to mark in a figure. Every such number is an interval too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from typing import TYPE_CHECKING, overload

from grokscope.errors import RequestError, nearest

if TYPE_CHECKING:
    from rich.table import Table

ALARMS = ("circuit_onset", "circuit_onset_current", "online_onset", "circuit_formed")
TARGETS = ("off_chance", "grokked_99")
UNSEEN = "not looked at"
MAX_STEP = 10**12


@dataclass(frozen=True)
class Transition:
    """An event: ``low < step <= high``, or censored.

    Attributes
    ----------
    name
        Which event.
    low
        The evaluation before; None where the event was there at the first evaluation already. For a
        censored event the last step looked at, None where there was nothing to look at.
    high
        The evaluation at which the event was first seen; None for a censored event.
    censored
        Whether the event was not seen.
    definition
        What the event is, in words and with its numbers.
    rows
        The rows it is read from.
    note
        Why it is censored or open below, and anything a reader of the interval should know.
    """

    name: str
    low: int | None
    high: int | None
    censored: bool
    definition: str
    rows: str
    note: str = ""

    def __post_init__(self) -> None:
        assert self.censored == (self.high is None), self
        assert self.low is None or self.high is None or self.low < self.high, self

    @property
    def when(self) -> str:
        """The interval in words: "(100, 200]", "by 0", "not by 5000", "not looked at"."""
        if self.high is not None:
            return f"by {self.high}" if self.low is None else f"({self.low}, {self.high}]"
        return UNSEEN if self.low is None else f"not by {self.low}"

    def to_json(self) -> dict[str, object]:
        """As one entry of transitions.json."""
        return asdict(self)


@dataclass(frozen=True)
class Gap:
    """How far one event lies after another: an interval; high None means no upper bound.

    There is no upper bound where the later event was not seen before the run ended.
    """

    low: int | float
    high: int | float | None

    def to_json(self) -> list[int | float | None]:
        """As [low, high]."""
        return [self.low, self.high]


def gap(earlier: Transition | None, later: Transition | None) -> Gap | None:
    """Steps from one event to another: (b.low - a.high, b.high - a.low).

    None where the first was not seen, or the second never looked at. An event there at the first
    evaluation already may have come as early as step 0.
    """
    if earlier is None or earlier.high is None or later is None or later.when == UNSEEN:
        return None
    high = None if later.high is None else later.high - (earlier.low or 0)
    return Gap((later.low or 0) - earlier.high, high)


def ratio(earlier: Transition | None, later: Transition | None) -> Gap | None:
    """Step of one event over that of another, as an interval; None as for `gap`."""
    if earlier is None or not earlier.high or later is None or later.when == UNSEEN:
        return None
    high = None if later.high is None or not earlier.low else later.high / earlier.low
    return Gap((later.low or 0) / earlier.high, high)


class Transitions(Sequence[Transition]):
    """The transitions of one run, by position or by name.

    Parameters
    ----------
    events
        The events, in the order in which they are to be shown.

    Examples
    --------
    >>> memorised = Transition("memorised", 100, 200, False, "Train accuracy is high.", "train")
    >>> events = Transitions([memorised])
    >>> events["memorised"].high
    200
    """

    def __init__(self, events: Sequence[Transition]) -> None:
        self._events = tuple(events)
        self._by_name = {event.name: event for event in self._events}

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Transition]:
        return iter(self._events)

    def __contains__(self, item: object) -> bool:
        return item in self._by_name or item in self._events

    @overload
    def __getitem__(self, key: int | str) -> Transition: ...
    @overload
    def __getitem__(self, key: slice) -> "Transitions": ...
    def __getitem__(self, key: int | str | slice) -> "Transition | Transitions":
        if isinstance(key, slice):
            return Transitions(self._events[key])
        if isinstance(key, int):
            return self._events[key]
        if key not in self._by_name:
            names = ", ".join(self._by_name)
            raise RequestError(f"no transition '{key}'", names, nearest(key, self._by_name))
        return self._by_name[key]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the events, in order."""
        return tuple(self._by_name)

    @property
    def last(self) -> int | None:
        """The last step that any event knows of, None where nothing was looked at."""
        steps = [s for event in self for s in (event.low, event.high) if s is not None]
        return max(steps, default=None)

    def to_json(self) -> list[dict[str, object]]:
        """As the list that stands in transitions.json."""
        return [event.to_json() for event in self]

    @classmethod
    def from_json(cls, entries: object) -> "Transitions":
        """Read what `to_json` wrote.

        Raises
        ------
        RequestError
            Where it is no list, or an entry is not a transition: names and words that are no text, steps that are no
            whole numbers or below 0, an interval whose ends are the wrong way round.
        """
        if not isinstance(entries, list | tuple) or not all(map(_is_entry, entries)):
            raise RequestError(
                "a list with an entry that is no transition",
                "entries with name, low, high, censored, definition, rows, and note",
            )
        return cls([Transition(**entry) for entry in entries])

    def summary(self) -> dict[str, object]:
        """Summarise the run: the delay, the delay's ratio and the lead of each alarm.

        Returns
        -------
        dict
            ``delay`` = grokked_99 - memorised and ``delay_ratio`` = grokked_99 / memorised, each
            [low, high] or None; ``lead``: for each alarm seen, steps until twin-free accuracy left
            chance and until grokked_99. In [low, None] there is no upper bound: the later event
            was not seen before the run ended. A negative lead is an alarm that came too late.
        """
        memorised, grokked = self._get("memorised"), self._get("grokked_99")
        leads: dict[str, dict[str, list[int | float | None] | None]] = {}
        for alarm in ALARMS:
            found = self._get(alarm)
            if found is not None and not found.censored:
                leads[alarm] = {name: _json(gap(found, self._get(name))) for name in TARGETS}
        return {
            "delay": _json(gap(memorised, grokked)),
            "delay_ratio": _json(ratio(memorised, grokked)),
            "lead": leads,
        }

    def phases(self) -> list[tuple[str, int, int]]:
        """Stretches of the run to mark in a figure: (name, first step, last step).

        Memorisation until memorised; then circuit formation (only where there was a circuit onset,
        else "memorised") until cleanup, or until grokked_99 where no cleanup was located; cleanup;
        generalised from grokked_99 on. A stretch begins where its event was first seen; cleanup,
        which is fitted and not seen, at the middle of its interval.
        """
        last = self.last
        if last is None:
            return []
        marks = [("memorisation", 0)]
        if (memorised := self._seen("memorised")) is not None:
            onset = self._seen("circuit_onset") is not None
            marks.append(("circuit formation" if onset else "memorised", memorised))
        cleanup = self._get("cleanup")
        if cleanup is not None and cleanup.high is not None:
            marks.append(("cleanup", ((cleanup.low or 0) + cleanup.high) // 2))
        if (grokked := self._seen("grokked_99")) is not None:
            marks.append(("generalised", grokked))
        starts = [start for _, start in marks]
        found = []
        for index, (name, start) in enumerate(marks):
            end = min(starts[index + 1 :], default=last)
            if start < end:
                found.append((name, start, end))
        return found

    def _get(self, name: str) -> Transition | None:
        return self._by_name.get(name)

    def _seen(self, name: str) -> int | None:
        event = self._get(name)
        return None if event is None else event.high

    def __repr__(self) -> str:
        width = max((len(name) for name in self.names), default=0)
        lines = [f"  {event.name:<{width}}  {event.when}" for event in self]
        return "\n".join([f"Transitions ({len(self)} events)", *lines])

    def _repr_html_(self) -> str:
        head = "<tr><th>event</th><th>step</th><th>rows</th><th>definition</th><th>note</th></tr>"
        rows = [
            f'<tr class="{"censored" if event.censored else "seen"}">'
            + "".join(
                f"<td>{escape(cell)}</td>"
                for cell in (event.name, event.when, event.rows, event.definition, event.note)
            )
            + "</tr>"
            for event in self
        ]
        return f'<table class="transitions"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'

    def __rich__(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table("event", "step", "rows", "note")
        for event in self:
            style = "dim" if event.censored else ""
            words = (event.name, event.when, event.rows, event.note)
            # As text: rich would take [red] in a note for its own marks.
            table.add_row(*map(Text, words), style=style)
        return table


def _is_entry(entry: object) -> bool:
    """Return whether `Transition` can be made of an entry of transitions.json, which may be anybody's."""
    if not isinstance(entry, Mapping):
        return False
    known = {f.name for f in fields(Transition)}
    if not known - {"note"} <= set(entry) <= known:
        return False
    words = (entry["name"], entry["definition"], entry["rows"], entry.get("note", ""))
    low, high = entry["low"], entry["high"]
    return (
        all(isinstance(text, str) for text in words)
        and all(s is None or (type(s) is int and 0 <= s < MAX_STEP) for s in (low, high))
        and entry["censored"] is (high is None)
        and (low is None or high is None or low < high)
    )


def _json(found: Gap | None) -> list[int | float | None] | None:
    return None if found is None else found.to_json()
