"""Stacks within a sweep: told run by run, interrupted, gone wrong, killed; in this process and in others."""

import json
import multiprocessing
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_sweep import only

from grokscope.errors import RequestError
from grokscope.runs.run import open_run
from grokscope.runs.status import run_status
from grokscope.sweeps import open_sweep, pool, sweep, train_several
from grokscope.sweeps.job import Job
from grokscope.sweeps.plan import make_plan
from grokscope.sweeps.specification import read_specification
from grokscope.sweeps.stopping import Stop
from grokscope.sweeps.train_one import Outcome
from grokscope.sweeps.worker import TOLD_EVERY, _Line
from grokscope.training.engine import EngineConfig
from grokscope.training.loop import train_run
from grokscope.training.resume import resume_run

SIX = only(steps=12, eval_every=3, checkpoint_every=6, dtype="float64") | {"seeds": "0..5"}


def planned(spec=SIX):
    return make_plan(read_specification(spec)).runs


def job_of(folder, n=4, first=0):
    runs = planned()[:n]
    places = tuple(range(first, first + n))
    return Job(places, tuple((run.config, folder / str(run.seed)) for run in runs))


def stacked(run):
    return open_run(run).info.get("stacked")


def assert_is_alone(path, config, folder, tolerance=1e-11):
    alone = train_run(config, folder, engine=EngineConfig(threads=1))
    run = open_run(path)
    assert run.steps == alone.steps
    for name, weight in alone.weights(alone.steps[-1]).items():
        found = run.weights(run.steps[-1])[name]
        torch.testing.assert_close(found, weight, rtol=0, atol=tolerance)
    for line, wanted in zip(run.metrics(), alone.metrics(), strict=True):
        assert line == pytest.approx(wanted, rel=1e-9)


def test_a_sweep_stacks_by_itself(tmp_path):
    """Else seeds of a setting are trained one after another, or are told, written and kept as one."""
    said = []
    found = sweep(SIX, tmp_path / "sweep", workers=0, on_update=said.append)
    assert [run.status for run in found.runs] == ["done"] * 6
    for planned_run, run in zip(planned(), found.runs, strict=True):
        path = found.path / run.folder
        assert stacked(path) == 6
        assert_is_alone(path, planned_run.config, tmp_path / f"alone{run.seed}")
        of_run = [(u.kind, u.step) for u in said if u.index == run.seed]
        assert of_run == [("started", 0), *(("metrics", s) for s in range(0, 13, 3)), ("ended", 0)]
    assert found.dataset()["loss"].sel(rows=["train", "test"]).notnull().all()
    again = sweep(SIX | {"seeds": "0..9"}, tmp_path / "sweep", workers=0)
    assert [stacked(again.path / run.folder) for run in again.runs] == [6] * 6 + [4] * 4


def test_a_sweep_that_must_not_stack(tmp_path):
    """Else `stack=False` does not give the bits of single runs."""
    found = sweep(SIX, tmp_path / "sweep", workers=0, stack=False)
    for planned_run, run in zip(planned(), found.runs, strict=True):
        alone = train_run(planned_run.config, tmp_path / f"alone{run.seed}")
        for step in alone.steps:
            name = f"checkpoints/step-{step:08d}.safetensors"
            path = found.path / run.folder
            assert (path / name).read_bytes() == (alone.path / name).read_bytes()
        assert stacked(path) is None


def test_an_engine_that_cannot_be_is_refused_before_anything_is_written(tmp_path):
    """Else every run of a sweep fails by itself, one line each."""
    with pytest.raises(RequestError, match=r"engine = hooked with dropout"):
        sweep(only(dropout=0.1), tmp_path / "out", workers=0, engine=EngineConfig(engine="hooked"))
    assert not (tmp_path / "out").exists()


def test_in_processes(tmp_path):
    """Else a stack does not pass through a pipe, or its runs are told under others' names."""
    ended = {}

    def listen(update):
        if update.kind == "ended":
            ended[update.index] = (update.run.seed, update.run.status)

    spec = SIX | {"seeds": "0..8"}
    found = sweep(spec, tmp_path / "sweep", workers=2, on_update=listen)
    assert ended == {seed: (seed, "done") for seed in range(9)}
    assert sorted(stacked(found.path / run.folder) for run in found.runs) == [4] * 4 + [5] * 5
    assert all(open_run(found.path / run.folder).info["threads"] == 1 for run in found.runs)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_every_member(tmp_path, number):
    """Else Ctrl-C in a stack loses runs, or they cannot go on."""
    sent, ends = [], []

    def listen(update):
        if update.kind == "metrics" and update.step >= 6 and not sent:
            sent.append(update)
            signal.raise_signal(number)
        if update.kind == "ended":
            ends.append((update.index, update.run.status))

    with pytest.raises(KeyboardInterrupt):
        sweep(SIX, tmp_path / "sweep", workers=0, on_update=listen)
    part = open_sweep(tmp_path / "sweep")
    assert ends == [(seed, "interrupted") for seed in range(6)]
    assert [run.status for run in part.runs] == ["interrupted"] * 6
    assert all(
        (part.path / r.folder / "state/step-00000006.safetensors").is_file() for r in part.runs
    )
    found, whole = sweep(SIX, part.path, workers=0), sweep(SIX, tmp_path / "whole", workers=0)
    for run in found.runs:
        assert run.status == "done"
        assert files(found.path / run.folder) == files(whole.path / run.folder), "to the bit"


def files(path):
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name != ".lock"
    }


def test_members_that_were_begun_and_never_trained_begin_again(tmp_path):
    """Else a sweep that is killed while it makes its folders can never go on."""
    whole = sweep(SIX, tmp_path / "whole", workers=0)
    folders = [run.folder for run in whole.runs]
    for number, folder in enumerate(folders[:3]):
        (tmp_path / "part" / folder / "checkpoints").mkdir(parents=True)
        if number < 2:
            text = (whole.path / folder / "config.json").read_text()
            (tmp_path / "part" / folder / "config.json").write_text(text)
    (tmp_path / "part/sweep.json").write_text((whole.path / "sweep.json").read_text())
    found = sweep(SIX, tmp_path / "part", workers=0)
    for folder in folders:
        assert files(found.path / folder) == files(whole.path / folder)


def test_a_stack_without_one_of_its_runs(tmp_path):
    """Else a run of a stack goes on to other bits in silence, or cannot go on at all."""
    job = job_of(tmp_path)

    def stop(place, step, metrics):
        if step == 6:
            raise KeyboardInterrupt

    train_several.attempt_job(job, stop, lambda *_: None)
    (tmp_path / "2").rename(tmp_path / "away")
    with pytest.raises(RequestError, match=r"stack of 4 runs, of which 2 cannot be opened.*anyway"):
        resume_run(tmp_path / "0")
    run = resume_run(tmp_path / "0", anyway=True)
    assert run_status(run) == "done"
    record = open_run(run.path).info["continued"]
    assert [(e["step"], e["changed"]) for e in record] == [(6, {"stack": ["4 runs", "alone"]})]
    assert_is_alone(run.path, job.runs[0][0], tmp_path / "alone")
    (tmp_path / "away").rename(tmp_path / "2")
    with pytest.raises(RequestError, match="of which 0 went on alone"):
        resume_run(tmp_path / "1")


def test_an_exception_in_a_stack_is_met_run_by_run(tmp_path, monkeypatch):
    """Else one member that cannot be written, or a lack of memory for all, takes the others with it."""
    job, ended = job_of(tmp_path), {}
    bad = tmp_path / "2"
    bad.mkdir()
    (bad / "mine.txt").write_text("")
    train_several.attempt_job(job, lambda *_: None, lambda place, o: ended.update({place: o}))
    assert [ended[place].status for place in range(4)] == ["done", "done", "failed", "done"]
    assert "is not empty" in ended[2].reason

    def no_memory(configs, outs, engine, on_member, on_end):
        done = train_run(configs[1], outs[1])
        on_end(1, done)
        raise MemoryError

    monkeypatch.setattr(train_several, "train_stack", no_memory)
    told = []
    job = job_of(tmp_path / "again")
    train_several.attempt_job(job, lambda *_: None, lambda *words: told.append(words))
    assert told == [(place, Outcome("done")) for place in (1, 0, 2, 3)]


def test_a_stack_that_breaks_in_the_middle(tmp_path, monkeypatch):
    """Else runs that were begun in a stack stay half trained, or are told of twice."""
    from grokscope.training.stack import Stack

    update = Stack.update

    def breaks(self):
        if self.step == 7:
            raise RuntimeError("no memory")
        return update(self)

    monkeypatch.setattr(Stack, "update", breaks)
    told = []
    job = job_of(tmp_path)
    train_several.attempt_job(job, lambda *_: None, lambda *words: told.append(words))
    assert told == [(place, Outcome("done")) for place in range(4)]
    for (config, path), place in zip(job.runs, range(4), strict=True):
        assert_is_alone(path, config, tmp_path / f"alone{place}")


def test_who_is_at_the_end_when_interrupted(tmp_path):
    """Else a run that stopped early at the very evaluation of an interrupt counts as interrupted."""
    job = job_of(tmp_path)
    ended = {}

    def on_member(place, step, metrics):
        if place == 3 and step == 12:
            raise KeyboardInterrupt

    train_several.attempt_job(job, on_member, lambda place, o: ended.update({place: o}))
    found = [run_status(open_run(path)) for _, path in job.runs]
    assert [ended[place].status for place in range(4)] == found
    assert found == ["done"] * 3 + ["interrupted"]
    assert run_status(resume_run(job.runs[3][1])) == "done"


def test_an_error_of_the_listener_in_a_stack_is_raised(tmp_path):
    """Else a notebook's mistake makes every run of a stack be trained a second time."""
    ends = []

    def listen(update):
        if update.kind == "ended":
            ends.append(update.index)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        sweep(SIX, tmp_path / "sweep", workers=0, on_update=listen)
    assert ends == [0]


class EndedProcess:
    """A process that has ended."""

    exitcode = -9

    def join(self):
        pass


def heard_of(said, job):
    """Return what the parent hears of one process that says this and dies."""
    heard = []
    ours, theirs = multiprocessing.Pipe()
    worker = pool._Worker.__new__(pool._Worker)
    worker.__dict__.update(
        process=EndedProcess(), pipe=ours, job=None, left=set(), began=False, stopped=False,
        signalled=False,
    )  # fmt: skip
    worker.give(job, lambda *words: heard.append(words))
    for words in said:
        theirs.send(words)
    theirs.close()
    while worker.listen(lambda *words: heard.append(words)):
        pass
    return worker, heard


def test_a_killed_stack_fails_what_was_left_of_it():
    """Else runs of a killed process that had ended fail, or those that had not stay without an outcome."""
    job = job_of(Path("nowhere"), first=10)
    done, lost = Outcome("done"), Outcome("failed", "its process was killed (signal 9)")
    said = [("ready",), ("metrics", 3, 5, {"x": 1.0}), ("ended", 1, done)]
    _, heard = heard_of(said, job)
    assert heard[:4] == [(index, "started") for index in range(10, 14)]
    assert heard[4:6] == [(13, "metrics", 5, {"x": 1.0}), (11, "ended", done)]
    assert heard[6:] == [(index, "ended", lost) for index in (10, 12, 13)]


def test_a_stack_whose_process_was_told_to_stop_by_somebody_else():
    """Else of a stack that one SIGTERM interrupted the first run alone is told to have failed."""
    job = job_of(Path("nowhere"))
    said = [("ready",), *(("ended", place, Outcome("interrupted")) for place in range(4))]
    worker, heard = heard_of(said, job)
    failed = Outcome("failed", "its process was told to stop; the state is kept")
    assert heard[4:] == [(index, "ended", failed) for index in range(4)]
    assert not worker.is_free


def test_progress_of_a_stack_is_told_as_a_whole_and_not_too_often(monkeypatch):
    """Else the pipe is full of thirty runs' evaluations, or one run of them is never told of."""
    ours, theirs = multiprocessing.Pipe()
    now = [100.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("grokscope.sweeps.worker.time", clock)
    line = _Line(theirs, os.getppid(), Stop())
    for step in range(10):
        now[0] += TOLD_EVERY / 4 * 1.01
        for place in range(3):
            line.on_member(place, step, {})
    said = []
    while ours.poll():
        said.append(ours.recv()[1:3])
    assert said == [(place, step) for step in (0, 4, 8) for place in range(3)]
    ours.send(None)
    with pytest.raises(KeyboardInterrupt):
        line.on_member(0, 10, {})


def test_the_environment_of_a_worker(monkeypatch):
    """Else a worker's threads spin for milliseconds, or what a user set is set otherwise."""
    code = "import json, os, grokscope; print(json.dumps(dict(os.environ)))"

    def environment(**given):
        import subprocess
        import sys

        base = {
            k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
        }
        done = subprocess.run(
            [sys.executable, "-c", code], env=base | given, capture_output=True, text=True, check=True
        )  # fmt: skip
        found = json.loads(done.stdout)
        return {k: found.get(k) for k in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}

    assert environment() == {"OMP_WAIT_POLICY": None, "GOMP_SPINCOUNT": "3000"}
    mine = {"OMP_WAIT_POLICY": "ACTIVE"}
    assert environment(**mine) == mine | {"GOMP_SPINCOUNT": None}
    assert environment(GOMP_SPINCOUNT="7")["GOMP_SPINCOUNT"] == "7"
    monkeypatch.setenv("GOMP_SPINCOUNT", "3000")
    with pool._environment(pool._threads_of_libraries(1)):
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert os.environ["GOMP_SPINCOUNT"] == "3000"
        assert os.environ.get("OMP_WAIT_POLICY") != "PASSIVE"
