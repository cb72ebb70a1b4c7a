"""What a figure says about itself: its title, what it needs, what it draws, where that is from."""

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, cast, runtime_checkable

import plotly.graph_objects as go
import xarray as xr

from grokscope.errors import RequestError
from grokscope.figures.alternative import alternative_text
from grokscope.figures.captions import (
    Definition,
    caption,
    definitions,
    events_told,
    options_told,
    settings_told,
    snapshot_settings,
    summary,
)
from grokscope.figures.series import missing, plain
from grokscope.transitions.transition import Transitions

Draw = Callable[..., go.Figure]


@runtime_checkable
class Declared(Protocol):
    """What every figure says about itself."""

    __name__: str
    title: str
    needs: tuple[tuple[str, ...], ...]
    uses: tuple[str, ...]


@runtime_checkable
class Drawing(Declared, Protocol):
    """A figure of a run: call it with a Dataset, and with transitions for phases and events."""

    def __call__(
        self, ds: xr.Dataset, transitions: Transitions | None = None, **options: Any
    ) -> go.Figure:
        """Draw the figure; RequestError where the Dataset lacks what it needs."""
        ...


@runtime_checkable
class SweepDrawing(Declared, Protocol):
    """A figure of a sweep: call it with the sweep's Dataset."""

    def __call__(self, ds: xr.Dataset, **options: Any) -> go.Figure:
        """Draw the figure; RequestError where the Dataset is of no sweep or lacks what it needs."""
        ...


@runtime_checkable
class SnapshotDrawing(Declared, Protocol):
    """A figure of one run at one step: call it with a Snapshot."""

    def __call__(self, source: Any, **options: Any) -> go.Figure:
        """Draw the figure."""
        ...


def figure(
    title: str, *, needs: Sequence[Sequence[str]] = (), uses: Sequence[str] = ()
) -> Callable[[Draw], Drawing]:
    """Declare a figure, a function of (Dataset, Transitions, **options).

    Its caption, with all settings, is in `layout.meta["caption"]`; what the function itself put into
    `meta["told"]` is part of it.

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
            told = [
                caption(cast(Drawing, drawn), ds),
                *(fig.layout.meta or {}).get("told", []),
                options_told(options),
                events_told(cast(Drawing, drawn), fig, transitions),
            ]
            return _told(fig, draw.__name__, title, told, settings_told(ds, cast(Drawing, drawn)))

        return cast(Drawing, _declared(drawn, title, needs, uses))

    return declare


def sweep_figure(
    title: str,
    *,
    needs: Sequence[Sequence[str]] = (),
    uses: Sequence[str] = (),
    unless: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Draw], SweepDrawing]:
    """Declare a figure of a sweep, a function of (Dataset, **options).

    The figure's caption, with what the function put into `meta["told"]`, is in `layout.meta["caption"]`.

    Parameters
    ----------
    title, needs, uses
        As for `figure`.
    unless
        Needed variable -> option that names another one to be drawn in its place.

    Raises
    ------
    RequestError
        By the figure: when the data set is of no sweep, or lacks what it needs.
    """

    def declare(draw: Draw) -> SweepDrawing:
        @functools.wraps(draw)
        def drawn(ds: xr.Dataset, **options: Any) -> go.Figure:
            asked = [group for group in needs if unless.get(group[0]) not in options]
            lacking = missing(ds, asked)
            if ds.attrs.get("kind") != "sweep":
                raise RequestError(
                    f"figure '{draw.__name__}' is drawn from a sweep, which this data set is not",
                    todo="give it the data set of gs.open_sweep(FOLDER)",
                )
            if lacking:
                raise RequestError(
                    f"figure '{draw.__name__}' {_nothing(lacking)}",
                    "a sweep with runs that were trained, and with these variables",
                )
            fig = draw(ds, **options)
            told = [
                caption(cast(SweepDrawing, drawn), ds),
                *(fig.layout.meta or {}).get("told", []),
                options_told(options),
            ]
            return _told(fig, draw.__name__, title, told, settings_told(ds))

        return cast(SweepDrawing, _declared(drawn, title, needs, uses))

    return declare


def snapshot_figure(title: str) -> Callable[[Draw], SnapshotDrawing]:
    """Declare a figure of one run at one step, a function of (Snapshot, **options); caption as `sweep_figure`."""

    def declare(draw: Draw) -> SnapshotDrawing:
        @functools.wraps(draw)
        def drawn(source: Any, **options: Any) -> go.Figure:
            fig = draw(source, **options)
            told = [f"{title}. {summary(cast(SnapshotDrawing, drawn))}"]
            told += [*(fig.layout.meta or {}).get("told", []), options_told(options)]
            return _told(fig, draw.__name__, title, told, snapshot_settings(source))

        return cast(SnapshotDrawing, _declared(drawn, title, (), ()))

    return declare


def _told(
    fig: go.Figure, name: str, title: str, told: Sequence[str], settings: Sequence[str]
) -> go.Figure:
    """Put into the figure's meta what it is called, its caption, and what it shows in words.

    The caption's first paragraph is what a reader is told, the others are what the figure was made with.
    """
    paragraphs = [" ".join(text for text in told if text), *settings]
    fig.layout.meta = dict(fig.layout.meta or {}) | {
        "name": name,
        "title": title,
        "caption": "\n\n".join(part for part in paragraphs if part),
        "alternative": alternative_text(fig, title),
    }
    return fig


def _declared(
    drawn: Callable[..., go.Figure], title: str, needs: Sequence[Sequence[str]], uses: Sequence[str]
) -> Any:
    drawn.title = title  # type: ignore[attr-defined]
    drawn.needs = tuple(tuple(group) for group in needs)  # type: ignore[attr-defined]
    drawn.uses = tuple(uses)  # type: ignore[attr-defined]
    return drawn


def why_not(drawing: Declared, ds: xr.Dataset) -> str:
    """Return in one line why a figure cannot be drawn from `ds`, or nothing."""
    lacking = missing(ds, drawing.needs)
    return _nothing(lacking) if lacking else ""


def _nothing(lacking: Sequence[str]) -> str:
    return f"has nothing to draw: no finite value of {', nor of '.join(lacking)}"


__all__ = [
    "Declared", "Definition", "Drawing", "SnapshotDrawing", "SweepDrawing", "caption", "definitions",
    "figure", "plain", "snapshot_figure", "summary", "sweep_figure", "why_not",
]  # fmt: skip
