"""The measures of one snapshot, by several threads: where there are more cores than checkpoints."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from grokscope.measures.registry import Measure
from grokscope.runs.reads import Read, noting
from grokscope.runs.snapshot import Snapshot

Taken = tuple[Measure, set[Read], dict[str, np.ndarray]]
"""A measure, what it read beside the checkpoint, and what it gave."""


def take_all(
    snapshot: Snapshot,
    measures: Sequence[Measure],
    threads: int = 1,
    go_on: Callable[[], bool] = lambda: True,
) -> Iterator[Taken]:
    """Yield what each measure gives, in the order of `measures`; none from where `go_on` says no.

    The values are the same to the bit whatever the number of threads, each of which computes with one core: measures do
    not depend on each other, and what they share is the same whoever computes it first.
    """
    if threads == 1:
        for m in measures:
            if not go_on():
                return
            yield _take(m, snapshot)
        return
    with ThreadPoolExecutor(threads, "measures", torch.set_num_threads, (1,)) as pool:
        # The forward first, by one thread: two at once would do it twice. Meanwhile what needs the weights alone.
        light = [m for m in measures if m.cost == "weights"]
        heavy = [m for m in measures if m.cost != "weights"]
        forward = pool.submit(lambda: snapshot.answer) if heavy else None
        asked: dict[str, Future[Taken]] = {}
        try:
            asked |= {m.name: pool.submit(_take, m, snapshot) for m in light}
            if forward is not None:
                forward.result()
            asked |= {m.name: pool.submit(_take, m, snapshot) for m in heavy}
            for m in measures:
                if not go_on():
                    return
                yield asked[m.name].result()
        finally:
            for future in asked.values():
                future.cancel()


def _take(m: Measure, snapshot: Snapshot) -> Taken:
    with noting() as reads:
        values = m(snapshot)
    return m, reads, values
