"""What a slider shows: the steps, and the figure at each, drawn when it is asked for and kept.

Three kinds of figures: of one step (an option `step`, or a snapshot), of the final step, which are measured at the step
that is asked for, and curves over all steps, in which a line marks the step.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from grokscope.errors import RequestError, nearest
from grokscope.figures import FIGURES, SNAPSHOT_FIGURES, SWEEP_NAMES
from grokscope.figures.declare import why_not
from grokscope.figures.labels import figure_json
from grokscope.notebook.where import where_in_run
from grokscope.transitions.transition import Transitions

if TYPE_CHECKING:
    import xarray

    from grokscope.runs.run import Run

Draw = Callable[[int], go.Figure]
STEP_DIMS = ("step", "metric_step")


@dataclass
class Frames:
    """The figures of a slider.

    Attributes
    ----------
    name
        What is shown.
    steps
        Ascending.
    draw
        Step -> figure.
    events
        Of the run, for the words at a step; None where they are not known.
    """

    name: str
    steps: tuple[int, ...]
    draw: Draw
    events: Transitions | None = None
    _kept: dict[int, str] = field(default_factory=dict)

    def figure(self, position: int) -> str:
        """Return the figure at a position of the slider as JSON."""
        step = self.steps[position]
        if step not in self._kept:
            fig = self.draw(step)
            if not isinstance(fig, go.Figure):
                raise RequestError(
                    f"{self.name} gave {type(fig).__name__} at step {step}", "a plotly figure"
                )
            # What is zoomed in stays so at the next step; a slider inside a slider would be one too many.
            fig.layout.sliders = []
            fig.layout.uirevision = self.name
            self._kept[step] = figure_json(fig)
        return self._kept[step]

    def words(self, position: int) -> str:
        """Return the step, its phase and the events that lie there."""
        step = self.steps[position]
        where = "" if self.events is None else where_in_run(self.events, step)
        return f"step {step:,}" + (f" · {where}" if where else "")


def frames_of(
    run: "Run | None",
    ds: "xarray.Dataset | None",
    what: "str | Callable[..., go.Figure]",
    steps: Sequence[int] | None,
    events: Transitions | None,
    options: dict[str, Any],
) -> Frames:
    """Return the frames of a figure by its name, of a function of the gallery, or of a function of a snapshot.

    Raises
    ------
    RequestError
        For an unknown figure, one that needs the run where only its dataset is there, or steps without a checkpoint.
    """
    figure = _figure(what)
    name = getattr(figure, "__name__", "figure")
    if not (hasattr(figure, "needs") and name in FIGURES):
        own = _needed(run, name)
        there = chosen_steps(own.steps, steps)
        return Frames(name, there, lambda s: figure(own.snapshot(s), **options), events)
    if "step" in inspect.signature(figure).parameters:
        ds = _dataset(ds, name, figure)
        there = chosen_steps(ds["step"].values.tolist(), steps)
        return Frames(name, there, lambda s: figure(ds, events, step=s, **options), events)
    if _is_of_final_step(figure, ds):
        run = _needed(run, name)
        there = chosen_steps(run.steps, steps)
        wanted = _measures_of(figure)
        return Frames(name, there, lambda s: _measured(run, s, wanted, figure, events, options), events)  # fmt: skip
    ds = _dataset(ds, name, figure)
    curve = figure(ds, events, **options)
    there = chosen_steps(ds["step"].values.tolist(), steps)
    return Frames(name, there, lambda s: marked(curve, s), events)


def chosen_steps(there: Sequence[int], asked: Sequence[int] | None) -> tuple[int, ...]:
    """Return the steps asked for, ascending, all where None.

    Raises
    ------
    RequestError
        For none, or one that is not there.
    """
    chosen = tuple(sorted(set(there if asked is None else asked)))
    strange = sorted(set(chosen) - set(there))
    if strange or not chosen:
        given = f"no checkpoint at {strange[0]}" if strange else "no step"
        raise RequestError(given, f"of {', '.join(map(str, sorted(there)[:12]))}, ...")
    return chosen


def marked(fig: go.Figure, step: int) -> go.Figure:
    """Return a copy of a figure over training steps with a line at `step` in each of its panels.

    Raises
    ------
    RequestError
        Where no axis of the figure is one of training steps.
    """
    copy = go.Figure(fig)
    panels = 0
    for x, y in _panels(copy):
        if "training step" not in _step_title(copy, x):
            continue
        panels += 1
        at = max(step, 1) if copy.layout[_long(x)].type == "log" else step
        copy.add_shape(
            name="slider", type="line", xref=x, yref=f"{y} domain", x0=at, x1=at, y0=0, y1=1,
            line=dict(color="#D55E00", width=2),
        )  # fmt: skip
    if not panels:
        name = (fig.layout.meta or {}).get("name", "it")
        raise RequestError(f"{name} has no axis of training steps", "a figure over steps")
    return copy


def _figure(what: "str | Callable[..., go.Figure]") -> Callable[..., go.Figure]:
    if callable(what):
        return what
    for gallery in (FIGURES, SNAPSHOT_FIGURES):
        if what in gallery:
            return gallery[what]
    names = [*FIGURES, *SNAPSHOT_FIGURES]
    given = "figure" if what not in SWEEP_NAMES else "figure of a run"
    raise RequestError(
        f"unknown {given} '{what}'",
        f"{', '.join(names)}, or a function of a snapshot",
        nearest(str(what), names),
    )


def _needed(run: "Run | None", name: str) -> "Run":
    if run is None:
        raise RequestError(
            f"'{name}' is drawn anew from each checkpoint, which a dataset does not have",
            "the run, or its directory",
        )
    return run


def _dataset(ds: "xarray.Dataset | None", name: str, figure: Any) -> "xarray.Dataset":
    if ds is None:
        raise RequestError(
            f"'{name}' is drawn from the run's dataset, and the run has none on disk",
            todo="ds = gs.analyze(run); gs.explore(ds, ...)",
        )
    reason = why_not(figure, ds)
    if reason:
        raise RequestError(f"figure '{name}' {reason}", todo="analyse with what gives them")
    return ds


def _measures_of(figure: Any) -> list[str]:
    """Return the measures that give what a figure draws."""
    from grokscope.measures import catalogue

    wanted = {name for group in figure.needs for name in group} | set(figure.uses)
    return [m.name for m in catalogue() if set(m.outputs) & wanted]


def _is_of_final_step(figure: Any, ds: "xarray.Dataset | None") -> bool:
    """Return whether what a figure needs is measured at the final step alone."""
    from grokscope.measures import catalogue

    needed = {name for group in figure.needs for name in group}
    found = [m for m in catalogue() if set(m.outputs) & needed]
    if found:
        return all(m.at == "final" for m in found)
    return ds is not None and not any(
        dim in ds[name].dims for name in needed & set(ds.variables) for dim in STEP_DIMS
    )


def _measured(
    run: "Run",
    step: int,
    measures: list[str],
    figure: Any,
    events: Transitions | None,
    options: dict[str, Any],
) -> go.Figure:
    from grokscope.analysis import analyze

    # The cache on disk is of the final step: it is left alone.
    ds = analyze(run, measures or ["performance"], steps=[step], cache=False)
    return figure(ds, events, **options)


def _panels(fig: go.Figure) -> list[tuple[str, str]]:
    """Return (x axis, y axis) of each panel, once: several y axes may share an x axis."""
    found = [(t.xaxis or "x", t.yaxis or "y") for t in fig.data if hasattr(t, "xaxis")]
    return list(dict.fromkeys(found))


def _long(x: str) -> str:
    return f"xaxis{x[1:]}"


def _step_title(fig: go.Figure, x: str) -> str:
    """Return the title of an x axis, or of the one below it that shares its steps."""
    title = fig.layout[_long(x)].title.text or ""
    if title:
        return str(title)
    mates = [
        axis for axis in fig.select_xaxes()
        if axis.matches == x or fig.layout[_long(x)].matches == axis.plotly_name.replace("axis", "")
    ]  # fmt: skip
    return " ".join(str(axis.title.text or "") for axis in mates)
