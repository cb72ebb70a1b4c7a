"""What a foreign model learned: said by the user, by its file, or told by its answers."""

from dataclasses import dataclass
from typing import Any

from grokscope.config import ModelConfig, RunConfig, TaskConfig, override
from grokscope.errors import RequestError
from grokscope.models.feedforward.forms import resolve_feedforward
from grokscope.models.foreign import ForeignSeries
from grokscope.runs.element_orders import Order
from grokscope.runs.imported_answers import Candidate, answers_of, identified, in_order
from grokscope.runs.imported_choice import choose
from grokscope.tasks import TASKS, Task, make_task
from grokscope.tasks.groups import make_group

LAYOUTS = {(2, False): "a b", (3, False): "a b =", (2, True): "a b'", (3, True): "a b' ="}
"""(Positions, whether the second operand has tokens of its own) -> layout."""


@dataclass(frozen=True)
class FoundTask:
    """A task, how it is known, and the model read for it.

    Attributes
    ----------
    order
        The file's number of each of our elements; None where they are the same.
    how
        How the task is known, for `origin`.
    assumed
        Fields of ModelConfig that remain assumed.
    notes
        What was told by the answers.
    """

    task: Task
    model: ModelConfig
    order: Order | None
    how: str
    assumed: tuple[str, ...]
    notes: tuple[str, ...]


def find_task(
    series: ForeignSeries, name: str | None, p: int | None, group: str | None
) -> FoundTask:
    """Find the task, the order of the elements, and the model where the file leaves a field open.

    Raises
    ------
    RequestError
        Nobody says the task and the last checkpoint solves none; what is said is no task, or does
        not fit the model; or two architectures fit and neither clearly answers better.
    """
    n_ctx, own = int(series.model["n_ctx"]), bool(series.task.get("own_tokens"))
    if (n_ctx, own) not in LAYOUTS:
        raise RequestError(
            f"the model reads {n_ctx} positions", "3 positions (a, b, =), or 2 (a, b)"
        )
    values = (int(series.model["d_vocab"]) - (n_ctx - 2)) // (1 + own)
    layout = LAYOUTS[n_ctx, own]
    said, how = _said(series, name, p, group, values, layout)
    choices = series.open_values or ("",)
    read: list[tuple[str, ModelConfig, Candidate | None]] = []
    for choice in choices:
        square = _square(values, layout)
        model = _model(series, said or square, choice)
        answers = answers_of(series, model, square)
        if said is not None:
            read.append((choice, model, in_order(said, answers)))
        else:
            read.append((choice, model, identified(answers, values, name, layout)))
    known = [(choice, model, best) for choice, model, best in read if best is not None]
    if not known:
        accepted = ", ".join(TASKS if name is None else [name])
        raise RequestError(
            "the file does not say which task it learned, and its last checkpoint solves none",
            accepted,
            "give --task" if name is None else "give --group",
        )
    choice, model, best, assumed, notes = choose(series, known)
    if said is None:
        how = f"identified: it answers {best.share:.4f} of all inputs"
    if best.order is not None:
        notes.append(
            f"its elements are in another order than ours ({best.words}): embeddings and answers "
            f"were put in our order; it answers {best.share:.4f} of all inputs so"
        )
    return FoundTask(best.task, model, best.order, how, assumed, tuple(notes))


def _said(
    series: ForeignSeries, name: str | None, p: int | None, group: str | None, n: int, layout: str
) -> tuple[Task | None, str]:
    """Return the task that the user or the file says, and who does."""
    told = series.task
    hint = _hint(told)
    group = group or (str(told["group"]) if "group" in told else None)
    modulus = next((m for m in (p, series.p) if m is not None), n)
    if name is None and hint is None and group is None:
        if p is not None and p != n:
            raise RequestError(
                f"p = {p} was given, but the model reads {n} values of an operand", f"p = {n}"
            )
        return None, ""
    how = "given" if name is not None or (group and "group" not in told) else "said by the file"
    if name is None and group is not None:
        cyclic = make_group(group).name.startswith("C") and "x" not in group
        name, modulus = ("mod_add", make_group(group).order) if cyclic else ("group_mul", modulus)
    name = name or hint
    assert name is not None, "one of name, hint and group is there"
    if name in TASKS and TASKS[name].over == "group" and group is None:
        return None, ""
    return make_task(name, modulus, group=group or TaskConfig.group, layout=layout), how


def _hint(settings: dict[str, Any]) -> str | None:
    """Return our name of the operation that the file's settings name, None where they do not."""
    said = str(settings.get("fn_name", "")).lower()
    ours = {
        "add": "mod_add",
        "subtract": "mod_sub",
        "sub": "mod_sub",
        "multiply": "mod_mul",
        "mul": "mod_mul",
        "divide": "mod_div",
        "div": "mod_div",
    }
    return ours.get(said, said if said in ours.values() else None)


def _square(n: int, layout: str) -> Task:
    """Return a task over all pairs of n values, for its tokens."""
    return make_task("mod_add", n, layout=layout)


def _model(series: ForeignSeries, task: Task, choice: str) -> ModelConfig:
    fields = dict(series.model)
    if choice:
        fields[series.open_field] = choice
    d_vocab, classes = fields.get("d_vocab"), fields.get("d_vocab_out")
    if d_vocab != task.d_vocab or classes not in (task.n_classes, task.d_vocab):
        over = f"mod {task.p}" if task.group is None else f"over {task.group.name}"
        raise RequestError(
            f"the model has {d_vocab} tokens and {classes} classes",
            f"{task.d_vocab} tokens and {task.n_classes} or {task.d_vocab} classes for "
            f"{task.name} {over}",
        )
    vocabulary = "tokens" if classes == task.d_vocab else "answers"
    model = override(RunConfig(), **(fields | {"output_vocabulary": vocabulary})).model
    return model if model.has_attention else resolve_feedforward(model)
