"""A run: a directory with its configuration, metrics, checkpoints and analysis."""

import math
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from grokscope import __version__
from grokscope.config import SCHEMA_VERSION, RunConfig
from grokscope.errors import RequestError, UnsoundError, nearest
from grokscope.files import LEFTOVER, make_folder, write_json
from grokscope.models.shapes import check_weights, weight_shapes
from grokscope.reading import is_plain_file
from grokscope.runs.bounds import check_fits
from grokscope.runs.checkpoints import checkpoint_path, list_steps, read_tensors
from grokscope.runs.config_file import CONFIG_FILE, INFO_HASH, read_config, sealed
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import read_metrics
from grokscope.runs.train_rows import read_train_rows
from grokscope.tasks import TASKS, Split, Task, make_split, task_of

if TYPE_CHECKING:
    from grokscope.runs.context import Context
    from grokscope.runs.snapshot import Snapshot

HEADER_BYTES = 64 << 20
"""Of a checkpoint that is read: its header, and what other weights it may hold before that is said."""


@dataclass(frozen=True, eq=False)
class Run:
    """A run on disk; read only. Open one with `open_run`.

    Attributes
    ----------
    path
        The directory.
    config
        The resolved configuration.
    info
        The whole of config.json: versions, threads, engine, origin of a foreign run.
    """

    path: Path
    config: RunConfig
    info: dict[str, Any]

    def __repr__(self) -> str:
        steps = self.steps
        kept = f"{len(steps)} checkpoints, {steps[0]} to {steps[-1]}" if steps else "no checkpoint"
        return f"Run({str(self.path)!r}: {self.config.task.task}, {kept})"

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.path.name

    @property
    def config_hash(self) -> str:
        """The hash that every checkpoint of the run carries."""
        return str(self.info["config_hash"])

    @cached_property
    def task(self) -> Task:
        """The task's table."""
        task = task_of(self.config.task)
        check_fits(self.config, task, str(self.path / CONFIG_FILE))
        return task

    @cached_property
    def split(self) -> Split | None:
        """The split, or None for a foreign run whose split is not known."""
        if not self.info.get("split_known", True):
            return None
        expected = self.info.get("train_rows")
        if expected is None:
            return make_split(self.task, self.config.split)
        listed = read_train_rows(self.path, self.task.n_inputs, str(expected))
        return make_split(self.task, self.config.split, listed)

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def state(self) -> Path:
        """The folder of the optimiser's key frames."""
        return self.path / "state"

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that have a checkpoint now, ascending."""
        return list_steps(self.checkpoints)

    @property
    def keyframes(self) -> tuple[int, ...]:
        """The steps that have a key frame now, ascending; none where there is no folder of them."""
        return list_steps(self.state) if self.state.is_dir() else ()

    @cached_property
    def context(self) -> "Context":
        """What all snapshots of the run share, with the run's own rule for key frequencies."""
        return self.new_context()

    @property
    def key_rule(self) -> str:
        """The rule for key frequencies where none is asked for: an imported run's is that of its authors, if known."""
        origin = self.info.get("origin")
        told = origin.get("key_rule") if isinstance(origin, dict) else None
        return told if isinstance(told, str) else "majority"

    def new_context(
        self, rule: str | None = None, steps: tuple[int, ...] | None = None
    ) -> "Context":
        """Return a new context, whose key frequencies are read at the last checkpoint by `rule` (`key_rule`).

        `steps` are the run's checkpoints for it, those that there are when it first looks where None: while a run is
        in training there are more at every look.
        """
        from grokscope.runs.context import Context
        from grokscope.runs.key import check_rule, key_frequencies

        rule = self.key_rule if rule is None else rule
        check_rule(rule)

        def final_key() -> tuple[int, ...]:
            last = (made.steps_of(self) or (None,))[-1]
            snap = None if last is None else made.living_snapshot(last)
            return key_frequencies(snap or self.snapshot(last, made), rule)

        made: Context = Context(self.task, self.split, self.config.model, final_key, rule, steps)
        return made

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of metrics.jsonl."""
        return read_metrics(self.path / METRICS_FILE)

    def weights(self, step: int, names: Sequence[str] | None = None) -> dict[str, Tensor]:
        """Return the weights at a checkpointed step; those of `names` only where given, and no others are read.

        Raises
        ------
        RequestError
            Where the step has no checkpoint (the nearest ones are named).
        UnsoundError
            Where the file is damaged, belongs to another run, or holds NaN.
        """
        path = checkpoint_path(self.checkpoints, step)
        if not os.path.lexists(
            path
        ):  # the folder, which may be long, is listed for the message alone
            steps = self.steps
            if not steps:
                raise RequestError(
                    f"{self.path} has no checkpoint", "a run with checkpoints", "train it first"
                )
            near = sorted(steps, key=lambda s: abs(s - step))[:3]
            raise RequestError(
                f"{self.path} has no checkpoint at step {step}", f"for example {sorted(near)}"
            )
        shapes = weight_shapes(self.config.model)
        most = HEADER_BYTES + 8 * sum(math.prod(shape) for shape in shapes.values())
        weights, header = read_tensors(path, self.config_hash, names, most)
        if header.get("step") != str(step):
            raise UnsoundError(
                f"{path} says it is step {header.get('step')}", f"step {step}", "restore it"
            )
        check_weights(weights, self.config.model, str(path), names)
        return {name: weights[name] for name in shapes if name in weights}

    def weight(self, name: str, steps: Sequence[int] | None = None) -> Float[Tensor, "step ..."]:
        """Return one weight at many steps, all checkpoints where None, ascending or as asked.

        The other weights of the files are not read. Checked as `weights` checks, but for what is not read.

        Raises
        ------
        RequestError
            For a weight that the model does not have, a step without a checkpoint, or no step at all.
        UnsoundError
            Where a file is damaged, belongs to another run, or holds NaN in this weight.
        """
        from grokscope.runs.series import stacked

        return stacked(self, [name], steps)[name]

    def weights_stacked(
        self, steps: Sequence[int] | None = None, names: Sequence[str] | None = None
    ) -> dict[str, Float[Tensor, "step ..."]]:
        """Return some weights (all where None) at many steps, each stacked along the first axis; see `weight`."""
        from grokscope.runs.series import stacked

        return stacked(self, names, steps)

    def snapshot(self, step: int | None = None, context: "Context | None" = None) -> "Snapshot":
        """Return the run at one step, the last where None; everything derived is computed on first use."""
        from grokscope.runs.snapshot import Snapshot

        if step is None:
            steps = self.steps
            if not steps:
                raise RequestError(
                    f"{self.path} has no checkpoint", "a run with checkpoints", "train it first"
                )
            step = steps[-1]
        context = context or self.context
        model = self.config.model
        made = Snapshot(self.task, self.split, model, self.weights(step), step, self, context)
        context.look_at(made)
        return made

    def snapshots(self, steps: Iterable[int] | None = None) -> "Iterable[Snapshot]":
        """Yield the run at each of `steps` (all checkpoints where None)."""
        for step in self.steps if steps is None else steps:
            yield self.snapshot(step)


def create_run(path: Path, config: RunConfig, **info: Any) -> Run:
    """Create the directory of a new run, with its config.json.

    Raises
    ------
    RequestError
        Where the directory holds anything already, or cannot be written.
    """
    check_new(path)
    record = {
        "schema": SCHEMA_VERSION,
        "config": config.to_dict(),
        "config_hash": config.hash(),
        "versions": versions(),
        **info,
    }
    make_folder(path / "checkpoints")
    run = Run(path, config, record)
    write_config(run)
    return run


def check_name(path: Path) -> None:
    """Raise RequestError where a path is not UTF-8: the libraries that read checkpoints and datasets cannot open it."""
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise RequestError(
            f"the name {path} is not UTF-8", "a path in UTF-8", "rename the folder"
        ) from None


def check_new(path: Path) -> None:
    """Raise RequestError where a directory holds anything, but for what a run that was killed as it began leaves."""
    check_name(path)
    try:
        taken = path.exists() and not (path.is_dir() and all(map(_is_of_no_run, path.iterdir())))
    except OSError as error:
        raise RequestError(
            f"cannot read {path}: {error.strerror or error}", "a directory that does not exist yet"
        ) from error
    if taken:
        raise RequestError(
            f"{path} is not empty", "a directory that does not exist yet", "choose another --out"
        )


def _is_of_no_run(entry: Path) -> bool:
    """Return whether this is the lock, a file that was being written aside, or the empty folder of the checkpoints."""
    if entry.name == "checkpoints" and entry.is_dir():
        return not any(entry.iterdir())
    return entry.name == ".lock" or LEFTOVER.fullmatch(entry.name) is not None


def write_config(run: Run) -> None:
    """Write `run.info` as config.json, with "info_hash", the digest of all else in it, which it has from now on."""
    run.info[INFO_HASH] = sealed(run.info)[INFO_HASH]
    write_json(run.path / CONFIG_FILE, sealed(run.info))


def versions() -> dict[str, str]:
    """Return the versions that a repetition to the bit needs."""
    import numpy
    import torch

    return {
        "grokscope": __version__,
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def open_run(path: str | Path) -> Run:
    """Open a run directory.

    Raises
    ------
    RequestError
        Where `path` is no run directory, its config.json is not ours, or its task is not registered here.
    UnsoundError
        Where the configuration, or the rest of config.json, does not have the hash that it says.
    """
    path = Path(path)
    check_name(path)
    if not path.is_dir():
        raise RequestError(f"{path} is not a directory", "a run directory")
    if not is_plain_file(path / CONFIG_FILE):
        runs = sorted(p.parent.name for p in path.glob(f"*/{CONFIG_FILE}"))[:5]
        todo = (
            f"it holds the runs {', '.join(runs)}"
            if runs
            else "make one with grokscope train or import"
        )
        raise RequestError(f"{path} is not a run: it has no {CONFIG_FILE}", "a run directory", todo)
    info, config = read_config(path / CONFIG_FILE)
    if config.task.task not in TASKS:
        raise RequestError(
            f"{path} learned '{config.task.task}', which is no registered task",
            ", ".join(TASKS),
            nearest(config.task.task, TASKS) or "run the code that registers it with gs.operation",
        )
    if not (path / "checkpoints").is_dir():
        raise RequestError(
            f"{path} is an empty run: it has no checkpoints",
            "a run with checkpoints",
            "train it first",
        )
    return Run(path, config, info)
