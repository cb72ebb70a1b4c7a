"""grokscope import FILE: make a run of a checkpoint or series that others trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from grokscope.cli.output import print_json, say
from grokscope.cli.parse import parse


@dataclass(frozen=True)
class Options:
    """Make a run of a checkpoint, or a folder of them, that others trained. Nothing in a file is executed."""

    file: Positional[Path]
    """A file (.pt, .pth, .safetensors) or a folder of them."""
    out: Path | None = None
    """Directory of the run; a new one under checkpoints/ where not given."""
    layout: str | None = None
    """nanda, pizza, rep_theory, transformerlens or mlp; detected where not given."""
    config: Path | None = None
    """A JSON file with the model's settings; looked for beside the file where not given."""
    task: str | None = None
    """What it learned (grokscope tasks); found out where the weights show it."""
    p: int | None = None
    """Modulus, where the file does not say."""
    group: str | None = None
    """Group, where the file does not say: C<n>, D<n>, S3 to S6, A3 to A6, or a product such as C4xC2."""
    act_fn: Literal["relu", "gelu", "silu", "tanh", "square", "identity"] | None = None
    """Activation function, where nothing beside the file says it."""
    attention_rate: float | None = None
    """Attention rate (their attn_coeff), where nothing beside the file says it."""
    architecture: Literal["linear_beta", "linear_gamma"] | None = None
    """Which of two models it is whose weights have the same names and shapes, where the answers do not tell."""
    split_seed: int | None = None
    """Seed of its split, with --frac-train; else found out from recorded losses, or left unknown."""
    frac_train: float | None = None
    """Share of its training rows, with --split-seed."""
    shuffle: Literal["python", "torch"] | None = None
    """How its split was drawn; as the published program of its layout does where not given."""
    step: int | None = None
    """Step of a single file that does not say."""
    json: bool = False
    """Print the run as JSON."""


def main(argv: Sequence[str]) -> int:
    """Import and print what is known of the run, and how."""
    options = parse(Options, "import", argv)
    from grokscope.api import RUNS_FOLDER
    from grokscope.runs.imported import import_foreign

    out = options.out or _free(RUNS_FOLDER / _name(options.file))
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
        options.group,
        options.config,
        options.attention_rate,
        options.act_fn,
        options.architecture,
    )
    origin = run.info["origin"]
    if options.json:
        print_json({"run": str(run.path), "steps": list(run.steps), "origin": origin})
        return 0
    say(f"run: {run.path} ({len(run.steps)} checkpoint{'s' if len(run.steps) != 1 else ''})")
    say(f"layout: {origin['layout']}")
    task = run.config.task
    over = f"mod {task.p}" if run.task.group is None else f"over {task.group}"
    say(f"task: {task.task} {over} ({origin['task']})")
    if run.split is None:
        say(f"split: {origin['split']}")
    elif run.config.split.shuffle == "listed":
        say(f"split: {run.split.train.sum():,} rows train ({origin['split']})")
    else:
        split = run.config.split
        say(f"split: seed {split.split_seed}, {split.frac_train} of the rows ({origin['split']})")
    for note in origin["notes"]:
        say(f"note: {note}")
    say(f"next: grokscope analyze {run.path}")
    return 0


def _name(file: Path) -> str:
    """Return a name for the run; of `S5_MLP_seed1/model.pt` that of the folder, which says more."""
    stem = file.resolve().stem if file.suffix else file.resolve().name
    return (file.resolve().parent.name if stem == "model" else stem) or "imported"


def _free(path: Path) -> Path:
    number, found = 2, path
    while found.exists():
        found, number = path.with_name(f"{path.name}-{number}"), number + 1
    return found
