"""A full disk: one line, the run still sound, and the same command goes on once there is space."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands_on import Answer, faults_of
from interrupting import files_below, litter

from grokscope.cli import main

SIZE = (
    "--p 7 --frac-train 0.6 --d-model 16 --n-heads 2 --d-head 8 --d-mlp 64 --steps 60 "
    "--checkpoint-every 5 --keyframe-every 20"
).split()
OUTPUTS = ("analysis.nc", "transitions.json", "report.html")
CHILD = """
import os, sys
kilobytes, folder = int(sys.argv[1]), sys.argv[2]
os.chdir(folder)
if kilobytes:
    room = os.statvfs(".")
    with open("ballast", "wb") as file:
        file.write(bytes(max(0, room.f_bavail * room.f_frsize - 1024 * kilobytes)))
from grokscope.cli import main
code = main(sys.argv[3:])
if os.path.exists("ballast"):
    os.unlink("ballast")
sys.exit(code)
"""


class Disk:
    """A small file system of its own, seen by its own processes only."""

    def __init__(self, place: Path, megabytes: int) -> None:
        place.mkdir()
        self.place = place
        # A process that keeps the mount; the others join its namespaces.
        self.keeper = subprocess.Popen(
            ["unshare", "-Urm", "sh", "-c",
             f"mount -t tmpfs -o size={megabytes}m none '{place}' && echo ready && exec sleep 1000"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.keeper.stdout is not None
        if self.keeper.stdout.readline().strip() != "ready":
            self.close()
            pytest.skip("a file system cannot be mounted here")

    @property
    def seen(self) -> Path:
        """The file system as this process reaches it."""
        return Path(f"/proc/{self.keeper.pid}/root") / self.place.relative_to("/")

    def run(self, *words: str, kilobytes: int = 0) -> Answer:
        """Run a command there with so much space left, or all that there is where 0."""
        done = subprocess.run(
            ["nsenter", f"--target={self.keeper.pid}", "--user", "--mount", "--preserve-credentials",
             sys.executable, "-c", CHILD, str(kilobytes), str(self.place), *words],
            capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120,
        )  # fmt: skip
        return Answer(words, done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        self.keeper.kill()
        self.keeper.communicate()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk", 24)
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that is trained and analysed with space enough, and the same packed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main(["train", "mod_add", *SIZE, "--out", str(folder / "run"), "--quiet"]) == 0
    assert main(["pack", str(folder / "run"), "--out", str(folder / "run.zip"), "--quiet"]) == 0
    assert main(["analyze", str(folder / "run"), "--quiet", "--no-cache"]) == 0
    return folder


def refused(answer: Answer) -> None:
    """Check that a command said in one line that the disk is full."""
    assert faults_of(answer) == "", str(answer)
    assert answer.code == 2, str(answer)
    words = ("No space left on device", "bytes", "the disk has")
    assert any(each in answer.err for each in words), str(answer)


@pytest.mark.parametrize("kilobytes", [40, pytest.param(150, marks=pytest.mark.slow)])
def test_training_on_a_full_disk(disk: Disk, undisturbed: Path, kilobytes: int):
    """Else a full disk overnight costs the run."""
    train = ["train", "mod_add", *SIZE, "--out", "run", "--quiet"]
    refused(disk.run(*train, kilobytes=kilobytes))
    assert litter(disk.seen) == []
    again = ["resume", "run", "--quiet"] if (disk.seen / "run" / "config.json").exists() else train
    assert disk.run("check", "run", "--quiet").code == 0 or again is train
    answer = disk.run(*again)
    assert answer.code == 0, str(answer)
    whole = {k: v for k, v in files_below(undisturbed / "run").items() if k not in OUTPUTS}
    found = files_below(disk.seen / "run")
    assert found.keys() == whole.keys()
    assert [name for name in whole if found[name] != whole[name]] == []


@pytest.mark.parametrize(
    "words",
    [
        "unpack run.zip --out new --quiet",
        pytest.param("pack run --out new.zip --quiet", marks=pytest.mark.slow),
        "analyze run --quiet --no-cache",
        pytest.param("report run", marks=pytest.mark.slow),
        pytest.param("figure run progress", marks=pytest.mark.slow),
        pytest.param("densify run --between 22 28 --every 1 --quiet", marks=pytest.mark.slow),
    ],
)
def test_a_command_on_a_full_disk(disk: Disk, undisturbed: Path, words: str):
    """Else a full disk leaves half a file, or costs what was there."""
    shutil.copytree(undisturbed / "run", disk.seen / "run")
    shutil.copy(undisturbed / "run.zip", disk.seen)
    before = files_below(disk.seen)
    refused(disk.run(*words.split(), kilobytes=20))
    after = files_below(disk.seen)
    assert {k: v for k, v in after.items() if k in before} == before
    assert litter(disk.seen) == []
    assert disk.run("check", "run", "--quiet").code == 0
    answer = disk.run(*words.split())
    assert answer.code == 0, str(answer)
    found = files_below(disk.seen)
    if words.startswith("unpack"):
        name = "new/checkpoints/step-00000060.safetensors"
        assert found[name] == before[name.replace("new/", "run/")]
    if words.startswith("analyze"):
        assert {name: found[f"run/{name}"] for name in OUTPUTS} == {
            name: before[f"run/{name}"] for name in OUTPUTS
        }


@pytest.mark.parametrize("after", [3000, 12000])
def test_a_write_that_the_system_cuts_off(tmp_path: Path, after: int):
    """Else where no file system can be mounted none of this is tested: a file may have so many bytes, and no more."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from grokscope.cli import main\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({after}, {after}))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = ["train", "mod_add", *SIZE, "--out", "run", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip().startswith("grokscope: ")
    assert done.stderr.strip().count("\n") == 0
    assert litter(tmp_path) == []
    again = ["resume", str(tmp_path / "run"), "--quiet"]
    if not (tmp_path / "run" / "config.json").exists():
        again = [*words[:-2], str(tmp_path / "run"), "--quiet"]
    assert main(again) == 0
