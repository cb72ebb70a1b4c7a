"""Sweeps in several processes: each kind of end that a process can come to, and what is left then."""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from tiny_sweep import only

import grokscope
from grokscope.config import RunConfig
from grokscope.errors import RequestError
from grokscope.runs.run import open_run
from grokscope.sweeps import open_sweep, pool, sweep
from grokscope.sweeps.job import Job
from grokscope.sweeps.pool import WORKER_NAME
from grokscope.sweeps.stopping import Stop, stop_on
from grokscope.sweeps.train_one import Outcome
from grokscope.sweeps.worker import serve

LONG = only(steps=10**6, eval_every=20, checkpoint_every=0, checkpoint_log=0)


def wait_for(what, seconds: float = 300):
    """Wait until `what()` is true and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.1)
    return pytest.fail(f"not within {seconds} s")


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not waited for does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


@pytest.fixture
def started(tmp_path):
    """Start `grokscope sweep` on two endless runs; return (process, folder) once both are in training."""
    (tmp_path / "long.json").write_text(json.dumps(LONG | {"seeds": [0, 1]}))
    code = (
        "import json, sys; from pathlib import Path; from grokscope.sweeps import sweep\n"
        "if __name__ == '__main__':\n"
        "    try: sweep(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], workers=2)\n"
        "    except KeyboardInterrupt: sys.exit(130)\n"
    )
    (tmp_path / "go.py").write_text(code)
    out = tmp_path / "sweep"
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "go.py"), str(tmp_path / "long.json"), str(out)],
        env=os.environ | {"PYTHONPATH": str(Path(grokscope.__file__).parents[1])},
        start_new_session=True, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(
            lambda: (
                sum(p.read_text().count("\n") > 3 for p in out.glob("runs/*/metrics.jsonl")) == 2
            )
        )
        yield process, out
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


def workers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(c) for c in children if "spawn_main" in Path(f"/proc/{c}/cmdline").read_text()]


def states_of(out: Path) -> dict[str, tuple[int, int]]:
    """Return the last kept state and the last line of metrics of each run."""
    found = {}
    for path in sorted(out.glob("runs/*")):
        states = sorted(path.glob("state/*.safetensors"))
        assert not list(path.rglob("*.part"))
        kept = int(states[-1].stem.removeprefix("step-"))
        found[path.name] = (kept, open_run(path).metrics()[-1]["step"])
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc")
@pytest.mark.parametrize("to_all", [False, True])
def test_an_interrupt_keeps_every_state(started, to_all):
    """Else Ctrl-C, to the terminal's processes or to ours alone, loses a run, leaves a process, or says much."""
    process, out = started
    workers = workers_of(process.pid)
    assert len(workers) == 2
    for _ in range(2):  # twice: the second must not cut the states being written
        (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
        time.sleep(0.05)
    assert process.wait(timeout=120) == 130
    assert process.stderr.read() == ""
    assert not any(map(is_alive, workers))
    states = states_of(out)
    assert len(states) == 2
    for kept, last in states.values():
        assert kept == last, "the state is that of the last evaluation"
    assert [run.status for run in open_sweep(out).runs] == ["interrupted"] * 2
    assert all(open_run(out / run.folder).info["threads"] == 1 for run in open_sweep(out).runs)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc")
def test_workers_notice_that_the_parent_is_gone(started):
    """Else a killed sweep leaves processes that train on and hold the runs' locks."""
    process, out = started
    workers = workers_of(process.pid)
    process.kill()
    wait_for(lambda: not any(map(is_alive, workers)))
    assert all(kept == last for kept, last in states_of(out).values())
    assert len(states_of(out)) == 2


def test_a_killed_process_takes_only_its_own_run(tmp_path):
    """Else one process that runs out of memory ends the sweep, or leaves the runs after it untrained."""
    killed = []

    def listen(update):
        # Two processes begin; the one that is killed is replaced, since another run waits.
        if update.kind == "metrics" and update.run.seed in (0, 1) and not killed:
            killed.append(multiprocessing.active_children()[0])
            os.kill(killed[0].pid, signal.SIGKILL)

    spec = only(steps=150, eval_every=10, checkpoint_every=0, checkpoint_log=0) | {
        "seeds": [0, 1, 2]
    }
    before = os.environ.get("OMP_NUM_THREADS")
    found = sweep(spec, tmp_path / "sweep", workers=2, on_update=listen)
    assert os.environ.get("OMP_NUM_THREADS") == before
    assert killed[0].name == WORKER_NAME
    assert not multiprocessing.active_children()
    statuses = [run.status for run in found.runs]
    assert sorted(statuses) == ["done", "done", "failed"]
    failed = found.runs[statuses.index("failed")]
    assert failed.reason == "its process was killed (signal 9)"


def test_a_script_without_a_guard(tmp_path, monkeypatch):
    """Else the processes of a sweep, which read the script again, start sweeps of their own without end."""
    monkeypatch.setattr(multiprocessing.current_process(), "name", WORKER_NAME)
    with pytest.raises(RequestError, match="__name__ == '__main__'"):
        sweep(only(), tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


class FakeProcess(BaseProcess):
    """A process that has ended with an exit code."""

    exitcode = 0

    def __init__(self, exitcode):
        self.exitcode = exitcode

    def join(self, timeout=None):
        pass


def hire(exitcode, said=()):
    """Return what stands for `pool._hire`: workers that say this, and end."""

    def hired(threads):
        ours, theirs = multiprocessing.Pipe()
        for words in said:
            theirs.send(words)
        theirs.close()
        return pool._Worker(FakeProcess(exitcode), ours)

    return hired


def ended_with(monkeypatch, exitcode, said=(), n_jobs=3):
    heard = []
    monkeypatch.setattr(pool, "_hire", hire(exitcode, said))
    jobs = [Job((i,), ((RunConfig(), Path("nowhere")),)) for i in range(n_jobs)]
    pool.train_in_processes(jobs, 2, 1, lambda *words: heard.append(words), Stop())
    return {index: rest[0] for index, word, *rest in heard if word == "ended"}


def test_processes_that_cannot_start(monkeypatch):
    """Else a sweep starts as many processes as it has runs, each to fail at the same import."""
    with pytest.raises(RequestError, match=r"could not start \(exit code 1\)"):
        ended_with(monkeypatch, 1)


def test_processes_that_die_one_after_the_other(monkeypatch):
    """Else runs whose processes were killed before they began are tried without end, or stay without an outcome."""
    found = ended_with(monkeypatch, -9)
    assert {(o.status, o.reason) for o in found.values()} == {
        ("failed", "its process was killed (signal 9)")
    }
    assert sorted(found) == [0, 1, 2]
    found = ended_with(monkeypatch, 3, said=[("ready",)])
    assert {o.reason for o in found.values()} == {"its process ended (exit code 3)"}


def test_a_process_that_was_told_to_stop_by_somebody_else(monkeypatch):
    """Else a run that one SIGTERM interrupted counts as done with, or its process is given another run."""
    said = [("ready",), ("ended", 0, Outcome("interrupted"))]
    found = ended_with(monkeypatch, 0, said)
    assert sorted(found) == [0, 1, 2]
    assert {(o.status, o.reason) for o in found.values()} == {
        ("failed", "its process was told to stop; the state is kept")
    }


def test_a_worker_heeds_its_parent(monkeypatch, tmp_path):
    """Else a worker whose parent says stop, or is gone, trains on."""
    for farewell in ("none", "closed", "another parent"):
        ours, theirs = multiprocessing.Pipe()
        steps = []

        def train(config, path, on_metrics, engine, farewell=farewell, ours=ours, steps=steps):
            try:
                for step in range(100):
                    if step == 5:
                        if farewell == "none":
                            ours.send(None)
                        elif farewell == "closed":
                            ours.close()
                        else:
                            monkeypatch.setattr(os, "getppid", lambda: 1)
                    steps.append(step)
                    on_metrics(step, {"accuracy_train": 0.5})
            except KeyboardInterrupt:
                return Outcome("interrupted")
            return Outcome("done")

        monkeypatch.setattr("grokscope.sweeps.train_several.attempt", train)
        before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)}
        try:
            ours.send(Job((3,), ((RunConfig(), tmp_path),)))
            serve(theirs, os.getppid(), 1)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        assert steps == [0, 1, 2, 3, 4, 5], farewell
        if farewell != "closed":
            said = [ours.recv() for _ in range(3)]
            assert [word for word, *_ in said] == ["ready", "metrics", "ended"]
            assert said[2] == ("ended", 0, Outcome("interrupted"))
            assert not ours.poll()
        monkeypatch.undo()


def test_signals_are_noted_and_put_back():
    """Else a sweep takes Ctrl-C from a notebook for good, or wakes what nohup put to rest."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with stop_on((signal.SIGINT, signal.SIGHUP)) as stop:
            assert not stop.asked
            signal.raise_signal(signal.SIGHUP)
            assert not stop.asked
            signal.raise_signal(signal.SIGINT)
            assert stop.asked
        assert signal.getsignal(signal.SIGINT) is interrupt
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
