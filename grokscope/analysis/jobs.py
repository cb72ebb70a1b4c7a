"""What is still to be computed, cut into pieces for threads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grokscope.measures.registry import Measure

BATCH = 32
BATCH_BYTES = 128 << 20
"""Weights of a batch together: fewer checkpoints where a model is large."""


@dataclass(frozen=True)
class Job:
    """One piece of work: some measures at one step, or those that read weights only at some steps.

    Attributes
    ----------
    steps
        Ascending.
    measures
        In the order of the catalogue; final ones only where the step is the final one.
    of_weights
        Whether they are those that never need a forward.
    """

    steps: tuple[int, ...]
    measures: tuple[Measure, ...]
    of_weights: bool = False


def plan_jobs(
    missing: Mapping[int, Sequence[Measure]], final: Sequence[Measure], checkpoint_bytes: int
) -> Iterator[Job]:
    """Yield the jobs: the final step first, since it takes longest; batches of weights; then a job for each step.

    Parameters
    ----------
    missing
        Step -> measures to be taken there, ascending.
    final
        Those to be taken at the last step only.
    checkpoint_bytes
        Size of a checkpoint.
    """
    heavy = {
        step: tuple(m for m in measures if m.cost != "weights")
        for step, measures in missing.items()
    }
    last = max(missing)
    heavy[last] = (*final, *heavy.get(last, ()))
    if heavy[last]:
        yield Job((last,), heavy.pop(last))
    yield from _batches(missing, max(1, min(BATCH, BATCH_BYTES // max(1, checkpoint_bytes))))
    yield from (Job((step,), measures) for step, measures in heavy.items() if measures)


def _batches(missing: Mapping[int, Sequence[Measure]], size: int) -> Iterator[Job]:
    groups: dict[tuple[str, ...], list[int]] = {}
    by_name: dict[str, Measure] = {}
    for step, measures in missing.items():
        light = {m.name: m for m in measures if m.cost == "weights"}
        by_name |= light
        if light:
            groups.setdefault(tuple(light), []).append(step)
    for names, steps in groups.items():
        measures = tuple(by_name[name] for name in names)
        for start in range(0, len(steps), size):
            yield Job(tuple(steps[start : start + size]), measures, of_weights=True)
