"""The last few things that were made, by name: a thousand steps may each ask for things of their own."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any


class Recent:
    """Keeps what was made for the `most` names asked for last; safe for several threads.

    Two threads that ask for one name at the same time may both make it.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._made: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def __call__(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """Return what is kept under `name`, or else what `make` gives."""
        with self._lock:
            if name in self._made:
                self._made.move_to_end(name)
                return self._made[name]
        made = make()
        with self._lock:
            self._made[name] = made
            while len(self._made) > self.most:
                self._made.popitem(last=False)
        return made
