"""Many seeds of one setting: a sweep of that setting alone."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grokscope.api import RUNS_FOLDER, run_name
from grokscope.config import SET_BY_TASK, RunConfig, section_fields
from grokscope.errors import RequestError
from grokscope.presets import PRESETS, get_preset
from grokscope.runs.run import Run
from grokscope.sweeps.folder import Sweep
from grokscope.sweeps.record import SWEEP_FILE, read_sweep
from grokscope.sweeps.seed_words import read_seeds, seeds_in_words
from grokscope.sweeps.specification import flat_value
from grokscope.sweeps.start import Update, sweep
from grokscope.sweeps.toml_file import as_toml
from grokscope.training.engine import EngineConfig

SEEDED = ("split_seed", "init_seed", "batch_seed", "noise_seed")
"""What one seed of a run sets."""

OnSeed = Callable[[int, int, dict[str, float]], None]
"""on_metrics(seed, step, metrics)."""


def sweep_seeds(
    config: RunConfig,
    seeds: str | Sequence[int],
    out: str | Path | None = None,
    workers: int | None = None,
    *,
    fixed: Sequence[str] = (),
    yes: bool = False,
    on_update: Callable[[Update], None] | None = None,
    engine: EngineConfig | None = None,
) -> Sweep:
    """Train one setting with many seeds, each run in a directory of its own inside a sweep's folder.

    The same call again goes on with what is missing; with other seeds the folder grows by these.

    Parameters
    ----------
    config
        The setting.
    seeds
        "0..31", "0,1,5", "3..7,10", or whole numbers; each is split, initialisation, batch order and noise at once.
    out
        Folder; checkpoints/NAME-seeds0..31 where None.
    workers, yes, on_update, engine
        As in `grokscope.sweeps.sweep`.
    fixed
        Which of split_seed, init_seed, batch_seed and noise_seed all runs have as `config` has it.

    Raises
    ------
    RequestError
        As `sweep` does, and for a folder with runs of another setting.
    KeyboardInterrupt
        On Ctrl-C or SIGTERM, after every run in training kept its state; the same call goes on.
    """
    spec = seeds_specification(config, seeds, fixed)
    path = seeds_folder(spec) if out is None else Path(out)
    check_setting(path, spec)
    return sweep(spec, path, workers, yes=yes, on_update=on_update, engine=engine)


def train_seeds(
    config: RunConfig,
    seeds: Sequence[int],
    out: Path,
    on_metrics: OnSeed | None = None,
    workers: int | None = None,
    engine: EngineConfig | None = None,
) -> list[Run]:
    """Train one setting with many seeds and return the runs, in the order of `seeds`; see `sweep_seeds`.

    Parameters
    ----------
    on_metrics
        Called with (seed, step, metrics), now and then.

    Raises
    ------
    RequestError
        Also where a run failed.
    """
    found = sweep_seeds(
        config, seeds, out, workers, yes=True, on_update=seed_listener(on_metrics), engine=engine
    )
    records = {run.seed: run for run in found.runs}
    for run in records.values():
        if run.status == "failed":
            raise RequestError(f"seed {run.seed} failed: {run.reason}")
    return [found.run(records[seed].label, seed) for seed in seeds]


def seed_listener(on_metrics: OnSeed | None) -> Callable[[Update], None] | None:
    """Return a listener for `sweep` that tells of evaluations alone."""
    if on_metrics is None:
        return None
    return functools.partial(_tell, on_metrics)


def seeds_specification(
    config: RunConfig, seeds: str | Sequence[int], fixed: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the specification of a sweep over seeds alone: what differs from the preset, or from the defaults."""
    preset = config.preset if config.preset in PRESETS else ""
    usual = get_preset(preset).config if preset else RunConfig()
    changed = {
        field: flat_value(config, field)
        for field in section_fields()
        if field not in (*SET_BY_TASK, *SEEDED, "preset", "task")
        and flat_value(config, field) != flat_value(usual, field)
    }
    changed |= {field: flat_value(config, field) for field in SEEDED if field in fixed}
    name = re.sub(r"[^\w.,+=-]+", "-", run_name(config)).strip("_-.")[:60]
    given = seeds if isinstance(seeds, str) else as_toml(seeds)
    found = {"name": name, "task": config.task.task, "seeds": given, "set": changed}
    return found | ({"preset": preset} if preset else {})


def seeds_folder(spec: Mapping[str, Any]) -> Path:
    """Return the folder under checkpoints/ that has the name of the setting and the seeds."""
    seeds = seeds_in_words(read_seeds(spec["seeds"], "many seeds"))
    return RUNS_FOLDER / f"{spec['name']}-seeds{seeds}"


def check_setting(path: Path, spec: Mapping[str, Any]) -> None:
    """Raise RequestError where `path` has runs of another setting: sweep.json would forget them."""
    if not (path / SWEEP_FILE).is_file():
        return
    there, own = (_setting(given) for given in (read_sweep(path)["specification"], spec))
    if there == own:
        return
    fields = sorted(k for k in there.keys() | own.keys() if there.get(k) != own.get(k))
    raise RequestError(
        f"{path} holds runs of another setting ({', '.join(fields)})",
        "the setting that it was made with",
        "choose another --out",
    )


def _setting(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a specification says but for name and seeds, flat."""
    tables = {k: v for k, v in spec.items() if k not in ("name", "seeds", "set")}
    return {**tables, **as_toml(spec.get("set", {}))}


def _tell(on_metrics: OnSeed, update: Update) -> None:
    if update.kind == "metrics":
        on_metrics(update.run.seed, update.step, update.metrics)
