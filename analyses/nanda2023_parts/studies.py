"""The runs over seeds, weight decays and shares of the pairs: from their sweeps, or as they were kept.

A sweep takes hours. What the tables need of each run is kept in `studies.json`, with the date, the machine and the
versions; a sweep that is at hand goes before it, run by run.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

import grokscope as gs
from grokscope.errors import GrokscopeError, UnsoundError
from grokscope.files import write_json
from grokscope.reading import read_json_bounded
from grokscope.runs.run import Run
from grokscope.sweeps import open_sweep
from grokscope.transitions import transitions
from nanda2023_parts.model import model_of
from nanda2023_parts.numbers import SWEEP_LOSS
from nanda2023_parts.quantities import quantities
from published.measured import finished_runs, measured

FILE = Path(__file__).with_name("studies.json")
NAMES = ("seeds", "decay", "fractions")
MEASURES = ("performance", "excluded_loss", "restricted_loss_held_out", "weight_norms")
CURVES = ("loss_train", "loss_test", "accuracy_train", "accuracy_test")
POINTS = 100
MAX_BYTES = 1 << 20
EVENTS = (
    "memorised", "grokked_50", "grokked_99", "circuit_onset", "online_onset", "cleanup",
    "circuit_formed",
)  # fmt: skip
Interval = tuple[int | None, int | None]


@dataclass(frozen=True)
class StudyRun:
    """One run of a study, as much of it as the tables and figures read.

    Attributes
    ----------
    study, label, seed
        Which run of which sweep.
    weight_decay, frac_train, last_step, config_hash
        What it is, and how far it went.
    events
        Event -> (low, high]; high None where it was not seen up to low.
    key
        Its key frequencies.
    quantities
        Those of `quantities.py` at its last checkpoint, empty where it did not grok.
    curve
        Step and the four curves of `CURVES`, thinned.
    origin
        The date on which it was kept; empty for a sweep that is at hand.
    """

    study: str
    label: str
    seed: int
    weight_decay: float
    frac_train: float
    last_step: int
    config_hash: str
    events: dict[str, Interval]
    key: list[int]
    quantities: dict[str, float]
    curve: dict[str, list[float | None]]
    versions: dict[str, str] = field(default_factory=dict)
    origin: str = ""

    @property
    def name(self) -> tuple[str, str, int]:
        """Which run it is."""
        return self.study, self.label, self.seed

    @property
    def grokked(self) -> bool:
        """Whether test accuracy reached .99, sustained."""
        return self.events.get("grokked_99", (None, None))[1] is not None


def at_hand(folder: Path, kept: Path) -> list[StudyRun]:
    """Return the finished runs of the sweeps below `folder`, measured (`kept`: where measures stay); none without."""
    found = []
    for name in NAMES:
        if not (folder / name).is_dir():
            continue
        try:
            sweep = open_sweep(folder / name)
        except GrokscopeError:
            continue
        for record, run in finished_runs(sweep):
            ds = measured(run, MEASURES, kept, every_step=True)
            found.append(study_run(name, record.label, record.seed, run, ds))
    return found


def reference_run(run: Run, kept: Path) -> StudyRun:
    """Return the reference run as one of the study over seeds."""
    ds = measured(run, MEASURES, kept, every_step=True)
    return study_run("seeds", "reference", run.config.split.split_seed, run, ds)


def study_run(study: str, label: str, seed: int, run: Run, ds: xr.Dataset) -> StudyRun:
    """Return what is kept of a run."""
    located = transitions(ds)
    events: dict[str, Interval] = {t.name: (t.low, t.high) for t in located if t.name in EVENTS}
    lines = [line for line in run.metrics() if "loss_test" in line]
    events["test_loss"] = first_below(lines, "loss_test", SWEEP_LOSS)
    grokked = events["grokked_99"][1] is not None
    return StudyRun(
        study,
        label,
        seed,
        run.config.optimiser.weight_decay,
        run.config.split.frac_train,
        run.steps[-1],
        run.config_hash,
        events,
        [int(k) for k in run.context.key] if grokked else [],
        _kept(quantities(model_of(run))) if grokked else {},
        thinned(lines),
        {k: str(v) for k, v in run.info.get("versions", {}).items()},
    )


def first_below(lines: Sequence[dict], name: str, level: float) -> Interval:
    """Return (low, high]: the first evaluation with a value below a level, and the one before."""
    before = None
    for line in lines:
        if line[name] < level:
            return before, int(line["step"])
        before = int(line["step"])
    return before, None


def thinned(lines: Sequence[dict]) -> dict[str, list[float | None]]:
    """Return the curves at about `POINTS` evaluations, the same number in each stretch of the step's square root."""
    steps = np.array([line["step"] for line in lines], dtype=np.float64)
    if not len(steps):
        return {}
    wanted = np.square(np.linspace(0, np.sqrt(steps[-1]), POINTS))
    at = np.unique(np.searchsorted(steps, wanted).clip(max=len(steps) - 1))
    found: dict[str, list[float | None]] = {"step": [float(s) for s in steps[at]]}
    return found | {name: [_short(lines[i].get(name), 4) for i in at] for name in CURVES}


def _kept(found: Mapping[str, float]) -> dict[str, float]:
    """Return numbers in five digits, without those that are none: JSON has no not-a-number."""
    return {k: float(f"{v:.5g}") for k, v in found.items() if np.isfinite(v)}


def _short(value: float | None, digits: int) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.{digits}g}")


def keep(runs: Iterable[StudyRun], path: Path = FILE) -> None:
    """Write what the tables need of these runs; a run that was kept before and is not among them stays."""
    today = datetime.date.today().isoformat()
    found = {run.name: asdict(run) for run in read_kept(path)}
    found |= {run.name: asdict(run) | {"origin": run.origin or today} for run in runs}
    entries = [found[name] for name in sorted(found)]
    write_json(
        path, {"what": __doc__.splitlines()[0], "grokscope": gs.__version__, "runs": entries}
    )


def read_kept(path: Path = FILE) -> list[StudyRun]:
    """Return the runs of the kept file; none where there is none.

    Raises
    ------
    UnsoundError
        For a file that is not what `keep` writes.
    """
    if not path.is_file():
        return []
    try:
        entries = read_json_bounded(path, MAX_BYTES)["runs"]
        return [
            StudyRun(**e | {"events": {k: tuple(v) for k, v in e["events"].items()}})
            for e in entries
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        given = f"{path} is not a file of kept studies ({error})"
        raise UnsoundError(given, todo="restore it") from None


def all_runs(folder: Path, kept: Path, path: Path = FILE) -> list[StudyRun]:
    """Return every run of the studies: those at hand, and those kept of which there is no sweep here."""
    found = {run.name: run for run in read_kept(path)}
    found |= {run.name: run for run in at_hand(folder, kept)}
    return [found[name] for name in sorted(found)]


def runs_of(runs: Iterable[StudyRun], study: str) -> list[StudyRun]:
    """Return the runs of one study."""
    return [run for run in runs if run.study == study]
