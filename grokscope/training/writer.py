"""Checkpoints written beside the training loop: it copies the weights and goes on."""

import queue
import threading
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from grokscope.runs.checkpoints import write_tensors

WAITING = 8
"""Checkpoints that may wait for the disk; then training waits too."""


class CheckpointWriter:
    """Writes checkpoints in a thread of its own, in their order, each whole or not at all.

    What goes wrong there (a full disk) is raised by the next call. To be closed, or used as a context manager.
    """

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[Path, dict[str, Tensor], int, str] | None] = queue.Queue(
            WAITING
        )
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def write(self, path: Path, weights: Mapping[str, Tensor], step: int, config_hash: str) -> None:
        """Copy the weights and have them written; the error of an earlier one is raised here."""
        self._raise()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
            self._thread.start()
        copies = {name: weight.detach().to("cpu", copy=True) for name, weight in weights.items()}
        self._queue.put((path, copies, step, config_hash))

    def wait(self) -> None:
        """Wait until all is on the disk."""
        self._queue.join()
        self._raise()

    def close(self) -> None:
        """Wait for the last one, and end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        self._raise()

    def __enter__(self) -> "CheckpointWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
        except Exception:
            if kind is None:
                raise
            # Another error is on its way to the user already, and is the one that ended the run.

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            try:
                if job is None:
                    return
                if self._error is None:
                    write_tensors(job[0], job[1], job[2], job[3])
            except BaseException as error:  # told where it can be dealt with
                self._error = error
            finally:
                self._queue.task_done()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
