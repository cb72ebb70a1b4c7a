"""What a notebook calls: train, analyze, report; the command line calls the same."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.config import SET_BY_TASK, RunConfig, override
from grokscope.errors import RequestError
from grokscope.presets import get_preset

if TYPE_CHECKING:
    import xarray

    from grokscope.runs.run import Run
    from grokscope.sweeps.folder import Sweep
    from grokscope.training.densify import Densification
    from grokscope.transitions import Transitions

RUNS_FOLDER = Path("checkpoints")


def train(
    task: str | None = None,
    preset: str | None = None,
    out: str | Path | None = None,
    on_metrics: Callable[..., None] | None = None,
    *,
    seeds: str | Sequence[int] | None = None,
    workers: int | None = None,
    yes: bool = False,
    **options: Any,
) -> "Run | Sweep":
    """Train a model and return its run; with `seeds`, many runs of one setting, and return their sweep.

    Parameters
    ----------
    task
        Name of the task; the preset's, or mod_add, where None.
    preset
        Configuration to begin from (`grokscope presets`).
    out
        Directory of the run, which must not exist yet; a new one under checkpoints/ where None. With `seeds`, the
        sweep's folder, in which the same call goes on.
    on_metrics
        Called with (step, metrics) at every evaluation; with `seeds`, now and then with (seed, step, metrics). Where
        None, a notebook shows a bar and the curves so far.
    seeds
        "0..31", "3..7,10", or whole numbers: a run for each; split_seed and the like hold for all of them where given.
    workers, yes
        With `seeds` alone: as in `gs.sweep`.
    **options
        Any field of the configuration (`grokscope train --help`), `seed` for all seeds at once, and how to compute:
        engine, folding, compile, threads, device (docs/engines.md).

    Raises
    ------
    RequestError
        For an unknown task, preset or option, or a value that makes no sense.
    KeyboardInterrupt
        When interrupted, after the state was kept: `gs.resume` goes on from there.

    Examples
    --------
    >>> run = gs.train("mod_add", p=59, frac_train=0.4, weight_decay=2.0, steps=3000)  # doctest: +SKIP
    >>> many = gs.train("mod_add", p=59, frac_train=0.4, seeds=range(32))  # doctest: +SKIP
    """
    from grokscope.notebook.progress import SeedsBar, TrainingBar
    from grokscope.training.engine import EngineConfig, engine_config

    names = {field.name for field in dataclasses.fields(EngineConfig)}
    engine = engine_config(**{k: options.pop(k) for k in names & options.keys()})
    if seeds is None:
        if workers is not None or yes:
            raise RequestError("workers and yes without seeds", "seeds=range(32), workers=2")
        from grokscope.training.loop import train_run

        config = configure(task, preset, **options)
        path = new_folder(config) if out is None else Path(out)
        with _shown(on_metrics, lambda: TrainingBar(config.schedule.steps)) as told:
            return train_run(config, path, told, engine=engine)
    if "seed" in options:
        raise RequestError("seed and seeds", "one of the two")
    from grokscope.sweeps.seed_words import n_seeds, read_seeds
    from grokscope.sweeps.seeds import SEEDED, seed_listener, sweep_seeds
    from grokscope.sweeps.toml_file import as_toml

    config = configure(task, preset, **options)
    given = seeds if isinstance(seeds, str) else as_toml(seeds)
    many = n_seeds(read_seeds(given, "many seeds"))
    with _shown(on_metrics, lambda: SeedsBar(config.schedule.steps, many)) as told:
        return sweep_seeds(
            config,
            seeds,
            out,
            workers,
            fixed=[name for name in SEEDED if name in options],
            yes=yes,
            on_update=seed_listener(told),
            engine=engine,
        )


def resume(
    run: "Run | str | Path",
    on_metrics: Callable[..., None] | None = None,
    *,
    anyway: bool = False,
    on_note: Callable[[str], None] | None = None,
) -> "Run":
    """Go on with an interrupted run, to the same bits as an uninterrupted one; a complete run is returned as it is.

    Parameters
    ----------
    run
        A run that was trained here, or its directory.
    on_metrics
        As for `train`.
    anyway
        Go on where it cannot be the same to the bit, as on another machine; config.json says from which step on.
    on_note
        Told, in one line each, what was damaged and passed over.

    Raises
    ------
    RequestError
        Where the run is foreign, or another process writes it.
    UnsoundError
        Where what is computed again is not what is on the disk.
    KeyboardInterrupt
        When interrupted, after the state was kept.

    Examples
    --------
    >>> run = gs.resume("checkpoints/demo-seed0")  # doctest: +SKIP
    """
    from grokscope.notebook.progress import TrainingBar
    from grokscope.runs.run import Run
    from grokscope.training.resume import resume_run, trained_here

    found = trained_here(run.path if isinstance(run, Run) else Path(run))
    with _shown(on_metrics, lambda: TrainingBar(found.config.schedule.steps)) as told:
        return resume_run(found.path, told, anyway=anyway, on_note=on_note)


def analyze(
    run: "Run | str | Path",
    measures: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
    on_step: Callable[[int, int], None] | None = None,
    key_rule: str | None = None,
    threads: int | None = None,
    cache: bool = True,
) -> "xarray.Dataset":
    """Measure a run at its checkpoints and return a labelled dataset with dimension `step`.

    A run may be in training meanwhile: the checkpoints that are there at the beginning are measured.

    Parameters
    ----------
    run
        A run or its directory.
    measures
        Names of measures or of their variables; "default" where None (see `choose`).
    steps
        Checkpointed steps; all where None. The last of them counts as the final one for what is measured there only;
        key frequencies are read at the run's last checkpoint.
    on_step
        Called with (done, total) after each step. Where None, a notebook shows a bar.
    key_rule
        How key frequencies, or key representations, are chosen: majority, neuron, embedding, logit or similarity
        (`key_frequencies`). The run's own where None: majority, or that of an imported run's authors.
    threads
        How many checkpoints are worked on at the same time; one a core where None, as far as memory reaches. The
        dataset is the same to the bit.
    cache
        Whether what was measured before, and still holds, is taken from RUN/cache, and what is measured now is kept
        there. The dataset is the same to the bit.

    Raises
    ------
    RequestError
        For an unknown measure, a step without a checkpoint, or a run without checkpoints.
    UnsoundError
        For a damaged checkpoint.
    """
    from grokscope.analysis import analyze as measure_all
    from grokscope.notebook.progress import StepsBar

    with _shown(on_step, lambda: StepsBar("measuring")) as told:
        return measure_all(run, measures, steps, told, key_rule, threads, cache)


@contextlib.contextmanager
def _shown(listener: Any, bar: Callable[[], Any]) -> Iterator[Any]:
    """Yield the listener that was given, or in a notebook a bar, which is drawn a last time in the end."""
    from grokscope.notebook.progress import in_notebook

    if listener is not None or not in_notebook():
        yield listener
        return
    made = bar()
    try:
        yield made
    finally:
        made.end()


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
    base = RUNS_FOLDER / f"{run_name(config)}-seed{config.model.init_seed}"
    path, number = base, 2
    while path.exists():
        path, number = base.with_name(f"{base.name}-{number}"), number + 1
    return path


def run_name(config: RunConfig) -> str:
    """Return what runs of a configuration are called, but for their seed: its preset, or its task."""
    from grokscope.tasks import describe

    t = config.task
    return config.preset or f"{t.task}-{describe(t.task, t.p, t.group, t.bits, t.relevant)}"


def densify(
    run: "Run | str | Path",
    between: tuple[int, int] | None = None,
    every: int = 1,
    *,
    around: str | None = None,
    margin: int | None = None,
    start: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> "Densification":
    """Add checkpoints to a run, exactly those that it passed through, and say which.

    The run is replayed from a key frame; what it passes is added once it has met the next stored checkpoint bit for
    bit.

    Parameters
    ----------
    run
        A run that was trained here, or its directory.
    between, every
        Checkpoints at low, low + every, ... up to high.
    around, margin
        In place of `between`: the interval of an event, by name, so many steps (0) wider on both sides.
    start
        The key frame to replay from, 0 for the beginning; the nearest one before where None.
    on_step
        Called with (updates done, updates in all).

    Raises
    ------
    RequestError
        For steps or an event that make no sense, an imported run, or a disk without room.
    UnsoundError
        Where the replay does not meet what is stored; it says where, and by how much.

    Examples
    --------
    >>> gs.densify(run, (2600, 2800)).added  # doctest: +SKIP
    >>> gs.densify("checkpoints/demo", around="grokked", every=1)  # doctest: +SKIP
    """
    from grokscope.runs.run import Run, open_run
    from grokscope.training.densify import densify as replay

    run = open_run(run.path if isinstance(run, Run) else run)
    return replay(run, stretch(run, between, around, margin), every, start, on_step)


def stretch(
    run: "Run", between: tuple[int, int] | None, around: str | None, margin: int | None
) -> tuple[int, int]:
    """Return the steps (low, high) that are asked for: by themselves, or by an event."""
    if (between is None) == (around is None):
        given = "neither steps nor an event" if between is None else "both steps and an event"
        raise RequestError(f"densify: {given}", "--between A B, or --around EVENT")
    if around is not None:
        from grokscope.located import around as interval

        return interval(run, around, margin or 0)
    if margin is not None:
        raise RequestError("densify: a margin without an event", "--around EVENT --margin N")
    assert between is not None
    low, high = between
    return low, high


def report(
    ds: "xarray.Dataset", path: str | Path, transitions: "Transitions | None" = None
) -> Path:
    """Write the self-contained HTML report of an analysed run to `path` and return it."""
    from grokscope.report import write_report
    from grokscope.transitions import transitions as locate
    from grokscope.transitions.verdict import judge

    located = locate(ds) if transitions is None else transitions
    return write_report(ds, located, judge(ds, located), Path(path))
