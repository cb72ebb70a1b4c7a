"""Which runs of a sweep are trained as one computation: those that differ in their seeds alone, where that gains."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grokscope.config import RunConfig
from grokscope.sweeps.begun import is_unbegun, recorded_stack
from grokscope.sweeps.gpu_memory import most_on_gpu
from grokscope.sweeps.job import Job
from grokscope.training.engine import OVERHEAD, SPEED, EngineConfig, choose_engine, update_work
from grokscope.training.stack import can_stack, unseeded

AT_ONCE = 2**23
"""Activations (rows of an update x neurons) of a whole stack at most: beyond, more members gain nothing measurable."""
SMALL = 2**20
"""Activations of one run at most: a larger run fills a core by itself, as a feed-forward model of any size does."""
FEWEST, FEWEST_ON_GPU = 4, 2
"""Smaller stacks are no faster than their runs one after the other."""
TAKES = 0.9
"""Time of a stack, as a share of that of its runs one after the other, with which groups are planned.

Measured, one thread, updates: .38 (16 of p = 17, width 32), .63 to .77 (8 of p = 31, width 64), .84 to .95 (8 of p =
59, width 128), .97 to 1.03 (p = 113), 1.02 to 1.09 (an MLP, p = 59)."""


@dataclass(frozen=True)
class Todo:
    """A run that is to be trained, or gone on with.

    Attributes
    ----------
    place
        Which run of the sweep.
    config, n_train
        Its resolved configuration, and its number of training rows.
    path
        Its folder.
    """

    place: int
    config: RunConfig
    n_train: int
    path: Path

    @property
    def rows(self) -> int:
        """Rows of an update."""
        return min(self.config.optimiser.batch_size or self.n_train, self.n_train)

    @property
    def activations(self) -> int:
        """Rows x neurons of an update, at every position that passes through neurons: in one layer the one read."""
        model = self.config.model
        return self.rows * model.d_mlp * (model.n_layers * model.n_ctx if model.n_layers > 1 else 1)

    @property
    def is_new(self) -> bool:
        """Whether nothing of it was computed, as far as the disk says."""
        return is_unbegun(self.path)

    @property
    def stack(self) -> str:
        """The stack that it was begun in, in words that no other stack has; "" where it was not."""
        return "" if self.is_new else recorded_stack(self.path)

    @property
    def work(self) -> float:
        """About how long it takes alone, in seconds."""
        model = self.config.model
        update = OVERHEAD + update_work(model, self.rows) / SPEED
        return (self.config.schedule.steps + 1) * update


def make_jobs(
    runs: Sequence[Todo], workers: int, engine: EngineConfig, stack: bool = True
) -> list[Job]:
    """Return the jobs of a sweep: stacks first, in the order of their first runs, then the runs left alone.

    Runs that were begun in a stack go on together: nothing else gives the same bits.

    Of all sizes of stacks the one is taken with which `workers` processes should be done first, one by one where none
    is better; and never fewer groups than processes.

    Parameters
    ----------
    runs
        All that is to be trained; what was begun alone goes on alone.
    workers
        Number of processes.
    engine
        How the runs are computed.
    stack
        Whether runs may be stacked at all.
    """
    begun: dict[str, list[Todo]] = defaultdict(list)
    for run in runs:
        begun[run.stack].append(run)
    runs = begun.pop("", [])
    together = [tuple(members) for members in begun.values()]
    best: list[Group] = [(run,) for run in runs]
    least = _finished(best, workers)
    families = _families(runs, workers, engine) if stack else []
    fewest = FEWEST if engine.device == "cpu" else FEWEST_ON_GPU
    limits = {size for _, most in families for size in range(fewest, most + 1)}
    for limit in sorted(limits, reverse=True):
        groups = _groups(runs, families, limit, fewest)
        finished = _finished(groups, workers)
        if len(groups) >= min(workers, len(runs)) and finished < least * (1 - 1e-9):
            best, least = groups, finished
    return [
        Job(tuple(r.place for r in group), tuple((r.config, r.path) for r in group), engine)
        for group in [*together, *best]
    ]


Group = tuple[Todo, ...]


def largest_stack(run: Todo, workers: int, engine: EngineConfig) -> int:
    """Return how many runs like this one may be in a stack: what a core's cache, or the GPU's memory, holds."""
    if engine.device != "cpu":
        return most_on_gpu(run.config, run.rows, engine.device, max(1, workers))
    if not run.config.model.has_attention or run.activations > SMALL:
        return 1
    return AT_ONCE // run.activations


def _families(
    runs: Sequence[Todo], workers: int, engine: EngineConfig
) -> list[tuple[list[Todo], int]]:
    """Return the sets of runs that may be stacked with each other, with the size of their largest stack."""
    alike: dict[object, list[Todo]] = defaultdict(list)
    for run in runs:
        if can_stack(run.config):
            alike[unseeded(run.config), run.n_train].append(run)
    found = []
    for family in alike.values():
        most = largest_stack(family[0], workers, engine) if len(family) > 1 else 1
        members = [run for run in family if most > 1 and run.is_new and _may_stack(run, engine)]
        if len(members) > 1:
            found.append((members, min(most, len(members))))
    return found


def _may_stack(run: Todo, asked: EngineConfig) -> bool:
    """Return whether nothing was asked for, or would be chosen for the run alone, that a stack does not have."""
    chosen = choose_engine(run.config, run.n_train, asked)
    return chosen.name == "fast" and chosen.folding == "tables" and not chosen.compiled


def _groups(
    runs: Sequence[Todo], families: Sequence[tuple[list[Todo], int]], limit: int, fewest: int
) -> list[Group]:
    """Return stacks of `limit` runs at most, as even as can be, and every other run by itself."""
    stacks: list[Group] = []
    for members, most in families:
        n = -(-len(members) // min(limit, most))
        ends = [len(members) * i // n for i in range(n + 1)]
        parts = (tuple(members[a:b]) for a, b in itertools.pairwise(ends))
        stacks += [part for part in parts if len(part) >= fewest]
    stacks.sort(key=lambda group: group[0].place)
    stacked = {run.place for group in stacks for run in group}
    return [*stacks, *((run,) for run in runs if run.place not in stacked)]


def _finished(groups: Sequence[Group], workers: int) -> float:
    """Return when the last process is done, if each takes the next group as soon as it is free."""
    free = [0.0] * max(1, workers)
    for group in groups:
        takes = sum(run.work for run in group) * (TAKES if len(group) > 1 else 1.0)
        heapq.heapreplace(free, free[0] + takes)
    return max(free)
