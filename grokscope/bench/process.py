"""Our end of a contender's process."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from grokscope.bench.case import NotMeasuredError
from grokscope.bench.serve import pack
from grokscope.bench.settings import Settings
from grokscope.errors import UnsoundError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def environment(settings: Settings, folder: Path) -> dict[str, str]:
    """Return the environment of a contender's process, the same for all.

    Threads that wait spin for a few microseconds, then sleep, as in every grokscope command: on a busy machine a plain
    loop whose threads go on spinning takes several times longer. Files go below `folder`; compiled code is not found
    there from an earlier run.
    """
    found = os.environ | {"GOMP_SPINCOUNT": "3000", "TMPDIR": str(folder)}
    found.pop("OMP_WAIT_POLICY", None)
    found["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "compiled")
    if settings.threads is not None:
        found |= dict.fromkeys(THREAD_VARIABLES, str(settings.threads))
    return found


class ContenderProcess:
    """A contender in a process and a process group of its own, so that Ctrl-C reaches it through us alone."""

    def __init__(self, case: str, contender: str, settings: Settings) -> None:
        self.who = f"case {case}, {contender}"
        self.folder = tempfile.TemporaryDirectory(
            prefix="grokscope-bench-", ignore_cleanup_errors=True
        )
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grokscope.bench", case, contender, pack(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            env=environment(settings, Path(self.folder.name)),
            text=True,
            start_new_session=True,
        )

    def ready(self) -> Mapping[str, Any]:
        """Wait until it is warm and return its facts; `NotMeasuredError` where it cannot run here."""
        said = self._read()
        if "not_measured" in said:
            raise NotMeasuredError(said["not_measured"])
        return said["ready"]

    def round(self) -> Mapping[str, float]:
        """Have it do one round and return what it measured."""
        return self._ask("round")["sample"]

    def evidence(self) -> Mapping[str, list[float]]:
        """Return the numbers that all contenders must agree on."""
        return self._ask("evidence")["evidence"]

    def _ask(self, what: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(what + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self._failed()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self._failed()
        return json.loads(line)

    def _failed(self) -> None:
        code = self.process.wait()
        self.said.seek(0)
        lines = self.said.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        raise UnsoundError(f"bench: {self.who} ended with code {code}: {last[:300]}")

    def close(self) -> None:
        """End it and all that it started, and remove its files."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        # Also where it has ended: what it started may be left, in the same group.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.said.close()
        self.folder.cleanup()

    def __enter__(self) -> "ContenderProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
