"""The tasks: finite tables of inputs and answers, their vocabulary, the group behind each, and splits."""

from grokscope.tasks import group_operations, modular, parity  # in the order of the list below
from grokscope.tasks.groups import Group, make_group
from grokscope.tasks.make import make_task, task_of
from grokscope.tasks.registry import TASKS, Operation, describe, get_operation, operation
from grokscope.tasks.splits import ROWS, Split, make_split
from grokscope.tasks.table import CyclicForm, Task

__all__ = [
    "ROWS",
    "TASKS",
    "CyclicForm",
    "Group",
    "Operation",
    "Split",
    "Task",
    "describe",
    "get_operation",
    "make_group",
    "make_split",
    "make_task",
    "operation",
    "task_of",
]
