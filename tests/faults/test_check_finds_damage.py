"""1,000 damaged runs: whatever changes a weight, a metric or the configuration is found, and the right file named."""

import collections
import json
import logging
import random
from pathlib import Path

import pytest
from damage import Damage, damage, undo
from safetensors.numpy import load
from sound_runs import make_kinds

from grokscope.checking import Report, check
from grokscope.errors import GrokscopeError

FAST, SLOW = 60, 1000
log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory) -> dict[str, Path]:
    """Return runs of many kinds; each is put back after a damage."""
    return make_kinds(tmp_path_factory.mktemp("kinds"))


def content(name: str, data: bytes):
    """Return what a file says, read without any line of grokscope; None where it cannot be read."""
    try:
        if name.endswith(".safetensors"):
            length = int.from_bytes(data[:8], "little")
            header = json.loads(data[8 : 8 + length])["__metadata__"]
            about = {key: json.loads(text) for key, text in header.items()}
            arrays = {k: (str(a.dtype), a.shape, a.tobytes()) for k, a in load(data).items()}
            return about["grokscope"]["step"], about["grokscope"]["config"], arrays
        if name == "metrics.jsonl":
            lines = [json.loads(line) for line in data.decode().split("\n") if line.strip()]
            return [{k: v for k, v in line.items() if k != "sum"} for line in lines]
        return json.loads(data)
    except Exception:  # noqa: BLE001  whatever these readers raise: it is not what it was
        return None


def matters(done: Damage) -> bool:
    """Return whether a weight, a metric or the configuration is another now; all else can be made again."""
    name = done.file.as_posix()
    if name.split("/")[0] in ("cache", "figures") or name in OUTPUTS:
        return False
    return content(name, done.after) != content(name, done.before)


OUTPUTS = ("analysis.nc", "transitions.json", "report.html")


def looked(path: Path, cause: Damage) -> Report | None:
    """Return the report; None where the run cannot be opened as one, which is said in one line."""
    try:
        return check(path)
    except GrokscopeError as error:
        if cause.file.name == "config.json" and "\n" not in str(error):
            return None
        raise


def named(report: Report | None, cause: Damage) -> bool:
    """Return whether the damaged file is named by a fault or a warning."""
    if report is None:
        return False
    file = cause.file.as_posix()
    return any(each.file == file for each in report if each.level != "note")


def run_many(kinds: dict[str, Path], n: int, seed: int) -> dict[str, collections.Counter]:
    """Damage n runs, one after the other, and count what was found by kind of file.

    Nothing that matters goes unseen, and no other file is told to be damaged.
    """
    rng = random.Random(seed)
    counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    missed = []
    for number in range(n):
        kind = list(kinds)[number % len(kinds)]
        done = damage(kinds[kind], rng)
        report = looked(kinds[kind], done)
        file = done.file.parts[0] if len(done.file.parts) > 1 else done.file.name
        what = "matters" if matters(done) else "does not matter"
        hit = "seen" if named(report, done) else "unseen"
        counts[file][f"{what}, {hit}"] += 1
        wrong = {each.file for each in report or () if each.level == "fault"} - {
            done.file.as_posix()
        }
        if wrong or (what == "matters" and hit == "unseen"):
            missed.append(f"{kind}: {done}: {[] if report is None else list(report)}")
        undo(kinds[kind], done)
    assert not missed, "\n".join(missed)
    return counts


def show(counts: dict[str, collections.Counter]) -> None:
    for file, each in sorted(counts.items()):
        log.info("%s %s", file, dict(sorted(each.items())))


def test_damage_that_matters_is_found(kinds):
    """Else a researcher measures, and publishes, weights or losses that no run ever had."""
    counts = run_many(kinds, FAST, seed=0)
    show(counts)
    assert sum(each["matters, seen"] for each in counts.values()) > FAST / 2


@pytest.mark.slow
def test_damage_that_matters_is_found_in_1000_runs(kinds):
    """As above, for files and places that a few dozen draws do not reach."""
    counts = run_many(kinds, SLOW, seed=1)
    show(counts)
    assert sum(each["matters, seen"] for each in counts.values()) > SLOW / 2


def test_the_kinds_themselves_are_sound(kinds):
    """Else what is found above was there before."""
    for kind, path in kinds.items():
        report = check(path)
        assert [each for each in report if each.level != "note"] == [], kind
