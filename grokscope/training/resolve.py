"""From what was asked to what is trained: vocabulary and positions follow the task, and all is checked."""

import dataclasses

from grokscope.config import RunConfig, validate
from grokscope.errors import RequestError
from grokscope.tasks import Task, task_of


def resolve(config: RunConfig) -> tuple[RunConfig, Task]:
    """Return the configuration with everything that the task sets, and the task.

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
    return dataclasses.replace(config, model=model), task
