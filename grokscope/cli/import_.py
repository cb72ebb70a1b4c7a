"""grokscope import FILE: make a run of a checkpoint or series that others trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from grokscope.cli.output import print_json
from grokscope.cli.parse import parse


@dataclass(frozen=True)
class Options:
    """Make a run of a checkpoint, or a folder of them, that others trained. Nothing in a file is executed."""

    file: Positional[Path]
    """A file (.pt, .pth, .safetensors) or a folder of them."""
    out: Path | None = None
    """Directory of the run; a new one under checkpoints/ where not given."""
    layout: str | None = None
    """nanda or transformerlens; detected where not given."""
    task: str | None = None
    """What it learned (grokscope tasks); found out where the weights show it."""
    p: int | None = None
    """Modulus, where the file does not say."""
    split_seed: int | None = None
    """Seed of its split, with --frac-train; else found out from recorded losses, or left unknown."""
    frac_train: float | None = None
    """Share of its training rows, with --split-seed."""
    shuffle: Literal["python", "torch"] = "python"
    """How its split was drawn."""
    step: int | None = None
    """Step of a single file that does not say."""
    json: bool = False
    """Print the run as JSON."""


def main(argv: Sequence[str]) -> int:
    """Import and print what is known of the run, and how."""
    options = parse(Options, "import", argv)
    from grokscope.api import RUNS_FOLDER
    from grokscope.runs.imported import import_foreign

    out = options.out or _free(RUNS_FOLDER / (options.file.stem or "imported"))
    run = import_foreign(
        options.file,
        out,
        options.layout,
        options.task,
        options.p,
        options.split_seed,
        options.frac_train,
        options.shuffle,
        options.step,
    )
    origin = run.info["origin"]
    if options.json:
        print_json({"run": str(run.path), "steps": list(run.steps), "origin": origin})
        return 0
    print(f"run: {run.path} ({len(run.steps)} checkpoint{'s' if len(run.steps) != 1 else ''})")
    print(f"layout: {origin['layout']}")
    print(f"task: {run.config.task.task} mod {run.config.task.p} ({origin['task']})")
    if run.split is None:
        print(f"split: {origin['split']}")
    else:
        split = run.config.split
        print(f"split: seed {split.split_seed}, {split.frac_train} of the rows ({origin['split']})")
    for note in origin["notes"]:
        print(f"note: {note}")
    print(f"next: grokscope analyze {run.path}")
    return 0


def _free(path: Path) -> Path:
    number, found = 2, path
    while found.exists():
        found, number = path.with_name(f"{path.name}-{number}"), number + 1
    return found
