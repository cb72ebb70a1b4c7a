"""RUN/cache: what each measure gave at each checkpoint, so that a second analysis computes what is new.

One file a checkpoint, and one for what is measured at the final step only, which may be large: of that the present
final step's is kept and no other. A value counts where its key is the one that is formed now; anything else in the
folder (damaged, foreign, of another version) is as if it were not there.
"""

import contextlib
import logging
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from grokscope.analysis.cache_file import Kept, read_kept, write_kept
from grokscope.analysis.keys import Keys
from grokscope.errors import RequestError
from grokscope.measures.registry import Measure
from grokscope.runs.checkpoints import checkpoint_path, list_steps

FOLDER = "cache"
FINAL_FILE = "final.safetensors"
MAX_FINAL_BYTES = 256 << 20
"""Of what is measured at the final step: a measure that gives more is taken anew each time."""

log = logging.getLogger(__name__)


class Cache:
    """The kept values of one run.

    Parameters
    ----------
    folder
        RUN/cache.
    keys
        Forms the keys.
    use
        Whether anything is read and written: without it, everything is computed and nothing is kept.
    """

    def __init__(self, folder: Path, keys: Keys, use: bool = True) -> None:
        self.folder, self.keys, self.use = folder, keys, use
        self._lock = threading.Lock()
        self._files: dict[Path, threading.Lock] = {}

    def path(self, step: int | None) -> Path:
        """Return the file of a step, or of the final measures where None."""
        return self.folder / FINAL_FILE if step is None else checkpoint_path(self.folder, step)

    def found(self, step: int, measures: Iterable[Measure], final: bool) -> dict[str, Kept]:
        """Return what is kept, and still holds, of some measures at a step."""
        kept = self._read(self.path(None if final else step))
        return {
            m.name: kept[m.name]
            for m in measures
            if m.name in kept and self.keys.of(m, step, kept[m.name].reads) == kept[m.name].key
        }

    def named(self, name: str, step: int, final: bool = False) -> Kept | None:
        """Return what is kept of a step under a name that is no measure's, or None."""
        kept = self._read(self.path(None if final else step)).get(name)
        return kept if kept is not None and kept.key == self.keys.named(name, step) else None

    def keep(self, step: int, new: Mapping[str, Kept], final: bool = False) -> None:
        """Add to what is kept of a step. What is there already stays, but for those that `new` replaces."""
        fit = {name: kept for name, kept in new.items() if kept.fits}
        if final:
            fit = {name: kept for name, kept in fit.items() if _bytes(kept) <= MAX_FINAL_BYTES}
        path = self.path(None if final else step)
        if not self.use or not fit:
            return
        with self._lock:
            lock = self._files.setdefault(path, threading.Lock())
        with lock:
            try:
                write_kept(path, self._of_now(step, path) | fit)
            except RequestError as error:
                self._go_without(error)

    def drop_others(self, steps: Iterable[int]) -> None:
        """Remove the files of steps that have no checkpoint any more: so the folder grows with the run alone."""
        if not self.use or not self.folder.is_dir():
            return
        with contextlib.suppress(OSError, RequestError):
            for step in set(list_steps(self.folder)) - set(steps):
                self.path(step).unlink(missing_ok=True)

    def _of_now(self, step: int, path: Path) -> dict[str, Kept]:
        """Return what a file holds that can still be asked for: of measures that exist, and of this checkpoint."""
        from grokscope.measures.registry import catalogue

        by_name = {m.name: m for m in catalogue()}
        return {
            name: kept
            for name, kept in self._read(path).items()
            if kept.key == self.keys.named(name, step)
            or (name in by_name and self.keys.of(by_name[name], step, kept.reads) == kept.key)
        }

    def _read(self, path: Path) -> dict[str, Kept]:
        return read_kept(path) if self.use else {}

    def _go_without(self, error: RequestError) -> None:
        with self._lock:
            said, self.use = not self.use, False
        if not said:
            log.warning("%s; the analysis goes on and keeps nothing", error.given)


def _bytes(kept: Kept) -> int:
    return sum(array.nbytes for array in kept.values.values())
