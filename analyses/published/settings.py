"""The hyper-parameters of a sweep beside those of the published setting, and what was scaled."""

from pathlib import Path

from grokscope.config import SET_BY_TASK, section_fields
from grokscope.sweeps.plan import PlannedRun, in_words, make_plan
from grokscope.sweeps.specification import flat_value, read_specification

HEADER = ("hyper-parameter", "published setting", "here", "")
_SEEDS = ("split_seed", "init_seed", "batch_seed", "noise_seed", "label_seed", "outlier_seed")
_NOT_OURS = (*SET_BY_TASK, *_SEEDS, "preset")


def hyper_parameters(here: Path, paper: Path) -> list[tuple[str, str, str, str]]:
    """Return (field, published, here, "scaled" or "") for every field that is used or that differs.

    Parameters
    ----------
    here, paper
        Sweep files.
    """
    mine, theirs = (make_plan(read_specification(path), yes=True) for path in (here, paper))
    found = []
    for field in section_fields():
        if field in _NOT_OURS:
            continue
        if field == "group" and not any(
            "group" in r.config.task.task for r in (*theirs.runs, *mine.runs)
        ):
            continue
        published, used = _values(theirs.runs, field), _values(mine.runs, field)
        if not _idle(field, published) or not _idle(field, used):
            found.append((field, published, used, "" if published == used else "scaled"))
    for word, published, used in (
        ("seeds", _seeds(theirs.runs), _seeds(mine.runs)),
        ("training rows", _rows(theirs.runs), _rows(mine.runs)),
    ):
        found.append((word, published, used, "" if published == used else "scaled"))
    return found


def _values(runs: tuple[PlannedRun, ...], field: str) -> str:
    """Return the values that a field has in a sweep, in the order in which they come."""
    return ", ".join(dict.fromkeys(in_words(flat_value(run.config, field)) for run in runs))


def _seeds(runs: tuple[PlannedRun, ...]) -> str:
    return ", ".join(dict.fromkeys(str(run.seed) for run in runs))


def _rows(runs: tuple[PlannedRun, ...]) -> str:
    counts = sorted({run.n_train for run in runs})
    return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"


def _idle(field: str, values: str) -> bool:
    """Return whether a field plays no part: an intervention that is off, or a setting of something not used."""
    return values in ("0", "false", "off", "none", "") or field.startswith(
        ("muon_", "grokfast_", "momentum", "relevant", "bits")
    )
