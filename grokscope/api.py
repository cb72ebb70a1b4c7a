"""What a notebook calls: train, analyze, report; the command line calls the same."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.config import SET_BY_TASK, RunConfig, override
from grokscope.errors import RequestError
from grokscope.presets import get_preset

if TYPE_CHECKING:
    import xarray

    from grokscope.runs.run import Run
    from grokscope.transitions import Transitions

RUNS_FOLDER = Path("checkpoints")


def train(
    task: str | None = None,
    preset: str | None = None,
    out: str | Path | None = None,
    on_metrics: Callable[[int, dict[str, float]], None] | None = None,
    **options: Any,
) -> "Run":
    """Train a model and return its run.

    Parameters
    ----------
    task
        Name of the task; the preset's, or mod_add, where None.
    preset
        Configuration to begin from (`grokscope presets`).
    out
        Directory of the run, which must not exist yet; a new one under checkpoints/ where None.
    on_metrics
        Called with (step, metrics) at every evaluation.
    **options
        Any field of the configuration (`grokscope train --help`), and `seed` for all seeds at once.

    Raises
    ------
    RequestError
        For an unknown task, preset or option, or a value that makes no sense.

    Examples
    --------
    >>> run = gs.train("mod_add", p=59, frac_train=0.4, weight_decay=2.0, steps=3000)  # doctest: +SKIP
    """
    from grokscope.training.loop import train_run

    config = configure(task, preset, **options)
    return train_run(config, new_folder(config) if out is None else Path(out), on_metrics)


def configure(task: str | None = None, preset: str | None = None, **options: Any) -> RunConfig:
    """Return the configuration that `train` would train."""
    config = get_preset(preset).config if preset else RunConfig()
    for name in SET_BY_TASK:
        if name in options:
            raise RequestError(f"{name} follows from the task", "leave it out")
    if task is not None:
        options["task"] = task
    return override(config, **options)


def new_folder(config: RunConfig) -> Path:
    """Return a directory under checkpoints/ that does not exist yet, named after the run."""
    from grokscope.tasks import describe

    t = config.task
    what = describe(t.task, t.p, t.group, t.bits, t.relevant)
    name = config.preset or f"{t.task}-{what}"
    base = RUNS_FOLDER / f"{name}-seed{config.model.init_seed}"
    path, number = base, 2
    while path.exists():
        path, number = base.with_name(f"{base.name}-{number}"), number + 1
    return path


def report(
    ds: "xarray.Dataset", path: str | Path, transitions: "Transitions | None" = None
) -> Path:
    """Write the self-contained HTML report of an analysed run to `path` and return it."""
    from grokscope.report import write_report
    from grokscope.transitions import transitions as locate
    from grokscope.transitions.verdict import judge

    located = locate(ds) if transitions is None else transitions
    return write_report(ds, located, judge(ds, located), Path(path))
