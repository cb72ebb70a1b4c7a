"""One run of a sweep: begun, gone on with or left alone, whatever its folder holds; its end in one line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grokscope.config import RunConfig
from grokscope.errors import GrokscopeError, RequestError
from grokscope.files import make_folder
from grokscope.runs.run import CONFIG_FILE, Run, open_run
from grokscope.runs.status import run_status
from grokscope.sweeps.begun import clear_unbegun
from grokscope.sweeps.record import FINISHED, SweepStatus
from grokscope.training.engine import EngineConfig
from grokscope.training.loop import train_run
from grokscope.training.resume import resume_alone, resume_run

OnMetrics = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and why it failed if it did."""

    status: SweepStatus
    reason: str | None = None


def attempt(
    config: RunConfig,
    path: Path,
    on_metrics: OnMetrics,
    engine: EngineConfig,
    alone: bool = False,
) -> Outcome:
    """Bring the run in the folder `path` to its end; whatever goes wrong becomes the outcome.

    An interrupt raised by `on_metrics` leaves the state kept and the outcome "interrupted". A run that was begun in a
    stack goes on among its siblings; with `alone` by itself, equal up to rounding, which its config.json then says.
    """
    try:
        return Outcome(run_status(_train(config, path, on_metrics, engine, alone)))
    except KeyboardInterrupt:
        return Outcome("interrupted")
    except GrokscopeError as error:
        return Outcome("failed", str(error))
    except Exception as error:  # one run's mistake, of any kind, is not the sweep's
        return Outcome("failed", " ".join(f"{type(error).__name__}: {error}".split())[:500])


def _train(
    config: RunConfig, path: Path, on_metrics: OnMetrics, engine: EngineConfig, alone: bool
) -> Run:
    if not (path / CONFIG_FILE).exists():
        clear_unbegun(path)
        return train_run(config, path, on_metrics, engine=engine)
    make_folder(path / "checkpoints")  # it is missing where only config.json was written
    run = open_run(path)
    if run.config != config:
        raise RequestError(f"{path} holds another configuration", todo="move it away")
    if run_status(run) in FINISHED:
        return run
    return resume_alone(run, on_metrics) if alone else resume_run(path, on_metrics)
