"""Where an event of a run lies, for what works on the stretch around it: from its metrics, else from its analysis."""

from typing import TYPE_CHECKING

from grokscope.errors import RequestError, nearest
from grokscope.runs.metrics_dataset import metrics_dataset
from grokscope.runs.run import Run

if TYPE_CHECKING:
    import xarray

    from grokscope.transitions import Transition, Transitions

ALIASES = {"grokked": ("grokked_99", "grokked_95", "grokked_90", "grokked_50")}
"""A short name -> the events that it means, the first of them that was seen."""
ANALYSIS = "analysis.nc"


def locate(run: Run, name: str) -> "Transition":
    """Return an event of a run that was seen.

    What metrics.jsonl tells is read from there, and is of now; else analysis.nc is read, which may have fewer
    checkpoints than the run, but not another last one.

    Parameters
    ----------
    name
        The event; `grokked` is grokked_99, or the highest level that was seen.

    Raises
    ------
    RequestError
        For an unknown event (with the nearest one), one that was not seen, one that an analysis has to locate first.
    """
    from grokscope.transitions import transitions

    events = transitions(metrics_dataset(run))
    names = ALIASES.get(name, (name,))
    if not set(names) <= set(events.names):
        known = [*ALIASES, *events.names]
        raise RequestError(f"no event '{name}'", ", ".join(known), nearest(name, known))
    if all(events[each].when == "not looked at" for each in names):
        events = _analysed(run, names[0])
    seen = [events[each] for each in names if not events[each].censored]
    if not seen:
        raise RequestError(_unseen(run, name, events[names[0]]), "an event that was seen")
    return seen[0]


def around(run: Run, name: str, margin: int = 0) -> tuple[int, int]:
    """Return the interval (low, high) of an event, `margin` steps wider on both sides, as far as the run goes.

    Raises
    ------
    RequestError
        As `locate`, for a margin below 0, and for an event that was there at the first evaluation.
    """
    if margin < 0:
        raise RequestError(f"margin = {margin}", "0 or more")
    event = locate(run, name)
    assert event.high is not None
    if event.low is None:
        raise RequestError(
            f"{event.name} was there at the first evaluation, step {event.high}",
            "an event with an evaluation before it",
            f"say the steps: between 0 and {event.high}" if event.high else "",
        )
    last = max((*run.steps, *run.keyframes, event.high))
    return max(0, event.low - margin), min(last, event.high + margin)


def _unseen(run: Run, name: str, event: "Transition") -> str:
    why = f" ({event.note})" if event.note else ""
    return f"{name} was not seen in {run.path}, which was looked at until step {event.low}{why}"


def _analysed(run: Run, name: str) -> "Transitions":
    from grokscope.analysis import read_dataset
    from grokscope.transitions import transitions

    todo = f"grokscope analyze {run.path}"
    file = run.path / ANALYSIS
    if not file.is_file():
        raise RequestError(
            f"{name} is located by an analysis, and {run.path} has none", todo=f"first: {todo}"
        )
    ds = read_dataset(file)
    if not _is_of(ds, run):
        raise RequestError(f"{file} is older than the run", "one of now", f"first: {todo}")
    return transitions(ds)


def _is_of(ds: "xarray.Dataset", run: Run) -> bool:
    """Return whether a dataset is that of the run up to its last checkpoint; there may be more checkpoints now."""
    steps = [int(step) for step in ds["step"].values] if "step" in ds.coords else []
    if ds.attrs.get("config_hash") != run.config_hash or not steps:
        return False
    return set(steps) <= set(run.steps) and max(steps) == max(run.steps)
