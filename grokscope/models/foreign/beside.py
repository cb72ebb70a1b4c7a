"""What stands beside a foreign file: its settings, and what its authors recorded.

| file beside `stem.pt` | holds | found in |
|---|---|---|
| `config_X.json` for `model_X.pt`, `config_stem.json`, `stem_config.json`, `stem.json` | settings | pizza/ |
| `cfg.json`, `config.json` in the folder of the only checkpoint, or of the series | settings | rep_theory/ |
| `stem.result.json` | `config`, and `history`, a list of evaluations with their `epoch` | kaushik/ |
| `summary_metrics.json` | final `train_loss`, `test_loss`, `all_loss`, ... | rep_theory/ |
| `metrics.csv` | a column `epoch` and columns of the same names | rep_theory/ |

The last two belong to a folder, so they are read where settings were found for the folder.
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.errors import RequestError, UnsoundError
from grokscope.models.foreign.pickle_file import SUFFIXES
from grokscope.models.foreign.records import MAX_STEP, Curve
from grokscope.models.foreign.settings import is_number
from grokscope.reading import read_bounded, read_json_bounded

MAX_BYTES = 32 * 1024**2
OF_FOLDER = ("cfg.json", "config.json")
NAMES = ("train_loss", "test_loss", "all_loss", "train_acc", "test_acc")
"""What is read of recorded evaluations, by their names."""


@dataclass(frozen=True)
class Beside:
    """What was found beside a file.

    Attributes
    ----------
    settings
        The configuration, as plain values; `layers` is spread out.
    curves
        A name of `NAMES` -> its curve.
    final
        A name of `NAMES` -> its value at the end.
    files
        Names of the files that were read.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    final: dict[str, float] = field(default_factory=dict)
    files: tuple[str, ...] = ()


def read_beside(path: Path, config: Path | None) -> Beside:
    """Read what stands beside a checkpoint, or in a folder of a series.

    Parameters
    ----------
    path
        The checkpoint, or the folder of a series.
    config
        The settings that the user names; found by name where None.

    Raises
    ------
    RequestError
        `config` is not there, or a file is too large or no JSON.
    UnsoundError
        A file is no object, or no table.
    """
    folder = path if path.is_dir() else path.parent
    whole = path.is_dir() or _checkpoints(folder) == 1
    if config is None and path.is_dir() and path.name == "checkpoints":
        folder = folder.parent
    found = config or _settings_file(path, folder, whole)
    settings = {} if found is None else read_object(found)
    files = [] if found is None else [found.name]
    curves: dict[str, Curve] = {}
    final: dict[str, float] = {}
    result = folder / f"{path.stem}.result.json"
    if not path.is_dir() and result.is_file():
        content = read_object(result)
        settings = _object(content.get("config")) | settings
        curves = _curves(content.get("history"))
        files.append(result.name)
    if found is not None and whole and found.parent == folder:
        if (summary := folder / "summary_metrics.json").is_file():
            final = _numbers(read_object(summary))
            files.append(summary.name)
        if (table := folder / "metrics.csv").is_file():
            curves = _table(table)
            files.append(table.name)
    return Beside({**settings, **_object(settings.get("layers"))}, curves, final, tuple(files))


def read_object(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    RequestError
        The file is not there, too large, or no JSON.
    UnsoundError
        It is no object.
    """
    content = read_json_bounded(path, MAX_BYTES, error=RequestError)
    if not isinstance(content, dict):
        raise UnsoundError(f"'{path}' holds a JSON {type(content).__name__}", "a JSON object")
    return content


def _settings_file(path: Path, folder: Path, whole: bool) -> Path | None:
    names: list[str] = []
    if not path.is_dir():
        stem = path.stem
        names = [f"config_{stem}.json", f"{stem}_config.json", f"{stem}.json"]
        if stem.startswith("model_"):
            names.insert(0, f"config_{stem.removeprefix('model_')}.json")
    if whole:
        names += OF_FOLDER
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _checkpoints(folder: Path) -> int:
    return sum(f.is_file() and f.suffix in SUFFIXES for f in folder.iterdir())


def _object(value: Any) -> dict[str, Any]:
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else {}


def _numbers(content: dict[str, Any]) -> dict[str, float]:
    return {name: float(content[name]) for name in NAMES if is_number(content.get(name))}


def _curves(history: Any) -> dict[str, Curve]:
    """Return the curves of a list of evaluations, each an object with its `epoch`; by ascending step."""
    lines = (
        [line for line in history if isinstance(line, dict)] if isinstance(history, list) else []
    )
    points: dict[str, dict[int, float]] = {}
    for line in lines:
        step = line.get("epoch")
        if isinstance(step, int) and not isinstance(step, bool) and 0 <= step < MAX_STEP:
            for name, value in _numbers(line).items():
                points.setdefault(name, {})[step] = value
    return {
        name: (
            np.array(sorted(values), dtype=np.int64),
            np.array([values[s] for s in sorted(values)], dtype=np.float64),
        )
        for name, values in points.items()
    }


def _table(path: Path) -> dict[str, Curve]:
    lines: list[dict[str, Any]] = []
    try:
        text = read_bounded(path, MAX_BYTES).decode("utf-8")
        for row in csv.DictReader(text.splitlines()):
            if row.get("epoch"):
                names = [n for n in NAMES if row.get(n)]
                lines.append(
                    {"epoch": int(float(row["epoch"]))} | {n: float(row[n]) for n in names}
                )
    except (ValueError, OverflowError, csv.Error) as error:
        raise UnsoundError(
            f"'{path}' is no table of evaluations ({str(error)[:100]})",
            "numbers in the columns epoch, " + ", ".join(NAMES),
        ) from None
    return _curves(lines)
