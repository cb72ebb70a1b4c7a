"""From what a user names (folders, runs, a sweep, data sets) to the runs that are compared."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.comparison.member import Member, configured_fields
from grokscope.errors import RequestError
from grokscope.runs.run import Run, open_run
from grokscope.sweeps.folder import Sweep, open_sweep
from grokscope.sweeps.record import SWEEP_FILE
from grokscope.transitions.events import transitions

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Found:
    """A run that was named, not read yet: a directory, or a Dataset by itself."""

    name: str
    run: Run | None = None
    ds: "xr.Dataset | None" = None


def find_runs(given: Sequence[Any]) -> tuple[list[Found], list[str]]:
    """Return the runs that are named, a sweep standing for its runs, and lines on those of its runs that are not there.

    Raises
    ------
    RequestError
        For a folder that is neither a run nor a sweep, the same run twice, or no run at all.
    """
    found: list[Found] = []
    said: list[str] = []
    for source in given:
        if isinstance(source, str | Path) and (Path(source) / SWEEP_FILE).is_file():
            source = open_sweep(source)
        if isinstance(source, Sweep):
            runs, lines = _of_sweep(source)
            found += runs
            said += lines
        elif isinstance(source, Run | str | Path):
            run = source if isinstance(source, Run) else _opened(Path(source))
            found.append(Found(run.path.resolve().name, run))
        else:
            found.append(Found(str(source.attrs.get("run", f"run {len(found) + 1}")), ds=source))
    _check(found)
    return found, said


def _opened(path: Path) -> Run:
    if not path.is_dir():
        raise RequestError(f"{path} is no folder", "directories of runs, or a sweep's folder")
    return open_run(path)


def _of_sweep(sweep: Sweep) -> tuple[list[Found], list[str]]:
    runs, waiting = [], []
    records = sweep.runs
    many = len({record.label for record in records}) > 1
    for record in records:
        name = f"{record.label}, seed {record.seed}" if many else f"seed {record.seed}"
        if record.status in ("not started", "failed"):
            waiting.append(f"{name} ({record.status})")
        else:
            runs.append(Found(name, open_run(sweep.path / record.folder)))
    lines = [f"of sweep {sweep.name} left out: {'; '.join(waiting)}"] if waiting else []
    return runs, lines


def _check(found: Sequence[Found]) -> None:
    if not found:
        raise RequestError("no run to compare", "directories of runs, or a sweep with runs in it")
    places = Counter(str(f.run.path.resolve()) for f in found if f.run is not None)
    twice = [place for place, count in places.items() if count > 1]
    if twice:
        raise RequestError(f"the run {twice[0]} is given twice", "each run once")


def named(found: Sequence[Found], names: Sequence[str] | None) -> list[Found]:
    """Return the runs under the names given, or with names that tell them apart.

    Raises
    ------
    RequestError
        For too few or too many names, or the same one twice.
    """
    if names is None:
        return _apart(found)
    chosen = [str(name) for name in names]
    if len(chosen) != len(found) or len(set(chosen)) < len(chosen):
        raise RequestError(
            f"{len(chosen)} names, {len(set(chosen))} of them different, for {len(found)} runs",
            "a name of its own for each run, in their order",
        )
    return [replace(f, name=name) for f, name in zip(found, chosen, strict=True)]


def _apart(found: Sequence[Found]) -> list[Found]:
    """Put the folder above before names that stand more than once, then a number."""
    count = Counter(f.name for f in found)
    wider = []
    for f in found:
        if count[f.name] > 1 and f.run is not None:
            path = f.run.path.resolve()
            above = path.parent.parent if path.parent.name == "runs" else path.parent
            f = replace(f, name=f"{above.name}/{f.name}")
        wider.append(f)
    count, seen, done = Counter(f.name for f in wider), Counter[str](), []
    for f in wider:
        seen[f.name] += 1
        done.append(replace(f, name=f"{f.name} ({seen[f.name]})") if count[f.name] > 1 else f)
    return done


def load(found: Found, on_step: Callable[[int, int], None] | None = None) -> Member:
    """Read a run's analysis, or make it first where there is none (`on_step` is called as by `analyze`)."""
    if found.run is None:
        assert found.ds is not None
        return Member(found.name, found.ds, transitions(found.ds), configured_fields(found.ds))
    from grokscope.analysis import analyze, read_dataset
    from grokscope.pipeline import analyse_run

    run = found.run
    if is_analysed(run):
        ds = read_dataset(run.path / _file())
    elif os.access(run.path, os.W_OK):
        ds = analyse_run(run.path, on_step=on_step).dataset
    else:
        ds = analyze(run, on_step=on_step)
    return Member(
        found.name, ds, transitions(ds), configured_fields(ds), run.path, _behind(found.name, run, ds)
    )  # fmt: skip


def is_analysed(run: Run) -> bool:
    """Whether a run's analysis is on the disk."""
    return (run.path / _file()).is_file()


def _file() -> str:
    from grokscope.pipeline import DATASET_FILE

    return DATASET_FILE


def _behind(name: str, run: Run, ds: "xr.Dataset") -> tuple[str, ...]:
    """Return a line where the run went on after its analysis."""
    steps = run.steps
    last = int(ds["step"].values[-1]) if "step" in ds.coords and ds.sizes["step"] else -1
    if not steps or steps[-1] <= last:
        return ()
    return (
        f"{name}: analysed up to step {last:,}, the run has step {steps[-1]:,}: analyse it again",
    )
