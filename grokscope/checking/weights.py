"""Checkpoints one after the other: digests, header, shapes, precision, NaN; their distances; which are equal."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from grokscope.checking.finding import RESTORE, Finding, fault, guarded, note, warning
from grokscope.checking.scene import CHECKPOINTS, Scene, name_of
from grokscope.checking.trajectory import Trajectory, trajectory
from grokscope.runs.seal import tensor_digest

SAME = 1e-9
"""Relative difference of recorded losses that machines may make of the same weights."""


@dataclass
class Weights:
    """What is known of the checkpoints once each was read.

    Attributes
    ----------
    sound
        Steps whose files can be believed.
    findings
        What is wrong with the others.
    equal
        Steps whose weights are bit for bit those of an earlier one, each with that one.
    path
        Their distances; None where a step is missing between, or there are too few.
    """

    sound: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    equal: list[tuple[int, int]] = field(default_factory=list)
    path: Trajectory | None = None


def read_weights(scene: Scene, distances: bool, on_step: Callable[[], None]) -> Weights:
    """Read every checkpoint once; at most three are in memory at a time."""
    found, seen = Weights(), dict[str, int]()
    before: list[Mapping[str, Tensor]] = []
    one: list[float] = []
    two: list[float] = []
    for step in scene.steps:
        name = name_of(CHECKPOINTS, step)
        new: list[Mapping[str, Tensor]] = []
        findings = guarded(name, _look_at, scene, step, new, remedy=RESTORE)
        found.findings += findings
        on_step()
        if findings or not new:
            continue
        weights = new[0]
        found.sound.append(step)
        mark = "".join(tensor_digest(key, weights[key]) for key in sorted(weights))
        first = seen.setdefault(mark, step)
        if first != step:
            found.equal.append((first, step))
        if not distances:
            continue
        # Kept in float64 only while they are compared: twice the memory of a checkpoint in float32.
        if before:
            one.append(_distance(before[-1], weights))
        if len(before) == 2:
            two.append(_distance(before[0], weights))
        before = [*before[-1:], weights]
    if distances and len(found.sound) > 2:
        found.path = trajectory(found.sound, one, two)
    return found


def _look_at(scene: Scene, step: int, new: list[Mapping[str, Tensor]]) -> Iterator[Finding]:
    if not scene.checkpoint(step).exists() and not scene.checkpoint(step).is_symlink():
        return  # another process removed it meanwhile
    weights = scene.run.weights(step)
    wanted = scene.run.config.dtype
    kinds = {str(w.dtype).removeprefix("torch.") for w in weights.values()}
    if scene.is_ours and kinds != {wanted}:
        yield fault(
            name_of(CHECKPOINTS, step),
            f"its weights are {', '.join(sorted(kinds))}, the run's {wanted}",
        )
    new.append(weights)


def _distance(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    total = 0.0
    for name, weight in a.items():
        total += float((b[name].double() - weight.double()).square_().sum())
    return total**0.5


def check_equal(scene: Scene, found: Weights) -> Iterator[Finding]:
    """Yield checkpoints that hold another step's weights.

    A run may stand still: the first update of a warm-up does nothing, and a loss that has underflowed has no gradient.
    Then its recorded losses stand still as well. Where they moved, one of the files is a copy of the other.
    """
    for first, later in [] if scene.lines is None else found.equal:
        a, b = scene.by_step.get(first), scene.by_step.get(later)
        if a is not None and b is not None:
            if _same_losses(a, b):
                continue
            yield fault(
                name_of(CHECKPOINTS, later),
                f"the same weights as at step {first}, where the recorded loss is another: one of the two is a copy",
            )
        elif not scene.is_ours:
            yield note(name_of(CHECKPOINTS, later), f"the same weights as at step {first}")
        elif later not in scene.added:
            yield warning(name_of(CHECKPOINTS, later), f"the same weights as at step {first}")


def _same_losses(a: Mapping[str, object], b: Mapping[str, object]) -> bool:
    for name in a.keys() & b.keys():
        x, y = a[name], b[name]
        if name.startswith("loss_") and isinstance(x, (int, float)) and isinstance(y, (int, float)):
            if abs(x - y) > SAME * max(abs(x), abs(y)):
                return False
    return True


def check_path(found: Weights) -> Iterator[Finding]:
    """Yield checkpoints that lie far from the path of those beside them."""
    for step, detour in [] if found.path is None else found.path.elsewhere():
        yield warning(
            name_of(CHECKPOINTS, step),
            f"its weights lie off the path: by way of it, it is {detour:.3g} times as far from the checkpoint "
            "before to the one after",
            "compare it with another copy of the run",
        )
