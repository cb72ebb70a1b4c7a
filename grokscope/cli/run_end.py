"""What train and resume say of how a run ended, and of its arithmetic, in one line each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grokscope.cli.output import say


def exit_code(last: Mapping[str, Any]) -> int:
    """Return 1 where a run diverged, 0 otherwise; `last` is its last line of metrics."""
    return 1 if last.get("diverged") else 0


def how_it_ended(last: Mapping[str, Any]) -> str:
    """Return how a run ended."""
    step = last["step"]
    if last.get("diverged"):
        return f"diverged at step {step}: it was stopped there, with its checkpoints and its last finite state kept"
    if last.get("stopped"):
        return f"stopped early at step {step}: test accuracy stayed at its stop_accuracy"
    return f"trained to its last step, {step}"


def arithmetic(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the metrics say of the training loss's arithmetic: nothing where it was sound."""
    said = []
    collapsed = [line for line in lines if (line.get("softmax_collapse") or 0) > 0]
    if collapsed:
        most = max(line["softmax_collapse"] for line in collapsed)
        said.append(
            f"softmax collapse: from step {collapsed[0]['step']} on there were training rows whose softmax, in the "
            f"precision of the loss, is exactly 0 and 1 (at most {most:.3g} of all rows): they no longer train"
        )
    vanished = [line for line in lines if line.get("loss_underflow")]
    if vanished:
        said.append(
            f"loss underflow: at step {vanished[0]['step']} the training loss is exactly 0 in its precision"
        )
    return said


def say_end(run: Path, lines: Sequence[Mapping[str, Any]], *before: str) -> None:
    """Say how the run ended where that is not its last step, what its arithmetic did, and what to type next."""
    if lines[-1].get("diverged") or lines[-1].get("stopped"):
        say(how_it_ended(lines[-1]))
    for sentence in (*arithmetic(lines), *before):
        say(sentence)
    say(f"run: {run}")
    say(f"next: grokscope analyze {run}")
