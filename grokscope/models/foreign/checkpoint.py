"""What reading a foreign file gives: weights by step, the model's shape, and what was recorded."""

from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Int64
from numpy import ndarray
from torch import Tensor

from grokscope.models.foreign.records import Curve


@dataclass(frozen=True)
class ForeignCheckpoint:
    """Weights at one step, under TransformerLens's names and shapes.

    Attributes
    ----------
    step
        Number of updates made; None where the file does not tell.
    weights
        Contiguous float32 or float64 tensors, as the file has them.
    """

    step: int | None
    weights: dict[str, Tensor]


@dataclass(frozen=True)
class ForeignSeries:
    """All that was read from a foreign file or folder.

    Attributes
    ----------
    layout
        Name of the layout it was read as.
    checkpoints
        By ascending step; at least one.
    model
        Fields of ModelConfig, from shapes, keys and settings.
    assumed
        Those of them that the file does not tell and that take the published value.
    p
        Modulus, where the layout or the settings tell it.
    task
        Settings of task and training as the file has them (`fn_name`, `group`, `frac_train`,
        `seed`, ...); empty where it has none.
    losses
        "train", "test" -> (steps, values), where recorded.
    accuracies
        "train", "test" -> (steps, values), where recorded.
    recorded
        `train_loss`, `test_loss`, `all_loss`, ... at the end, as its authors recorded them.
    train_inputs
        Pairs (a, b) that the file says it trained on; None where it does not.
    source_file, sha256
        Where it was read, and the hash of its bytes (of a folder: of the list of its files' names
        and hashes).
    open_field, open_values
        A field of ModelConfig that keys, shapes and settings leave open, and the values that fit,
        the one in `model` first; "" and empty mostly.
    notes
        What was read between the lines, one sentence each.
    """

    layout: str
    checkpoints: tuple[ForeignCheckpoint, ...]
    model: dict[str, Any]
    assumed: tuple[str, ...]
    p: int | None
    task: dict[str, Any]
    losses: dict[str, Curve]
    train_inputs: Int64[ndarray, "row 2"] | None
    source_file: str
    sha256: str
    notes: tuple[str, ...] = field(default=())
    accuracies: dict[str, Curve] = field(default_factory=dict)
    recorded: dict[str, float] = field(default_factory=dict)
    open_field: str = ""
    open_values: tuple[str, ...] = ()
