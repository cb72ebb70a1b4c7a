"""Training that is killed (SIGKILL) at a moment of choice, in a process that is forked off one that has torch loaded.

As a script this is the server: a line of JSON for each attempt comes in, one with what became of it goes out.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CALLS = ("replace", "fsync", "unlink", "line", "half a line", "update")
"""What a killed process may have been at: the n-th of these calls is its last."""
PATIENCE = 180.0


@dataclass(frozen=True)
class Kill:
    """When a trainer is killed: after so many seconds, or at the n-th call of a kind, before it or after it."""

    seconds: float | None = None
    call: str = ""
    number: int = 0
    before: bool = True


class Server:
    """Forks a trainer for every attempt."""

    def __init__(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def attempt(
        self, options: dict[str, Any], outs: list[Path], kill: Kill | None = None
    ) -> dict[str, Any]:
        """Train, or go on with, the runs in `outs` (a stack where there are several); tell how it ended.

        Returns
        -------
        dict
            ended: done, killed or failed; error: why it failed; seconds; calls: of each kind, where it was done.
        """
        job = {"options": options, "outs": [str(out) for out in outs]}
        job["kill"] = None if kill is None else vars(kill)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def random_kill(rng: random.Random, whole: dict[str, Any]) -> Kill:
    """Draw a moment in an attempt that took as `whole` says."""
    if rng.random() < 0.4:
        return Kill(seconds=rng.uniform(0, 1.05 * whole["seconds"]))
    call = rng.choice(CALLS)
    n = max(1, whole["calls"].get(call, 0))
    return Kill(call=call, number=rng.randint(1, n), before=rng.random() < 0.5)


def kill_until_done(
    server: Server,
    options: dict[str, Any],
    outs: list[Path],
    whole: dict[str, Any],
    rng: random.Random,
    again: float = 0.5,
) -> list[Kill]:
    """Train with a random kill, go on, kill again with probability `again`, until it is done; return the kills."""
    kills = [random_kill(rng, whole)]
    ended = server.attempt(options, outs, kills[0])
    while ended["ended"] != "done":
        assert ended["ended"] == "killed", (ended, kills)
        if len(kills) < 10 and rng.random() < again:
            kills.append(random_kill(rng, whole))
            ended = server.attempt(options, outs, kills[-1])
        else:
            ended = server.attempt(options, outs)
    return kills


# What follows runs in the server and in the processes that it forks.


def serve() -> None:
    """Do what comes in until the pipe is closed."""
    import torch

    torch.set_num_threads(1)
    _load_all()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_forked(json.loads(line))) + "\n")
        sys.stdout.flush()


def _load_all() -> None:
    """Have everything loaded that training loads on its way; no gradients, whose threads a fork does not have."""
    import torch

    from grokscope.config import RunConfig, override
    from grokscope.training import resume
    from grokscope.training.resolve import resolve
    from grokscope.training.together import Stack

    assert resume
    config, task = resolve(override(RunConfig(), p=5, d_model=8, d_head=4, n_heads=2, d_mlp=8))
    from grokscope.tasks import make_split
    from grokscope.training.engine import Engine

    stack = Stack([config], task, [make_split(task, config.split)], Engine(threads=1))
    stack.metrics()
    trainer = stack.members[0]
    trainer.metrics()
    for weight in trainer.weights.values():
        weight.grad = torch.zeros_like(weight)
    trainer.optimiser.step()


def _forked(job: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            said = {"ended": "done", "calls": _train(job)}
        except BaseException as error:
            said = {"ended": "failed", "error": f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    seconds = (job["kill"] or {}).get("seconds")
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    found = json.loads(said) if said else {"ended": "killed"}
    return found | {"seconds": time.monotonic() - began}


def _train(job: dict[str, Any]) -> dict[str, int]:
    from grokscope.config import RunConfig, override
    from grokscope.runs.run import CONFIG_FILE
    from grokscope.training.engine import Engine, EngineConfig
    from grokscope.training.loop import train_run
    from grokscope.training.resume import resume_run
    from grokscope.training.together import train_stack

    kill = None if job["kill"] is None else Kill(**job["kill"])
    calls = _watched(kill)
    outs = [Path(out) for out in job["outs"]]
    options = job["options"]
    begun = [out for out in outs if (out / CONFIG_FILE).exists()]
    if len(outs) == 1 and not begun:
        train_run(override(RunConfig(), **options), outs[0], engine=EngineConfig(compile="off"))
    elif len(outs) > 1 and len(begun) < len(outs):
        for out in begun:
            _remove(out)
        configs = [override(RunConfig(), **options, seed=seed) for seed in range(len(outs))]
        train_stack(configs, outs, Engine(threads=1))
    else:
        for out in reversed(outs):  # one that is not complete goes on with all of its stack
            resume_run(out)
    return calls


def _remove(run: Path) -> None:
    """Remove a member that was begun where others were not: nothing is computed by then, and no step is lost."""
    import shutil

    assert not list((run / "checkpoints").iterdir())
    shutil.rmtree(run)


def _watched(kill: Kill | None) -> dict[str, int]:
    """Count the calls of every kind from now on, and die at the one of `kill`."""
    from grokscope.runs.metrics import MetricsWriter, metric_line
    from grokscope.training.stack import Stack
    from grokscope.training.trainer import Trainer

    calls = dict.fromkeys(CALLS, 0)

    def watch(holder: Any, name: str, kind: str) -> None:
        plain: Callable[..., Any] = getattr(holder, name)

        def watched(*args: Any, **more: Any) -> Any:
            calls[kind] += 1
            due = kill is not None and kill.call == kind and calls[kind] == kill.number
            if due and kill is not None and kill.before:
                os.kill(os.getpid(), signal.SIGKILL)
            found = plain(*args, **more)
            if due:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        setattr(holder, name, watched)

    append = MetricsWriter.append

    def half(self: MetricsWriter, line: dict[str, Any]) -> None:
        calls["half a line"] += 1
        if kill is not None and kill.call == "half a line" and calls["half a line"] == kill.number:
            data = metric_line(line).encode()
            self._file.write(data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        append(self, line)

    MetricsWriter.append = half  # type: ignore[method-assign]
    for holder, name, kind in (
        (os, "replace", "replace"),
        (os, "fsync", "fsync"),
        (os, "unlink", "unlink"),
        (MetricsWriter, "append", "line"),
        (Trainer, "update", "update"),
        (Stack, "update", "update"),
    ):
        watch(holder, name, kind)
    return calls


def files_of_runs(outs: list[Path]) -> dict[str, bytes]:
    """Return every file of the runs but the locks."""
    return dict(_files(outs))


def _files(outs: list[Path]) -> Iterator[tuple[str, bytes]]:
    for out in outs:
        for file in sorted(out.rglob("*")):
            if file.is_file() and file.name != ".lock":
                yield f"{out.name}/{file.relative_to(out)}", file.read_bytes()


if __name__ == "__main__":
    serve()
