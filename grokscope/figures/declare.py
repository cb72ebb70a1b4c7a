"""What a figure says about itself: its title, what it needs, what it draws, where that is from."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import plotly.graph_objects as go
import xarray as xr

from grokscope.errors import RequestError
from grokscope.figures.alternative import alternative_text
from grokscope.figures.series import has, long_name, missing, plain
from grokscope.transitions.transition import Transitions

Draw = Callable[..., go.Figure]


@runtime_checkable
class Drawing(Protocol):
    """A figure: call it with a Dataset, and with transitions for phases and events."""

    __name__: str
    title: str
    needs: tuple[tuple[str, ...], ...]
    uses: tuple[str, ...]

    def __call__(
        self, ds: xr.Dataset, transitions: Transitions | None = None, **options: Any
    ) -> go.Figure:
        """Draw the figure; RequestError where the Dataset lacks what it needs."""
        ...


@dataclass(frozen=True)
class Definition:
    """One variable of a figure: its name, its words, its formula and where that is from."""

    variable: str
    long_name: str
    formula: str
    source: str


def figure(
    title: str, *, needs: Sequence[Sequence[str]] = (), uses: Sequence[str] = ()
) -> Callable[[Draw], Drawing]:
    """Declare a figure.

    Parameters
    ----------
    title
        What is shown, in a few words.
    needs
        Groups of variables; of each group at least one must be there with a finite value.
    uses
        Further variables that are drawn where they are there.

    Raises
    ------
    RequestError
        By the figure: when the data set lacks what it needs.
    """

    def declare(draw: Draw) -> Drawing:
        @functools.wraps(draw)
        def drawn(
            ds: xr.Dataset, transitions: Transitions | None = None, **options: Any
        ) -> go.Figure:
            reason = why_not(cast(Drawing, drawn), ds)
            if reason:
                todo = "analyse with the measures that give them"
                raise RequestError(f"figure '{draw.__name__}' {reason}", todo=todo)
            fig = draw(ds, transitions, **options)
            meta = dict(fig.layout.meta or {})
            meta |= {"name": draw.__name__, "title": title}
            fig.layout.meta = meta | {"alternative": alternative_text(fig, title)}
            return fig

        drawn.title = title  # type: ignore[attr-defined]
        drawn.needs = tuple(tuple(group) for group in needs)  # type: ignore[attr-defined]
        drawn.uses = tuple(uses)  # type: ignore[attr-defined]
        return cast(Drawing, drawn)

    return declare


def why_not(drawing: Drawing, ds: xr.Dataset) -> str:
    """Return in one line why a figure cannot be drawn from `ds`, or nothing."""
    lacking = missing(ds, drawing.needs)
    return f"has nothing to draw: no finite value of {', nor of '.join(lacking)}" if lacking else ""


def summary(drawing: Drawing) -> str:
    """Return what the figure's docstring says before its parameters: what is shown, how to read it."""
    return " ".join((drawing.__doc__ or "").split("\n    Parameters\n")[0].split())


def definitions(drawing: Drawing, ds: xr.Dataset) -> list[Definition]:
    """Return the definition and source of every variable that the figure draws from `ds`."""
    names = [name for group in drawing.needs for name in group] + list(drawing.uses)
    return [
        Definition(
            name,
            long_name(ds, name),
            str(ds[name].attrs.get("formula", "")),
            str(ds[name].attrs.get("source", "")),
        )
        for name in dict.fromkeys(names)
        if has(ds, name)
    ]


def caption(drawing: Drawing, ds: xr.Dataset) -> str:
    """Return the caption as plain text: title, reading, the run, definitions and sources."""
    told = [f"{drawing.title}. {summary(drawing)}"]
    run = ds.attrs.get("run")
    if run:
        told.append(f"Run: {run} ({ds.attrs.get('task_formula', ds.attrs.get('task', ''))}).")
    for item in definitions(drawing, ds):
        source = f" [{item.source}]" if item.source else ""
        told.append(f"{item.long_name}: {item.formula or 'no formula given'}{source}.")
    return " ".join(told)


__all__ = [
    "Definition", "Drawing", "caption", "definitions", "figure", "plain", "summary", "why_not",
]  # fmt: skip
