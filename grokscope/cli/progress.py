"""Progress on the terminal, by rich, on standard error."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(description: str, total: int, quiet: bool = False) -> Iterator[Callable[..., None]]:
    """Yield advance(done, note=""), which moves the bar; nothing is shown when quiet."""
    if quiet:
        yield lambda done, note="": None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as bar:
        task = bar.add_task(description, total=total, note="")

        def advance(done: int, note: str = "") -> None:
            bar.update(task, completed=done)
            if note:
                bar.update(task, note=note)

        try:
            yield advance
        except BaseException:
            # The error is one line: no stopped bar above it, nor the blank line that rich prints into a file.
            bar.live.transient = True
            console.quiet = not console.is_terminal
            raise


def training_note(metrics: dict[str, float]) -> str:
    """Return a line of metrics short enough for the bar."""
    words = {
        "accuracy_train": "train",
        "accuracy_test": "test",
        "accuracy_test_twin_free": "twin-free",
    }
    parts = [f"{word} {metrics[name]:.3f}" for name, word in words.items() if name in metrics]
    return "accuracy: " + ", ".join(parts)
