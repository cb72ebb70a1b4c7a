"""From what was asked to what is trained: vocabulary and positions follow the task, and all is checked."""

import dataclasses

from grokscope.config import RunConfig
from grokscope.errors import RequestError
from grokscope.models.feedforward.forms import resolve_feedforward
from grokscope.models.initialise import check_rule
from grokscope.runs.bounds import check_bounds
from grokscope.tasks import Task, task_of
from grokscope.validate import validate


def resolve(config: RunConfig) -> tuple[RunConfig, Task]:
    """Return the configuration with everything that the task and the architecture set, and the task.

    Raises
    ------
    RequestError
        For an unknown task, a modulus or group that it does not allow, or options that make no sense.
    """
    validate(config)
    task = task_of(config.task)
    classes = task.d_vocab if config.model.output_vocabulary == "tokens" else task.n_classes
    model = dataclasses.replace(
        config.model, n_ctx=task.n_ctx, d_vocab=task.d_vocab, d_vocab_out=classes
    )
    if model.positional == "sinusoidal" and model.d_model % 2:
        raise RequestError(
            f"d_model = {model.d_model} with sinusoidal positions", "an even d_model"
        )
    if not model.has_attention:
        model = resolve_feedforward(model)
        _check_feedforward(config, task)
    check_rule(model)
    resolved = dataclasses.replace(config, model=model)
    check_bounds(resolved)
    return resolved, task


def _check_feedforward(config: RunConfig, task: Task) -> None:
    """Raise RequestError for a task that a model of pairs cannot read, or dropout where there is no stream."""
    architecture = config.model.architecture
    if not task.is_binary or task.layout != "a b":
        raise RequestError(
            f"layout = '{task.layout}' with architecture = {architecture}",
            "layout 'a b': the model reads the two operands and nothing else",
        )
    if config.intervention.dropout:
        raise RequestError(
            f"dropout = {config.intervention.dropout} with architecture = {architecture}, which has no "
            "residual stream",
            "0",
        )
