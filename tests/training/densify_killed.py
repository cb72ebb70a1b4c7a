"""densify, killed (SIGKILL) before its n-th call that changes the disk, in a process forked off one with torch loaded.

As a script: RUN_FOLDER A B EVERY, then numbers n; for each the run is copied, densified with the kill, and densified
again. Prints a line of JSON for each: what was on the disk after the kill, and at the end.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

CALLS = ("replace", "fsync", "unlink", "rmdir")


def digests(path: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a run but the lock."""
    import hashlib

    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def die_at(number: int) -> None:
    """Have this process killed before its n-th call."""
    left = [number]

    def watched(plain: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(*args, **more)

        return call

    for name in CALLS:
        setattr(os, name, watched(getattr(os, name)))


def attempt(path: Path, between: tuple[int, int], every: int, number: int | None) -> bool:
    """Densify in a process of its own; return whether it came to its end."""
    from grokscope.runs.run import open_run
    from grokscope.training.densify import densify

    child = os.fork()
    if child == 0:
        code = 1
        try:
            if number is not None:
                die_at(number)
            densify(open_run(path), between, every)
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return not os.WIFSIGNALED(status)


def state_of(path: Path) -> dict[str, Any]:
    """Return what a reader finds: everything has to be readable, and told in config.json or densified.json."""
    from grokscope.checking import check
    from grokscope.runs.densified import read_densified
    from grokscope.runs.run import open_run

    run = open_run(path)
    told = {step for entry in read_densified(path) for step in entry.steps}
    for step in run.steps:
        run.weights(step)
    declared, every = set(run.info["declared_checkpoints"]), run.config.schedule.eval_every
    steps = [line["step"] for line in run.metrics()]
    return {
        "sound": check(path).is_sound,
        "untold": sorted(set(run.steps) - declared - told),
        "missing": sorted(declared - set(run.steps)),
        "lines in order": steps == sorted(set(steps)),
        "untold lines": [s for s in steps if s % every and s not in declared | told],
    }


def main() -> None:
    import torch

    import grokscope.training.densify

    assert grokscope.training.densify
    torch.set_num_threads(1)
    whole, low, high, every, *numbers = sys.argv[1:]
    between = int(low), int(high)
    for number in numbers:
        path = Path(f"{whole}-killed-{number}")
        shutil.copytree(whole, path)
        done = attempt(path, between, int(every), int(number))
        state = state_of(path)
        again = attempt(path, between, int(every), None)
        found = {"done": done, "state": state, "again": again, "files": digests(path)}
        sys.stdout.write(json.dumps(found) + "\n")
        shutil.rmtree(path)


if __name__ == "__main__":
    main()
