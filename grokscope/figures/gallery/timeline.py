"""All events on one time line, each with its interval."""

from collections.abc import Sequence

import plotly.graph_objects as go
import xarray as xr

from grokscope.errors import RequestError
from grokscope.figures.declare import figure
from grokscope.figures.marks import event_words, interval_words, mark
from grokscope.figures.series import plain
from grokscope.figures.theme import BLUE, GREY, PALE, SKY, dress
from grokscope.transitions.transition import Transition, Transitions


@figure("Events on a time line")
def timeline(
    ds: xr.Dataset,
    transitions: Transitions | None = None,
    *,
    log_steps: bool = False,
    events: Sequence[str] | None = None,
) -> go.Figure:
    """Each event's interval as a bar that ends in a tick at the step where it was first seen.

    Open triangles are events not seen up to the last step looked at; events that nothing could be
    looked at for are named without a mark. Light blue: with the key frequencies of each step
    itself instead of the final ones.

    Parameters
    ----------
    ds
        A run's Dataset (its steps set the range).
    transitions
        The run's events.
    log_steps
        Whether the step axis is logarithmic (step 0 is then not shown).
    events
        Names of the events to show (default: all).

    Raises
    ------
    RequestError
        Without transitions, or when none of the events is known.
    """
    if transitions is None:
        raise RequestError("figure 'timeline' was given no transitions", todo="pass transitions")
    shown = [e for e in transitions if events is None or e.name in events]
    shown.sort(key=_when)
    if not shown:
        raise RequestError("none of the events", ", ".join(e.name for e in transitions))
    fig = go.Figure()
    steps = _steps(ds, shown)
    left = max(steps[0], 1.0) if log_steps else steps[0]
    place = {e.name: number for number, e in enumerate(shown)}
    seen = [e for e in shown if e.high is not None]
    x: list[float | None] = []
    y: list[float | None] = []
    for event in seen:
        high = float(event.high or 0)
        low = high if event.low is None else float(event.low)
        x += [max(low, left), high, None]
        y += [place[event.name], place[event.name], None]
    fig.add_scatter(
        x=x, y=y, mode="lines", line=dict(color=PALE, width=9), hoverinfo="skip", name="interval"
    )
    current = [e.name.endswith("_current") for e in seen]
    for flag, name, colour in ((False, "first seen", BLUE), (True, "current keys", SKY)):
        chosen = [e for e, c in zip(seen, current, strict=True) if c is flag]
        _marks(fig, chosen, [e.high for e in chosen], place, name, colour, "line-ns")
    open_ended = [e for e in shown if e.high is None and e.low is not None]
    _marks(fig, open_ended, [e.low for e in open_ended], place, "not seen by here", GREY,
           "triangle-right-open")  # fmt: skip
    words = [
        event_words(e.name) + (" (never looked at)" if e.high is None and e.low is None else "")
        for e in shown
    ]
    fig.update_yaxes(
        tickvals=list(range(len(shown))), ticktext=[plain(word) for word in words],
        range=[len(shown) - 0.4, -0.6], ticks="", gridcolor="#F3F3F3",
    )  # fmt: skip
    lines = max(len(shown), 4)
    dress(fig, height=110 + 22 * lines, single=45 + 14 * lines)
    mark(fig, transitions, steps, log_steps=log_steps, events=())
    if not log_steps:
        margin = 0.02 * (steps[1] - steps[0])
        fig.update_xaxes(range=[steps[0] - margin, steps[1] + margin])
    return fig


def _when(event: Transition) -> tuple[bool, bool, int]:
    """Sort by the step first seen; then what was not seen, then what was never looked at."""
    return event.high is None, event.low is None and event.high is None, event.high or 0


def _marks(
    fig: go.Figure, events: Sequence[Transition], at: Sequence[int | None], place: dict[str, int],
    name: str, colour: str, symbol: str,
) -> None:  # fmt: skip
    if events:
        fig.add_scatter(
            x=[float(step or 0) for step in at], y=[place[e.name] for e in events], name=name,
            mode="markers", cliponaxis=False,
            marker=dict(color=colour, symbol=symbol, size=5, line=dict(color=colour, width=2)),
            text=[
                plain(f"{event_words(e.name)}: {interval_words(e)}") + f"<br>{plain(e.definition)}"
                for e in events
            ],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip


def _steps(ds: xr.Dataset, events: Sequence[Transition]) -> tuple[float, float]:
    found = [float(s) for e in events for s in (e.low, e.high) if s is not None]
    for axis in ("step", "metric_step"):
        if axis in ds.coords and ds.sizes[axis]:
            found += [float(ds[axis].values.min()), float(ds[axis].values.max())]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
