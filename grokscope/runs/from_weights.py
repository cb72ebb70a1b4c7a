"""Weights in memory become a run: a construction, another program's model, an edited checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grokscope.config import ModelConfig, RunConfig, override
from grokscope.errors import RequestError
from grokscope.models.shapes import weight_shapes
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.run import Run, create_run
from grokscope.tasks import make_task

ONLY_AT_INIT = ("initialisation", "init_seed", "init_scale")


def run_from_weights(
    out: str | Path,
    task: str,
    model: ModelConfig,
    weights: Mapping[str, Tensor] | Mapping[int, Mapping[str, Tensor]],
    *,
    origin: str = "weights in memory",
    **options: Any,
) -> Run:
    """Write weights as a run, which is analysed, drawn and reported like any other.

    Parameters
    ----------
    out
        Directory of the run, which must not exist yet.
    task
        What it is to answer; `p`, `group`, `layout` and so on as options. A model that reads two positions is taken to
        read `a b`.
    model
        Its shape.
    weights
        Name -> tensor, or step -> that for several checkpoints; names and shapes are TransformerLens's, W_E
        [token, d_model] for example. One set alone is at step 0.
    origin
        Where they come from, for the run's record.
    **options
        Fields of the configuration. With `split_seed` and `frac_train` the split is known, otherwise nothing is said of
        train and test.

    Raises
    ------
    RequestError
        Where a weight is missing, too many, of another shape or not finite, or where model and task do not fit.

    Examples
    --------
    >>> from grokscope.models.feedforward.gromov_solution import gromov_weights
    >>> config, weights = gromov_weights(23, 460)
    >>> run = gs.run_from_weights("gromov23", "mod_add", config, weights, p=23)  # doctest: +SKIP
    """
    half = {"split_seed", "frac_train"} & set(options)
    if len(half) == 1:
        raise RequestError("half of a split", "both split_seed and frac_train, or neither")
    if model.n_ctx == 2:
        options = {"layout": "a b"} | options
    config = override(RunConfig(), task=task, **options)
    table = make_task(task, **{k: v for k, v in vars(config.task).items() if k != "task"})
    if (model.n_ctx, model.d_vocab) != (table.n_ctx, table.d_vocab):
        raise RequestError(
            f"the model reads {model.n_ctx} positions and {model.d_vocab} tokens",
            f"{table.n_ctx} and {table.d_vocab} for {table.name} with layout '{table.layout}'",
        )
    classes = {table.n_classes: "answers", table.d_vocab: "tokens"}
    if model.d_vocab_out not in classes:
        raise RequestError(
            f"the model has {model.d_vocab_out} classes", " or ".join(map(str, classes))
        )
    shape = {k: v for k, v in vars(model).items() if k not in ONLY_AT_INIT}
    shape["output_vocabulary"] = classes[model.d_vocab_out]
    steps = _by_step(weights)
    for step, each in steps.items():
        _check(each, model, f"step {step}")
    config = override(config, **shape, steps=max(1, *steps))
    run = create_run(
        Path(out),
        config,
        split_known=bool(half),
        step_known=len(steps) > 1,
        told=sorted({"task", *options, *shape}),
        origin={"layout": "memory", "file": "", "task": "given", "split": "given" if half else
                "not known: not given", "assumed": [], "notes": [origin]},
    )  # fmt: skip
    for step in sorted(steps):
        plain = {name: w.detach().contiguous() for name, w in steps[step].items()}
        write_tensors(checkpoint_path(run.checkpoints, step), plain, step, run.config_hash)
    return run


def _by_step(
    weights: Mapping[str, Tensor] | Mapping[int, Mapping[str, Tensor]],
) -> dict[int, Mapping[str, Tensor]]:
    several = {s: w for s, w in weights.items() if isinstance(s, int) and isinstance(w, Mapping)}
    if several and len(several) == len(weights):
        return several
    return {0: {str(name): w for name, w in weights.items() if isinstance(w, Tensor)}}


def _check(weights: Mapping[str, Tensor], model: ModelConfig, where: str) -> None:
    wanted = weight_shapes(model)
    missing, strange = sorted(set(wanted) - set(weights)), sorted(set(weights) - set(wanted))
    if missing or strange:
        what = [f"without {', '.join(missing)}"] if missing else []
        what += [f"with {', '.join(strange)}, unknown"] if strange else []
        raise RequestError(f"{where}: weights {' and '.join(what)}", ", ".join(wanted))
    for name, shape in wanted.items():
        if tuple(weights[name].shape) != shape:
            raise RequestError(
                f"{where}: {name} has shape {tuple(weights[name].shape)}", f"{shape}"
            )
        if not bool(torch.isfinite(weights[name]).all()):
            raise RequestError(f"{where}: {name} has values that are not finite", "finite weights")
