"""A sweep on disk: the runs' folders, and the dataset of all of them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope import __version__
from grokscope.errors import RequestError, UnsoundError, nearest
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.run import CONFIG_FILE, Run, open_run
from grokscope.sweeps.plan import Setting
from grokscope.sweeps.record import RUNS, SweepRun, read_records, read_sweep, run_now

if TYPE_CHECKING:
    import xarray

DATASET_FILE = "sweep.nc"


@dataclass(frozen=True, eq=False)
class Sweep:
    """A sweep on disk, finished or not; read only. Open one with `open_sweep`.

    Attributes
    ----------
    path
        The directory.
    name
        What it is called.
    specification
        The file or dictionary that it was made from.
    settings
        Every cell of case x grid.
    """

    path: Path
    name: str
    specification: dict[str, Any]
    settings: tuple[Setting, ...]

    def __repr__(self) -> str:
        return f"Sweep({str(self.path)!r}: {len(self.settings)} settings)"

    @property
    def runs(self) -> list[SweepRun]:
        """All runs with their status now, read from the disk."""
        return [run_now(self.path, run) for run in read_records(self.path)]

    @property
    def dataset_path(self) -> Path:
        """Where the dataset is kept."""
        return self.path / DATASET_FILE

    def run(self, label: str, seed: int | None = None) -> Run:
        """Open one run.

        Parameters
        ----------
        label
            Label of the setting (`sweep.runs`).
        seed
            Its seed; the sweep's first where None.

        Raises
        ------
        RequestError
            For a label or seed that the sweep does not have (the nearest is named), or a run that was not started.
        """
        records = read_records(self.path)
        seeds = {r.seed: r for r in records if r.label == label}
        if not seeds:
            labels = list(dict.fromkeys(r.label for r in records))
            shown = "; ".join(labels[:8]) + ("; ..." if len(labels) > 8 else "")
            raise RequestError(f"no setting '{label}'", shown, nearest(label, labels))
        seed = next(iter(seeds)) if seed is None else seed
        if seed not in seeds:
            raise RequestError(f"no seed {seed}", ", ".join(map(str, seeds)))
        path = self.path / seeds[seed].folder
        if not (path / CONFIG_FILE).is_file():
            raise RequestError(
                f"'{label}' seed {seed} has not started", todo="go on with the sweep"
            )
        return open_run(path)

    def dataset(self) -> "xarray.Dataset":
        """Return the dataset of all runs as they are now; see docs/sweeps.md for its names.

        What sweep.nc holds is used where no run changed since it was written, or where the runs are not beside it.
        """
        from grokscope.sweeps.dataset import build_dataset

        return self._kept_dataset() or build_dataset(self)

    def fingerprint(self) -> str:
        """Return a hash that changes whenever a run is evaluated, fails, or is added."""
        sizes = [
            (run.folder, run.seed, run.label, run.reason, _size(self.path / run.folder / METRICS_FILE))
            for run in read_records(self.path)
        ]  # fmt: skip
        return hashlib.sha256(json.dumps([__version__, sizes]).encode()).hexdigest()[:16]

    def _kept_dataset(self) -> "xarray.Dataset | None":
        from grokscope.analysis import read_dataset

        if not self.dataset_path.is_file():
            return None
        alone = not (self.path / RUNS).is_dir()
        try:
            ds = read_dataset(self.dataset_path)
        except UnsoundError as error:
            if alone:
                raise UnsoundError(error.given, todo="restore it") from None
            return None
        return ds if alone or ds.attrs.get("fingerprint") == self.fingerprint() else None


def open_sweep(path: str | Path) -> Sweep:
    """Open the folder of a sweep, while it runs too.

    Raises
    ------
    RequestError
        Where `path` is no sweep, or its sweep.json is not ours.
    """
    path = Path(path)
    record = read_sweep(path)
    settings = tuple(Setting(s["label"], s["case"], s["values"]) for s in record["settings"])
    return Sweep(path, record["name"], record["specification"], settings)


def load_sweep_dataset(path: str | Path) -> "xarray.Dataset":
    """Return the dataset of the sweep in the folder `path`: `open_sweep(path).dataset()`."""
    return open_sweep(path).dataset()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
