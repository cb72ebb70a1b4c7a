"""`gs.explore`: a slider over the steps of a figure, in a notebook."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.errors import GrokscopeError, RequestError

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import xarray

    from grokscope.notebook.explorer import Explorer
    from grokscope.runs.run import Run
    from grokscope.transitions import Transitions


def explore(
    source: "Run | xarray.Dataset | str | Path",
    what: "str | Callable[..., go.Figure]" = "final_spectrum",
    *,
    steps: Sequence[int] | None = None,
    at: int | None = None,
    transitions: "Transitions | None" = None,
    **options: Any,
) -> "Explorer":
    """Return a slider over the steps of a figure; the arrow keys, Home and End move it.

    A figure of one step is drawn at the slider's step, and so is one of the final step, from the run: what it shows is
    measured there. A figure over all steps gets a line at the slider's step. Each is made when the slider first
    reaches it.

    Parameters
    ----------
    source
        A run or its directory (its analysis on disk is used, nothing is analysed), or a dataset of `gs.analyze`.
    what
        Name of a figure of a run (`gs.figures.NAMES`, `gs.figures.SNAPSHOT_NAMES`), the figure function itself, or any
        function of a `Snapshot` that gives a plotly figure.
    steps
        Where the slider stops; every checkpoint where None.
    at
        Where it begins (the nearest step of these); the last where None.
    transitions
        Events for the words beside the slider; those of the dataset where None.
    **options
        For the figure.

    Raises
    ------
    RequestError
        For an unknown figure, one that needs the run or its dataset where that is not there, a step without a
        checkpoint, or without anywidget (the extra `notebook`).

    Examples
    --------
    >>> gs.explore("checkpoints/demo-seed0", "neuron_activations")  # doctest: +SKIP
    >>> gs.explore(run, lambda snap: px.imshow(snap.W_E))  # doctest: +SKIP
    """
    try:
        from grokscope.notebook.explorer import Explorer
    except ImportError as error:
        raise RequestError(
            "the slider needs anywidget, which is missing",
            todo="install the extra 'grokscope[notebook]'",
        ) from error
    from grokscope.notebook.frames import frames_of

    run, ds = _opened(source)
    events = _events(run, ds) if transitions is None else transitions
    frames = frames_of(run, ds, what, steps, events, options)
    position = None
    if at is not None:
        position = min(range(len(frames.steps)), key=lambda i: abs(frames.steps[i] - at))
    return Explorer(frames, position)


def _opened(source: Any) -> "tuple[Run | None, xarray.Dataset | None]":
    """Return the run and the dataset that `source` stands for; of a run the dataset on disk, if there is one."""
    import xarray

    from grokscope.analysis import read_dataset
    from grokscope.pipeline import DATASET_FILE
    from grokscope.runs.run import Run, open_run

    if isinstance(source, xarray.Dataset):
        return None, source
    if not isinstance(source, Run | str | Path):
        raise RequestError(f"a {type(source).__name__}", "a run, its directory, or a dataset")
    run = source if isinstance(source, Run) else open_run(source)
    file = run.path / DATASET_FILE
    return run, read_dataset(file) if file.is_file() else None


def _events(run: "Run | None", ds: "xarray.Dataset | None") -> "Transitions | None":
    from grokscope.notebook.of_run import known_events
    from grokscope.transitions import transitions

    try:
        if ds is not None:
            return transitions(ds)
        return None if run is None else known_events(run)[0]
    except GrokscopeError:
        return None  # an imported snapshot has no events; the slider does without
