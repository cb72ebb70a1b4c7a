"""The key of a value: the hash of everything that it depends on. Equal keys, equal values."""

import json
from collections.abc import Iterable

from grokscope.analysis.cache_file import SCHEMA
from grokscope.analysis.digests import FileDigests, base_digest, code_digest, digest
from grokscope.analysis.source import function_digest
from grokscope.measures.registry import Measure
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.context import Context
from grokscope.runs.run import Run

NOTHING = "nothing"
"""Stands for the checkpoint before the first, or at step 0 where there is none."""


def measure_digest(m: Measure) -> str | None:
    """Return the hash of a measure's definition; None for one whose source cannot be followed.

    Built-in ones are known by name and version: their code is in the hash of all of grokscope's.
    """
    source = "built in" if m.builtin else function_digest(m.function)
    stacked = "" if m.builtin or m.stacked is None else function_digest(m.stacked)
    if source is None or stacked is None:
        return None
    own = "" if m.builtin else code_digest(())
    about = [m.name, m.version, m.at, m.cost, m.causal, list(m.outputs)]
    dims = [output.dims for output in m.outputs.values()]
    return digest(json.dumps([about, dims]), source, stacked, own)


class Keys:
    """Forms the keys of one run's values.

    Parameters
    ----------
    run, context
        The run, and the context that its snapshots have.
    """

    def __init__(self, run: Run, context: Context) -> None:
        self.run, self.context = run, context
        self._base = digest(str(SCHEMA), base_digest(run, context))
        self._files = FileDigests()
        self._info = digest(json.dumps(run.info, sort_keys=True))
        self._definitions: dict[int, tuple[Measure, str | None]] = {}

    def checkpoint(self, step: int | None) -> str:
        """Return the hash of the bytes of a checkpoint."""
        if step is None:
            return NOTHING
        return self._files(checkpoint_path(self.run.checkpoints, step)) or NOTHING

    def named(self, name: str, step: int, *more: str) -> str:
        """Return the key of something that depends on a checkpoint and on `more`."""
        return digest(self._base, name, self.checkpoint(step), *more)

    def definition(self, m: Measure) -> str | None:
        """Return `measure_digest`, looked up once."""
        if id(m) not in self._definitions:
            self._definitions[id(m)] = m, measure_digest(m)
        return self._definitions[id(m)][1]

    def compared(self, step: int) -> tuple[str, ...]:
        """Return the hashes of every checkpoint that a measure at this step may read."""
        before = self.context.previous_step(self.run, step)
        return tuple(self.checkpoint(s) for s in (step, before, self._first))

    def of(self, m: Measure, step: int, reads: Iterable[str]) -> str | None:
        """Return the key of a measure at a step that read these things beside its checkpoint.

        None where it cannot be known when the value changes, and it must not be kept.
        """
        definition = self.definition(m)
        read = set(reads)
        if not m.causal or m.at == "final":
            read.add("final key")
        parts = [self._part(each, step) for each in sorted(read)]
        known = [part for part in parts if part is not None]
        if definition is None or len(known) < len(parts):
            return None
        return self.named(definition, step, *sorted(read), *known)

    def _part(self, read: str, step: int) -> str | None:
        if read == "final key":
            return json.dumps(self.context.key)
        if read == "previous":
            return self.checkpoint(self.context.previous_step(self.run, step))
        if read == "initial":
            return self.checkpoint(self._first)
        return self._info if read == "info" else None

    @property
    def _first(self) -> int | None:
        return 0 if self.context.steps_of(self.run)[0] == 0 else None
