"""Splits: which rows train, which test, which test rows are twin-free; shuffled answers and outliers."""

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
        Shape [input]. The answers as trained on and tested against; the task's own unless shuffled or outliers.
    twin_free
        Shape [input]. Test rows whose twin (b, a) does not train. For a task that does not commute a twin gives
        nothing away, and every test row is twin-free.
    outlier
        Shape [input]. Training rows whose answer was replaced by a wrong one.
    """

    train: Bool[ndarray, " input"]
    labels: Int[ndarray, " input"]
    twin_free: Bool[ndarray, " input"]
    outlier: Bool[ndarray, " input"]

    @cached_property
    def _indices(self) -> dict[str, Int[ndarray, " row"]]:
        return {
            "train": np.flatnonzero(self.train),
            "test": np.flatnonzero(~self.train),
            "test_twin_free": np.flatnonzero(self.twin_free),
            "all": np.arange(len(self.train)),
            "outliers": np.flatnonzero(self.outlier),
        }

    def rows(self, name: str) -> Int[ndarray, " row"]:
        """Return the indices of the rows "train", "test", "test_twin_free", "all" or "outliers"."""
        return self._indices[name]


def make_split(
    task: Task, config: SplitConfig, listed: Bool[ndarray, " input"] | None = None
) -> Split:
    """Draw the split of `task` that `config` describes.

    ordered, python: rows in row order, random.seed(split_seed), random.shuffle, the first int(frac n) train
    (Nanda et al. 2023). torch: torch.randperm after manual_seed(split_seed) (Chughtai et al. 2023). unordered: the
    same draw over unordered pairs {a, b}, both orders on the same side. listed: `listed` says which rows train.

    Raises
    ------
    RequestError
        When no row would train, when rows are to be listed and are not, or when there are fewer training rows than
        outliers.
    """
    n = task.n_inputs
    train = _drawn(task, config) if listed is None else listed
    twin_trains = np.where(task.twin >= 0, train[task.twin], False)
    leak = twin_trains if task.commutative else np.zeros(n, dtype=bool)
    labels = task.answers
    if config.label_shuffle:
        labels = np.random.default_rng(config.label_seed).permutation(labels)
    labels, outlier = _with_outliers(labels, train, config)
    return Split(train=train, labels=labels, twin_free=~train & ~leak, outlier=outlier)


def _drawn(task: Task, config: SplitConfig) -> Bool[ndarray, " input"]:
    """Return which rows train, as the rule of `config` draws them."""
    if config.shuffle == "listed":
        raise RequestError(
            "shuffle = listed, which only a run that was imported with a list of its rows has",
            "python, torch",
        )
    n = task.n_inputs
    if config.pairs == "unordered":
        present = task.twin >= 0
        representative = np.where(present, np.minimum(np.arange(n), task.twin), np.arange(n))
    else:
        representative = np.arange(n)
    units = np.unique(representative)
    chosen = units[_shuffled(len(units), config)[: int(config.frac_train * len(units))]]
    if not len(chosen):
        raise RequestError(
            f"frac_train = {config.frac_train} of {n} rows leaves no training row",
            f"at least {math.ceil(1e6 / len(units)) / 1e6:g}",
        )
    return np.isin(representative, chosen)


def _with_outliers(
    labels: Int[ndarray, " input"], train: Bool[ndarray, " input"], config: SplitConfig
) -> tuple[Int[ndarray, " input"], Bool[ndarray, " input"]]:
    """Replace `outliers` training answers by wrong ones (Power et al. 2022, arXiv 2201.02177, appendix A.4).

    The rows are drawn without repetition. Each gets the answer of another training row, drawn uniformly from those
    whose answer is a different one, so that exactly `outliers` training answers are wrong. Answers of test rows stay.
    """
    outlier, rows = np.zeros(len(train), dtype=bool), np.flatnonzero(train)
    if not config.outliers:
        return labels, outlier
    if config.outliers > len(rows) or len(np.unique(labels[rows])) < 2:
        raise RequestError(
            f"outliers = {config.outliers} of {len(rows)} training rows",
            f"at most {len(rows)}, with two different answers among them",
        )
    rng = np.random.default_rng(config.outlier_seed)
    replaced = rng.choice(rows, config.outliers, replace=False)
    wrong = labels[rng.choice(rows, config.outliers)]
    while (same := wrong == labels[replaced]).any():
        wrong[same] = labels[rng.choice(rows, same.sum())]
    labels = labels.copy()
    labels[replaced], outlier[replaced] = wrong, True
    return labels, outlier


def _shuffled(n: int, config: SplitConfig) -> Int[ndarray, " n"]:
    if config.shuffle == "torch":
        import torch

        generator = torch.Generator().manual_seed(config.split_seed)
        return torch.randperm(n, generator=generator).numpy()
    order = list(range(n))
    random.Random(config.split_seed).shuffle(order)
    return np.array(order, dtype=np.int64)
