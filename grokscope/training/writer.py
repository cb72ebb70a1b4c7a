"""Checkpoints and key frames written beside the training loop: it copies the tensors and goes on."""

import queue
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from torch import Tensor

from grokscope.runs.checkpoints import write_tensors

WAITING = 8
"""Files that may wait for the disk; then training waits too."""


class CheckpointWriter:
    """Writes files in a thread of its own, in their order, each whole or not at all.

    What goes wrong there (a full disk) is raised by the next call; nothing is written after it, so that no file is
    there without those before it. To be closed, or used as a context manager.
    """

    def __init__(self) -> None:
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._told = False
        self._thread: threading.Thread | None = None

    def write(self, path: Path, tensors: Mapping[str, Tensor], step: int, config_hash: str) -> None:
        """Copy the tensors and have them written; the error of an earlier one is raised here."""
        self._raise()
        copies = {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
        self.then(partial(_write, path, copies, step, config_hash))

    def then(self, action: Callable[[], None]) -> None:
        """Have `action` done once all that was asked for before is on the disk."""
        self._raise()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
            self._thread.start()
        self._queue.put(action)

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
        if not self._told:
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
            action = self._queue.get()
            try:
                if action is None:
                    return
                if self._error is None:
                    action()
            except BaseException as error:  # told where it can be dealt with
                self._error = error
            finally:
                self._queue.task_done()

    def _raise(self) -> None:
        if self._error is not None:
            self._told = True
            raise self._error


def _write(path: Path, tensors: Mapping[str, Tensor], step: int, config_hash: str) -> None:
    write_tensors(path, tensors, step, config_hash)
