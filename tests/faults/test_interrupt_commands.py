"""Ctrl-C and its kin in every command that takes long, at random moments: one line, no half file, going on works."""

import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from interrupting import Ended, files_below, interrupted, litter, start

from grokscope.cli import main
from grokscope.runs.run import open_run
from grokscope.training.loop import train_run

WITHIN = 2.0
"""Seconds from the signal to the end of the process."""
LOAD = 3.0
"""Seconds more that a machine on which others work may take."""
SIZE = (
    "--p 13 --frac-train 0.6 --d-model 32 --n-heads 2 --d-head 8 --d-mlp 64 --steps 400 "
    "--checkpoint-every 10"
).split()


@dataclass(frozen=True)
class Case:
    """A command that takes long.

    Attributes
    ----------
    words
        The command line; NEW is a name that is not there yet.
    makes
        What it makes, below the folder that it runs in; the same bytes every time.
    fresh
        What is removed before it, for it to be made anew.
    copied
        What the command changes, a name that is copied from another before it: (the other, the name).
    """

    words: str
    makes: tuple[str, ...] = ("NEW",)
    fresh: tuple[str, ...] = ()
    copied: tuple[str, str] | None = None


TRAIN = " ".join(SIZE)
CASES = {
    "train": Case(f"train mod_add {TRAIN} --out NEW"),
    "seeds": Case(f"train mod_add {TRAIN} --seeds 0..3 --workers 2 --out NEW"),
    "sweep": Case("sweep small.toml --workers 2 --out NEW"),
    "analyze": Case(
        "analyze run --no-cache",
        ("run/analysis.nc", "run/transitions.json", "run/report.html"),
        ("run/analysis.nc", "run/transitions.json", "run/report.html", "run/cache"),
    ),
    "report": Case("report run", ("run/report.html",), ("run/report.html",)),
    "figure": Case("figure run progress --out NEW.html", ("NEW.html",)),
    "picture": Case("figure run progress --out NEW.png", ("NEW.png",)),
    "pack": Case("pack run --out NEW.zip", ("NEW.zip",)),
    "unpack": Case("unpack run.zip --out NEW"),
    "import": Case("import series --out NEW"),
    "check": Case("check run", ()),
    "densify": Case("densify copy --between 100 200 --every 1", ("copy",), copied=("run", "copy")),
    "resume": Case("resume rest", ("rest",), copied=("part", "rest")),
    "bench": Case("bench --case step --quick", ()),
}
FAST = ("train", "analyze", "unpack")
"""Cases that stand for the others in the fast tests."""


@dataclass
class Ground:
    """A folder with what the commands need, and how each one ends undisturbed."""

    folder: Path
    count: int = 0

    def words(self, name: str) -> tuple[list[str], tuple[str, ...]]:
        """Return the command line of a case with a new name, and what it will make."""
        self.count += 1
        case, new = CASES[name], f"new-{self.count}"
        for old in case.fresh:
            _remove(self.folder / old)
        if case.copied is not None:
            _remove(self.folder / case.copied[1])
            subprocess.run(["cp", "-r", *case.copied], cwd=self.folder, check=True)
        words = [re.sub(r"\bNEW\b", new, word) for word in case.words.split()]
        return words, tuple(re.sub(r"\bNEW\b", new, made) for made in case.makes)

    def made(self, names: tuple[str, ...]) -> dict[str, bytes]:
        """Return what a case made, under names that do not tell which time it was."""
        found = {}
        for name in names:
            path = self.folder / name
            files = files_below(path) if path.is_dir() else {"": path.read_bytes()}
            for file, data in files.items():
                shown = re.sub(r"new-\d+", "new", name)
                found[f"{shown}/{file}"] = re.sub(rb"new-\d+", b"new", data)
        return found


def _remove(path: Path) -> None:
    subprocess.run(["rm", "-rf", str(path)], check=True)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A trained and analysed run, the same packed, as others keep theirs, and half done; a sweep's file."""
    folder = tmp_path_factory.mktemp("ground")
    assert main(["train", "mod_add", *SIZE, "--out", str(folder / "run"), "--quiet"]) == 0
    config = open_run(folder / "run").config
    train_run(config, folder / "part", stop_after=100)
    assert main(["analyze", str(folder / "run"), "--quiet"]) == 0
    assert main(["pack", str(folder / "run"), "--out", str(folder / "run.zip"), "--quiet"]) == 0
    _write_series(folder)
    fields = zip(SIZE[::2], SIZE[1::2], strict=True)
    lines = "\n".join(f"{k.removeprefix('--').replace('-', '_')} = {v}" for k, v in fields)
    (folder / "small.toml").write_text(f"name = 'small'\nseeds = '0..1'\n[set]\n{lines}\n")
    return Ground(folder)


def _write_series(folder: Path) -> None:
    """Write checkpoints as TransformerLens users keep them: a state a file, the settings beside them."""
    import json

    from safetensors.torch import save_file

    run = open_run(folder / "run")
    (folder / "series").mkdir()
    for step in run.steps[::5]:
        save_file(run.weights(step), folder / "series" / f"step_{step}.safetensors")
    model = run.config.model
    settings = {
        "n_layers": model.n_layers, "d_model": model.d_model, "n_heads": model.n_heads, "d_head": model.d_head,
        "d_mlp": model.d_mlp, "act_fn": model.act_fn, "n_ctx": model.n_ctx, "d_vocab": model.d_vocab,
        "d_vocab_out": model.d_vocab_out, "normalization_type": None,
    }  # fmt: skip
    (folder / "series" / "config.json").write_text(json.dumps(settings))


def check_end(ended: Ended, number: signal.Signals, folder: Path, room: float = LOAD) -> bool:
    """Check how a command ended; return whether the signal came before it was done."""
    assert ended.left == (), "a process was left"
    assert litter(folder) == []
    assert "Traceback" not in ended.err
    assert ended.seconds < WITHIN + room, f"{ended.seconds:.2f} s after the signal"
    if ended.code == 0:  # it was done when the signal came
        assert "interrupted" not in ended.err
        return False
    assert ended.code == 128 + number, ended
    assert ended.out == "" or not ended.out.startswith("{"), "half an answer"
    lines = ended.err.strip().split("\n")
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("grokscope: interrupted; ")
    return True


def once(
    ground: Ground, name: str, rng: random.Random, length: float, expected, monkeypatch
) -> float:
    """Interrupt a command at a random moment, go on as it says, and compare; return the seconds that its end took."""
    number = rng.choice((signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    group, times = rng.random() < 0.5, rng.choice((1, 2))
    after = rng.uniform(0.05, length)
    words, makes = ground.words(name)
    told = f"{number.name} {'to all ' if group else ''}x{times} after {after:.2f} s"
    try:
        ended = interrupted(words, ground.folder, after, number, group, times)
        if check_end(ended, number, ground.folder):
            monkeypatch.chdir(ground.folder)
            if name not in ("bench", "check"):
                assert main(ended.again) == 0
        if expected is not None:
            assert ground.made(makes) == expected
    except AssertionError as error:
        raise AssertionError(f"{name}, {told}: {error}") from error
    return ended.seconds


def undisturbed(ground: Ground, name: str) -> tuple[float, dict[str, bytes] | None]:
    """Run a command to its end; return the seconds it took and what it made."""
    words, makes = ground.words(name)
    begun = time.monotonic()
    process, _ = start(words, ground.folder)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return time.monotonic() - begun, ground.made(makes) if makes else None


@pytest.mark.parametrize("name", FAST)
def test_an_interrupted_command_says_how_to_go_on(ground: Ground, name: str, monkeypatch):
    """Else Ctrl-C ends in a traceback, hangs, leaves half a file or a process, or nobody knows what to type."""
    length, expected = undisturbed(ground, name)
    once(ground, name, random.Random(f"fast {name}"), 0.9 * length, expected, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_command_interrupted_at_many_moments(ground: Ground, name: str, monkeypatch, capsys):
    """Else there is a moment (a library that loads, a thread at work, the end of Python) that is not safe."""
    from grokscope.cli import COMMANDS

    if CASES[name].words.split()[0] not in COMMANDS:
        pytest.skip("no such command")
    length, expected = undisturbed(ground, name)
    rng, times = random.Random(f"slow {name}"), []
    for _ in range(20):
        times.append(once(ground, name, rng, length, expected, monkeypatch))
    with capsys.disabled():
        said = f"{name} ({length:.1f} s): ended within {max(times):.2f} s, median {sorted(times)[10]:.2f} s"
        sys.stderr.write(f"\n{said}\n")
