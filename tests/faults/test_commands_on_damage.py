"""No command ends in a traceback, hangs, or makes it worse, whatever the directory holds that it is given."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands_on import (
    SIZE,
    SWEEP,
    by_hand,
    commands_on_run,
    commands_on_sweep,
    faults_of,
    run_command,
    spare_folder,
    spoiled,
)
from damage import damage, files_of, undo
from interrupting import files_below

import grokscope as gs
from grokscope.cli import main
from grokscope.errors import GrokscopeError

TRAINS = ("resume", "train", "train seeds", "demo")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_bases(tmp_path_factory.mktemp("bases"))


def make_bases(folder: Path) -> dict[str, Path]:
    """Make an analysed run, an interrupted one, a densified one, an imported one, a sweep, and a pack."""
    from grokscope.training.loop import train_run

    def done(*words: object) -> None:
        assert main([str(word) for word in words]) == 0

    for seed, name in ((0, "done"), (1, "other")):
        done("train", "mod_add", *SIZE, "--seed", seed, "--out", folder / name, "--quiet")
    done("analyze", folder / "done", "--quiet")
    run = gs.open_run(folder / "done")
    train_run(run.config, folder / "interrupted", stop_after=30)
    densified = folder / "densified"
    shutil.copytree(folder / "done", densified)
    done("densify", densified, "--between", 10, 20, "--every", 2, "--quiet")
    done("analyze", densified, "--quiet")
    checkpoint = run.checkpoints / "step-00000040.safetensors"
    about = ("--layout", "transformerlens", "--task", "mod_add", "--p", 7)
    done("import", checkpoint, *about, "--out", folder / "imported")
    done("pack", folder / "done", "--out", folder / "run.zip", "--quiet")
    (folder / "two.toml").write_text(SWEEP)
    place = folder / "sweep"
    done("sweep", folder / "two.toml", "--out", place, "--workers", 0, "--quiet")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a run is damaged; short, since its name stands in every message."""
    return tmp_path / "run"


def try_commands(
    run: Path, names: list[str], spare: Path, damaged: set[str], what: str
) -> Iterator[str]:
    """Run some commands on a run; yield what is wrong with them."""
    every = commands_on_run(run, spare)
    for name in names:
        before = files_below(run)
        with spare_folder(spare):
            try:
                answer = run_command(every[name])
                fault = faults_of(answer)
            except (Exception, SystemExit) as error:  # noqa: BLE001
                yield f"{what}: {name}: {type(error).__name__}: {error}"
                continue
        worse = spoiled(before, run, damaged, name in TRAINS)
        if name == "densify" and "metrics.jsonl" in worse:
            worse.remove("metrics.jsonl")  # it has more lines, in their order
        if worse:
            fault += f" changed {worse}"
        if fault:
            yield f"{what}: {answer}: {fault}"


def damaged_runs(bases: dict[str, Path], place: Path, rng: random.Random, n: int) -> Iterator[str]:
    """Damage n runs by chance and yield what commands make wrong of it."""
    kinds = [name for name in ("done", "interrupted", "densified", "imported") if name in bases]
    for number in range(n):
        kind = kinds[number % len(kinds)]
        if place.exists():
            shutil.rmtree(place)
        shutil.copytree(bases[kind], place)
        small = [f for f in files_of(place) if f.suffix in (".json", ".jsonl", ".nc")]
        chosen = rng.choice(small) if small and rng.random() < 0.5 else None
        done = damage(place, rng, chosen)
        names = list(commands_on_run(place, place))
        cheap = [name for name in names if name not in ("analyze", "report")]
        picked = rng.sample(cheap, 2) + rng.choices(["analyze", "report", "resume"], k=1)
        yield from try_commands(
            place, picked, place.parent / "spare", {str(done.file)}, f"{number}: {kind}: {done}"
        )


def test_commands_on_damaged_runs(bases, place):
    """Else a flipped bit in somebody's file is a traceback, or `resume` overwrites what was sound."""
    assert list(damaged_runs(bases, place, random.Random(1), 20)) == []


@pytest.mark.slow
def test_commands_on_1000_damaged_runs(bases, place):
    """Else there is a byte range whose damage is a traceback."""
    found = list(damaged_runs(bases, place, random.Random(2), 1000))
    assert not found, f"{len(found)}:\n" + "\n".join(found)


TARGETS = (
    "config.json", "metrics.jsonl", "checkpoints", "checkpoints/step-00000000.safetensors",
    "checkpoints/step-00000020.safetensors", "checkpoints/step-00000040.safetensors", "state",
    "state/step-00000020.safetensors", "analysis.nc", "transitions.json", "report.html", "cache",
    "cache/outputs.json", "cache/step-00000020.safetensors", "densified.json", ".lock", "figures",
)  # fmt: skip


def spoiled_runs(bases, place, rng, targets, ways, n) -> Iterator[str]:
    """Put something else in the place of a file and yield what some n commands make wrong of it."""
    spoils = by_hand(bases["other"])
    for target in targets:
        for way in ways:
            if place.exists():
                shutil.rmtree(place)
            kind = (
                "densified" if target == "densified.json" else rng.choice(("done", "interrupted"))
            )
            shutil.copytree(bases[kind], place)
            spoils[way](place / target)
            names = list(commands_on_run(place, place))
            damaged = {name for name in files_below(place) if name.startswith(target)}
            yield from try_commands(
                place,
                rng.sample(names, n),
                place.parent / "spare",
                damaged,
                f"{kind}: {target}: {way}",
            )


@pytest.mark.parametrize("target", TARGETS)
def test_commands_where_a_file_is_something_else(bases, place, target):
    """Else a pipe in place of a file hangs, a folder is a traceback, or a device fills the memory."""
    rng = random.Random(target)
    ways = rng.sample(list(by_hand(place)), 1)
    assert list(spoiled_runs(bases, place, rng, [target], ways, 2)) == []


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_every_command_where_a_file_is_something_else(bases, place, target):
    """Else there is a command that does not look before it opens."""
    found = list(spoiled_runs(bases, place, random.Random(3), [target], by_hand(place), 12))
    assert not found, f"{len(found)}:\n" + "\n".join(found)


def damaged_sweeps(bases, place, rng, n) -> Iterator[str]:
    for number in range(n):
        if place.exists():
            shutil.rmtree(place)
        shutil.copytree(bases["sweep"], place)
        if number % 2:
            done = damage(place, rng)
            what, damaged = str(done), str(done.file)
        else:
            target = rng.choice(["sweep.json", "sweep.nc", "runs", *map(str, files_of(place))])
            way = rng.choice(list(by_hand(place)))
            by_hand(bases["other"])[way](place / target)
            what, damaged = f"{target}: {way}", target
        every = commands_on_sweep(place, bases["two.toml"], place.parent / "spare")
        for name in rng.sample(list(every), 3):
            before = files_below(place)
            with spare_folder(place.parent / "spare"):
                try:
                    answer = run_command(every[name])
                    fault = faults_of(answer)
                except (Exception, SystemExit) as error:  # noqa: BLE001
                    yield f"{number}: {what}: {name}: {type(error).__name__}: {error}"
                    continue
            # A run of the sweep whose configuration is gone is begun again, and goes on in its own folder.
            own = {
                f
                for f in before
                if Path(f).parts[:2] == Path(damaged).parts[:2] or damaged == "runs"
            }
            if name in ("sweep", "seeds"):
                own |= {f for f in before if "state" in Path(f).parts}
            worse = [f for f in spoiled(before, place, own) if not f.startswith(damaged)]
            if fault or worse:
                yield f"{number}: {what}: {answer}: {fault} {worse}"


def test_commands_on_damaged_sweeps(bases, place):
    """Else one damaged run ends the whole sweep in a traceback, or the others are trained again."""
    assert list(damaged_sweeps(bases, place, random.Random(4), 4)) == []


@pytest.mark.slow
def test_commands_on_200_damaged_sweeps(bases, place):
    """Else there is a file of a sweep whose damage is a traceback."""
    found = list(damaged_sweeps(bases, place, random.Random(5), 200))
    assert not found, f"{len(found)}:\n" + "\n".join(found)


def damaged_packs(bases, folder: Path, rng, n) -> Iterator[str]:
    """Damage a pack n times; unpack refuses, or gives the same bytes."""
    shutil.copy(bases["run.zip"], folder / "run.zip")
    assert main(["unpack", str(folder / "run.zip"), "--out", str(folder / "whole"), "--quiet"]) == 0
    whole = files_below(folder / "whole")
    for number in range(n):
        done = damage(folder, rng, Path("run.zip"))
        out = folder / "out"
        try:
            answer = run_command(["unpack", str(folder / "run.zip"), "--out", str(out), "--quiet"])
            fault = faults_of(answer)
            if answer.code == 0 and files_below(out) != whole:
                fault = "another run came out"
            if answer.code and out.exists():
                fault += " half a run is left"
            if list(folder.glob(".*part")):
                fault += " litter"
            if fault:
                yield f"{number}: {done}: {answer}: {fault}"
        except (Exception, SystemExit) as error:  # noqa: BLE001
            yield f"{number}: {done}: {type(error).__name__}: {error}"
        shutil.rmtree(out, ignore_errors=True)
        undo(folder, done)


def test_damaged_packs(bases, tmp_path):
    """Else a pack that was cut on its way gives a run that nobody trained."""
    assert list(damaged_packs(bases, tmp_path, random.Random(6), 60)) == []


@pytest.mark.slow
def test_1000_damaged_packs(bases, tmp_path):
    """Else there is a byte of a pack that no hash covers."""
    found = list(damaged_packs(bases, tmp_path, random.Random(7), 1000))
    assert not found, f"{len(found)}:\n" + "\n".join(found)


def test_a_notebook_meets_our_own_errors_only(bases, place):
    """Else a script that catches GrokscopeError around a stranger's run dies of a KeyError."""
    rng, found = random.Random(8), []

    def look(run_path: Path) -> None:
        run = gs.open_run(run_path)
        run.metrics()
        for step in run.steps:
            assert run.snapshot(step).logits is not None
        ds = gs.analyze(run, measures=["performance", "gini"], cache=False)
        gs.figures.progress(ds, gs.transitions(ds))

    for number in range(12):
        if place.exists():
            shutil.rmtree(place)
        shutil.copytree(bases["done"], place)
        if number % 2:
            read = [file for file in files_of(place) if file.parts[0] != "cache"]
            what = str(damage(place, rng, rng.choice(read)))
        else:
            target, way = rng.choice(TARGETS[:8]), rng.choice(list(by_hand(place)))
            by_hand(bases["other"])[way](place / target)
            what = f"{target}: {way}"
        try:
            look(place)
        except GrokscopeError as error:
            found += [f"{what}: {error}"] if "\n" in str(error) else []
        except Exception as error:  # noqa: BLE001
            found.append(f"{what}: {type(error).__name__}: {error}")
    assert found == []
