"""The tasks: finite tables of inputs and answers, their vocabulary, the group behind each, and splits."""

from grokscope.tasks.modular import TASKS, TaskSpec, make_task
from grokscope.tasks.splits import ROWS, Split, make_split
from grokscope.tasks.table import CyclicForm, Task

__all__ = ["ROWS", "TASKS", "CyclicForm", "Split", "Task", "TaskSpec", "make_split", "make_task"]
