"""Splits: which rows train, which test, which test rows are twin-free; shuffled answers as a control."""

import math
import random
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from grokscope.config import SplitConfig
from grokscope.errors import RequestError
from grokscope.tasks.table import Task

ROWS = ("train", "test", "test_twin_free", "all")


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows train, and the answers as trained.

    Attributes
    ----------
    train
        Shape [input]. Whether a row trains.
    labels
        Shape [input]. The answers as trained on and tested against; the task's own unless shuffled.
    twin_free
        Shape [input]. Test rows whose twin (b, a) does not train. For a task that does not commute a twin gives
        nothing away, and every test row is twin-free.
    """

    train: Bool[ndarray, " input"]
    labels: Int[ndarray, " input"]
    twin_free: Bool[ndarray, " input"]

    @cached_property
    def _indices(self) -> dict[str, Int[ndarray, " row"]]:
        return {
            "train": np.flatnonzero(self.train),
            "test": np.flatnonzero(~self.train),
            "test_twin_free": np.flatnonzero(self.twin_free),
            "all": np.arange(len(self.train)),
        }

    def rows(self, name: str) -> Int[ndarray, " row"]:
        """Return the indices of the rows "train", "test", "test_twin_free" or "all"."""
        return self._indices[name]


def make_split(task: Task, config: SplitConfig) -> Split:
    """Draw the split of `task` that `config` describes.

    ordered, python: rows in row order, random.seed(split_seed), random.shuffle, the first int(frac n) train
    (Nanda et al. 2023). torch: torch.randperm after manual_seed(split_seed) (Chughtai et al. 2023). unordered: the
    same draw over unordered pairs {a, b}, both orders on the same side.

    Raises
    ------
    RequestError
        When no row would train.
    """
    n = task.n_inputs
    if config.pairs == "unordered":
        present = task.twin >= 0
        representative = np.where(present, np.minimum(np.arange(n), task.twin), np.arange(n))
    else:
        representative = np.arange(n)
    units = np.unique(representative)
    chosen = units[_shuffled(len(units), config)[: int(config.frac_train * len(units))]]
    train = np.isin(representative, chosen)
    if not train.any():
        raise RequestError(
            f"frac_train = {config.frac_train} of {n} rows leaves no training row",
            f"at least {math.ceil(1e6 / len(units)) / 1e6:g}",
        )
    twin_trains = np.where(task.twin >= 0, train[task.twin], False)
    leak = twin_trains if task.commutative else np.zeros(n, dtype=bool)
    labels = task.answers
    if config.label_shuffle:
        labels = np.random.default_rng(config.label_seed).permutation(labels)
    return Split(train=train, labels=labels, twin_free=~train & ~leak)


def _shuffled(n: int, config: SplitConfig) -> Int[ndarray, " n"]:
    if config.shuffle == "torch":
        import torch

        generator = torch.Generator().manual_seed(config.split_seed)
        return torch.randperm(n, generator=generator).numpy()
    order = list(range(n))
    random.Random(config.split_seed).shuffle(order)
    return np.array(order, dtype=np.int64)
