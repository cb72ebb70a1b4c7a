"""Several runs side by side: what `gs.compare` returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from grokscope.comparison.align import alignment
from grokscope.comparison.event_numbers import events_dataset, group_numbers, run_numbers
from grokscope.comparison.event_tables import delays_table, events_table, groups_table
from grokscope.comparison.groups import Group, differing, group_runs
from grokscope.comparison.loading import find_runs, is_analysed, load, named
from grokscope.comparison.member import Member
from grokscope.comparison.settings_table import common_line, settings_table
from grokscope.comparison.table import Table
from grokscope.comparison.value_table import value_table
from grokscope.errors import RequestError

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import xarray as xr

    from grokscope.figures.declare import Drawing


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs side by side. Make one with `gs.compare`.

    Attributes
    ----------
    members
        The runs, each with its Dataset and events.
    groups
        Which of them are drawn and counted together.
    notes
        What a reader should know of all that follows: runs that are not there, analyses that are behind.
    """

    members: tuple[Member, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the runs are called."""
        return tuple(m.name for m in self.members)

    @cached_property
    def events(self) -> "xr.Dataset":
        """Every event of every run: event_low, event_high, censored along (run, event); `group` beside the run."""
        return events_dataset(self.members, self.groups)

    @property
    def common(self) -> str:
        """The settings that all runs have, in a line."""
        return common_line(self.members)

    @property
    def tables(self) -> dict[str, Table]:
        """The tables of settings, of events and of delays; over groups, too, where one has several runs."""
        found = {
            "settings": settings_table(self.members, self.groups),
            "events": events_table(self.members),
            "delays": delays_table(self.members),
        }
        if any(group.size > 1 for group in self.groups):
            found["groups"] = groups_table(self.members, self.groups)
        return found

    def table(self, variable: str, at: str | int | None = None) -> Table:
        """Return any variable of the runs side by side.

        Parameters
        ----------
        variable
            Name of a variable of their Datasets; or verdict, algorithm.
        at
            A step, or the name of an event: read at the first checkpoint at or after the step at which it was first
            seen in that run. The last step where None.

        Raises
        ------
        RequestError
            For a variable or an event that no run has, or more values than a table can show.
        """
        return value_table(self.members, variable, at)

    @property
    def figures(self) -> list[str]:
        """Names of the figures that at least one of the runs can fill."""
        from grokscope.figures import NAMES, available

        having = {name for m in self.members for name in available(m.ds)}
        return [name for name in NAMES if name in having]

    def figure(
        self,
        name: "str | Drawing",
        *,
        align: str | None = None,
        relative: bool = False,
        log_steps: bool | None = None,
        at_least: int | None = None,
        columns: int = 2,
        **options: Any,
    ) -> "go.Figure":
        """Draw any figure of a run for all runs.

        Curves over steps: one figure, a line for each group, over several runs their median with a band. The time
        line: the events of all runs. Any other figure: a copy for each run, on the same axes.

        Parameters
        ----------
        name
            Name of a figure of a run, or a figure that you declared yourself.
        align
            "step", or an event that is put at 0: steps are counted from the evaluation at which it was first seen.
            Runs that did not see it are left out, and named in the caption.
        relative
            Whether a run's steps are divided by the event's step instead; the event lies at 1.
        log_steps
            Whether the axis across is logarithmic; where None it is if `relative`. Steps counted from an event cannot.
        at_least
            How many runs of a group a place needs for median and band; all of them where None.
        columns
            Runs beside each other where each has its own copy.
        **options
            The figure's own.

        Returns
        -------
        plotly.graph_objects.Figure
            With caption and text alternative in `layout.meta`, to be written by `gs.figures.save` or `publish`.

        Raises
        ------
        RequestError
            For an unknown figure or event, or where no run has what it needs.

        Examples
        --------
        >>> gs.compare("sweeps/demo").figure("progress", align="grokked_99")  # doctest: +SKIP
        """
        from grokscope.comparison.drawing import Choices, draw
        from grokscope.figures import FIGURES

        drawing = FIGURES[name] if isinstance(name, str) else name
        place = alignment(align, relative, self.members)
        log = relative if log_steps is None else log_steps
        if log and place.event is not None and not relative:
            raise RequestError(
                "a logarithmic axis of steps counted from an event", "relative, or a linear axis"
            )
        for what, value in (("at_least", at_least), ("columns", columns)):
            if value is not None and value < 1:
                raise RequestError(f"{what} = {value}", "1 or more")
        choices = Choices(place, log, at_least, columns)
        return draw(drawing, self.members, self.groups, choices, options)

    def to_json(self) -> dict[str, Any]:
        """Return what `grokscope compare --json` prints: settings, events and delays of runs and groups, as numbers."""
        return {
            "runs": [
                {
                    "name": m.name,
                    "path": None if m.path is None else str(m.path),
                    "settings": {name: m.fields.get(name) for name in differing(self.members)},
                    **run_numbers(m),
                }
                for m in self.members
            ],
            "common": self.common,
            "groups": [
                {
                    "name": group.name,
                    "runs": [self.members[i].name for i in group.members],
                    **group_numbers([self.members[i] for i in group.members]),
                }
                for group in self.groups
            ],
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        groups = "; ".join(f"{g.name} ({g.size})" for g in self.groups)
        return f"Comparison of {len(self.members)} runs in {len(self.groups)} groups: {groups}"

    def _repr_html_(self) -> str:
        import html

        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return notes + "".join(table._repr_html_() for table in self.tables.values())


def compare(
    *runs: Any,
    names: Sequence[str] | None = None,
    group_by: str | Sequence[str] | None = None,
    on_run: Callable[[str, int], Callable[[int, int], None] | None] | None = None,
) -> Comparison:
    """Put several runs side by side: settings, events, any variable, and any figure of a run.

    Parameters
    ----------
    *runs
        Runs, their directories, sweeps or their folders (each stands for its runs), or Datasets of runs; a list of
        these too. What was not analysed yet is analysed first.
    names
        What the runs are called, in their order; folder names, or seeds of a sweep, where None.
    group_by
        Fields in which the runs of a group agree. Where None, runs that differ in nothing but their seeds are a group;
        "none": each run is one.
    on_run
        Called with a run's name and its number of checkpoints before it is analysed; it may return what is called with
        (done, total) after each checkpoint.

    Returns
    -------
    Comparison
        With `events`, `tables`, `table(variable, at)` and `figure(name, align)`.

    Raises
    ------
    RequestError
        For a folder that is neither run nor sweep, the same run twice, no run, or a field that no run has.

    Examples
    --------
    >>> both = gs.compare("checkpoints/demo", "checkpoints/demo-no-decay")  # doctest: +SKIP
    >>> both.figure("progress", align="memorised")  # doctest: +SKIP
    """
    given = [
        source for item in runs for source in (item if isinstance(item, list | tuple) else [item])
    ]
    found, said = find_runs(given)
    members = []
    for one in named(found, names):
        listener = None
        if on_run is not None and one.run is not None and not is_analysed(one.run):
            listener = on_run(one.name, len(one.run.steps))
        members.append(load(one, listener))
    by = group_by.split(",") if isinstance(group_by, str) else group_by
    fields = None if by is None else [name.strip() for name in by]
    notes = [*said, *(note for m in members for note in m.notes)]
    return Comparison(tuple(members), tuple(group_runs(members, fields)), tuple(notes))
