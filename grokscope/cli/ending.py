"""How a command ends when it is told to: Ctrl-C, SIGTERM, SIGHUP; in order where that is quick, at once where not.

The first signal raises KeyboardInterrupt in the main thread, and the command unwinds: training keeps its state, files
that are half written are removed. Where the main thread cannot hear (it loads a library, multiplies matrices, waits for
a thread) a watcher ends the process: every file appears whole or not at all, so nothing is lost but what is computed.
"""

import contextlib
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from grokscope.cli.streams import write_error
from grokscope.interrupts import SIGNALS, StopOnce

PATIENCE = 1.4
"""Seconds that a command has to end in order."""
GRACE = 0.2
"""Seconds that processes which it started have to end by themselves."""

KEPT = "nothing is left half written"
GoOn = Callable[[], tuple[str, Sequence[str] | None]]


class Ending(StopOnce):
    """What a command does with signals, while it is a context; see `watching`.

    Parameters
    ----------
    words
        The command line, without the program's name.
    alone
        Whether the process is ours, to be ended; else a program called `main`, and only Ctrl-C is taken, where it
        would raise KeyboardInterrupt anyway.
    """

    def __init__(self, words: Sequence[str], alone: bool) -> None:
        super().__init__()
        self.words, self.alone = list(words), alone
        self.go_on: GoOn = lambda: (KEPT, None)
        self.code: int | None = None
        self.seen: signal.Signals | None = None
        self._telling = threading.Lock()
        self._told = threading.Event()

    def __call__(self, number: int, frame: Any) -> None:
        """Raise KeyboardInterrupt, the first time; what it breaks on its way is not worth a word on the terminal."""
        if self.alone:
            sys.unraisablehook = lambda what: None
            threading.excepthook = lambda what: None
        super().__call__(number, frame)

    @property
    def exit_code(self) -> int:
        """That of the command where it is done, else 128 and the signal's number, as shells have it."""
        return 128 + (self.asked or self.seen or signal.SIGINT) if self.code is None else self.code

    @property
    def is_asked(self) -> bool:
        """Whether a signal came."""
        return self.asked is not None or self.seen is not None

    def done(self, code: int) -> None:
        """Note that the command is done, and whatever signal comes now is too late."""
        self.code = code
        self._told.set()

    def tell(self) -> None:
        """Say, once, that the command was interrupted and how to go on."""
        with self._telling:
            if self._told.is_set():
                return
            self._told.set()
            try:
                kept, words = self.go_on()
            except Exception:  # noqa: BLE001  the folder is gone, say
                kept, words = KEPT, None
            again = shlex.join(["grokscope", *(words or self.words)])
            write_error(f"interrupted; {kept}; go on with: {again}")

    def end(self) -> int:
        """Say that the command was interrupted, and end the process where it is ours; return the exit code else."""
        self.tell()
        if self.alone:
            self.leave()
        return self.exit_code

    def leave(self) -> None:
        """End the process now, with all that it started: threads and hooks at the exit are not waited for."""
        _remove_unfinished()
        _end_children()
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
        os._exit(self.exit_code)

    def leave_at_once(self, number: int, frame: Any) -> None:
        """End the process: what it has to say is said, and only threads that went on hold it."""
        os._exit(self.exit_code)

    def watch(self, pipe: int) -> None:
        """Read signals as they arrive, whatever the main thread is at; end the process where it does not."""
        while True:
            for number in os.read(pipe, 64):
                if number in SIGNALS and signal.getsignal(number) is not signal.SIG_IGN:
                    self._see_that_it_ends(signal.Signals(number))

    def _see_that_it_ends(self, number: signal.Signals) -> None:
        # A handler of the command's own may have taken it, which notes nothing here.
        self.seen = number
        if self._told.wait(PATIENCE):
            time.sleep(PATIENCE)  # it told, and is about to leave
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if sys.stderr.isatty():  # the bar is there, and the cursor is not
                sys.stderr.write("\r\x1b[2K\x1b[?25h")
        self.tell()
        self.leave()


@contextlib.contextmanager
def watching(words: Sequence[str], alone: bool) -> Iterator[Ending]:
    """Take the signals that ask to end, from now until the command is done.

    A signal that is ignored (nohup, a shell's background job) stays ignored.
    """
    global _current
    ending = Ending(words, alone)
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    wanted = [n for n in SIGNALS if _is_taken(n, alone)]
    before = {number: signal.signal(number, ending) for number in wanted}
    outer, _current = _current, ending
    if alone:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=ending.watch, args=(reading,), name="signals", daemon=True).start()
    try:
        yield ending
    finally:
        _current = outer
        if alone:
            signal.set_wakeup_fd(-1)
        # Python lets signals kill the process while it winds up, but for those that are ignored: then a command that
        # is done would end as one that was not.
        winds_up = ending.leave_at_once if _threads_go_on() else signal.SIG_IGN
        for number, handler in before.items():
            signal.signal(number, winds_up if alone else handler)


def if_interrupted(go_on: GoOn) -> None:
    """Say what is kept of the command that runs, and how to go on with it.

    Parameters
    ----------
    go_on
        Called when it is interrupted; returns what is kept ("the state is kept") and the command line to go on with,
        without the program's name, or None: the same again.
    """
    if _current is not None:
        _current.go_on = go_on


_current: Ending | None = None


def _is_taken(number: signal.Signals, alone: bool) -> bool:
    handler = signal.getsignal(number)
    if alone:
        return handler is not signal.SIG_IGN
    return handler is signal.default_int_handler


def _threads_go_on() -> bool:
    others = set(threading.enumerate()) - {threading.current_thread()}
    return any(not thread.daemon for thread in others)


def _remove_unfinished() -> None:
    files = sys.modules.get("grokscope.files")
    if files is not None:
        with contextlib.suppress(Exception):
            files.remove_unfinished()


def _end_children() -> None:
    """End every process that this one started: first asked, then not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = _descendants(os.getpid())
        for process in left:
            with contextlib.suppress(OSError):
                os.kill(process, number)
        end = time.monotonic() + GRACE
        while left and number == signal.SIGTERM and time.monotonic() < end:
            time.sleep(0.01)
            left = _descendants(os.getpid())


def _descendants(process: int) -> list[int]:
    """Return the processes below this one that still run, as Linux lists them; [] elsewhere."""
    children: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in filter(str.isdigit, os.listdir("/proc")):
            with (
                contextlib.suppress(OSError, ValueError, IndexError),
                open(f"/proc/{name}/stat") as file,
            ):
                state, parent = file.read().rpartition(")")[2].split()[:2]
                if state not in (
                    "Z",
                    "X",
                ):  # a zombie is no more than an entry that waits to be read
                    children.setdefault(int(parent), []).append(int(name))
    found = list(children.get(process, ()))
    for each in found:
        found += children.get(each, ())
    return found
