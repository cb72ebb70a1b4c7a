"""From a specification to its runs: counted first, then every configuration made and checked before any is trained."""

import dataclasses
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grokscope.api import configure
from grokscope.config import ModelConfig, RunConfig, SplitConfig, TaskConfig, override
from grokscope.errors import RequestError
from grokscope.sweeps.specification import POWER_BATCH, Specification, blame, flat_value
from grokscope.tasks import Task, make_split, task_of
from grokscope.training.resolve import resolve

ASK_FROM = 1_000
MAX_RUNS = 100_000


@dataclass(frozen=True)
class Setting:
    """A cell of case x grid: what all its runs have in common but for the seed.

    Attributes
    ----------
    label
        The case's name and the grid's values, in words.
    case
        The case's name, None where the sweep has no cases.
    values
        Varied field -> value, as it was asked for.
    """

    label: str
    case: str | None
    values: dict[str, Any]


@dataclass(frozen=True)
class PlannedRun:
    """A run that is to be: its setting, its seed, and the resolved configuration."""

    label: str
    seed: int
    config: RunConfig
    n_train: int

    @property
    def folder_name(self) -> str:
        """LABEL-seedN-HASH8, fit for a file system."""
        words = re.sub(r"[^A-Za-z0-9._=+]+", "-", self.label).strip("-.")[:80] or "run"
        return f"{words}-seed{self.seed}-{self.config.hash()[:8]}"


@dataclass(frozen=True)
class Plan:
    """All settings of a sweep, and all runs: every setting's first seed before any one's second."""

    specification: Specification
    settings: tuple[Setting, ...]
    runs: tuple[PlannedRun, ...]


def make_plan(spec: Specification, yes: bool = False) -> Plan:
    """Return the runs of a sweep, every configuration resolved and checked.

    Parameters
    ----------
    yes
        Whether more than 1,000 runs are meant.

    Raises
    ------
    RequestError
        For too many runs (before any is built), a configuration that makes no sense, or two that are equal.
    """
    check_count(spec, yes)
    fit, planned, cells = _Fit(), [], list(_cells(spec))
    owner: dict[RunConfig, str] = {}
    for seed in spec.seeds:
        for setting, flat in cells:
            try:
                config, n_train = fit.run(_configuration(spec, seed, flat), flat)
            except RequestError as error:
                raise blame(f"{spec.source}, '{setting.label}'", error) from None
            words = f"'{setting.label}' seed {seed}"
            if config in owner:
                raise RequestError(
                    f"{spec.source}: {owner[config]} and {words} are the same configuration",
                    "each configuration once",
                )
            owner[config] = words
            planned.append(PlannedRun(setting.label, seed, config, n_train))
    return Plan(spec, tuple(setting for setting, _ in cells), tuple(planned))


def check_count(spec: Specification, yes: bool) -> None:
    """Raise RequestError where a sweep has more runs than can be meant; nothing is built."""
    count = f"{spec.source}: {spec.n_runs:,} runs"
    if spec.n_runs > MAX_RUNS:
        accepted = f"up to {ASK_FROM:,} without --yes (yes=True), at most {MAX_RUNS:,} with it"
        raise RequestError(count, accepted, "give the grid fewer values")
    if spec.n_runs > ASK_FROM and not yes:
        raise RequestError(
            count,
            f"up to {ASK_FROM:,} without being sure",
            "say --yes (yes=True) if all are meant",
        )


def in_words(value: Any) -> str:
    """Return a field's value as it stands in a label: 0.3, 1, true, adamw, 10 20."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, (tuple, list)):
        return " ".join(map(in_words, value))
    return str(value)


def _cells(spec: Specification) -> Iterator[tuple[Setting, dict[str, Any]]]:
    """Yield each setting with its flat fields; those of the grid over the case's over [set]'s."""
    common = ({} if spec.task is None else {"task": spec.task}) | spec.set
    for case in spec.cases or (None,):
        for values in itertools.product(*spec.grid.values()):
            chosen = dict(zip(spec.grid, values, strict=True))
            flat = common | (case.fields if case else {}) | chosen
            words = [case.name] if case else []
            words += [f"{field} {in_words(value)}" for field, value in chosen.items()]
            label = ", ".join(words) or spec.name
            yield Setting(label, case.name if case else None, _asked(spec, flat)), flat


def _asked(spec: Specification, flat: dict[str, Any]) -> dict[str, Any]:
    """Return the varied fields as asked for; what another case sets and this one does not has its usual value."""
    found = {field: flat[field] for field in spec.varied if field in flat}
    if len(found) < len(spec.varied):
        usual = configure(preset=spec.preset)
        found |= {f: flat_value(usual, f) for f in spec.varied if f not in flat}
    return {field: found[field] for field in spec.varied}


def _configuration(spec: Specification, seed: int, flat: dict[str, Any]) -> RunConfig:
    plain = {k: v for k, v in flat.items() if (k, v) != ("batch_size", POWER_BATCH)}
    return configure(plain.pop("task", None), spec.preset, seed=seed, **plain)


class _Fit:
    """Fits configurations to their tasks; what the seeds of a setting share is computed once."""

    def __init__(self) -> None:
        self._models: dict[RunConfig, ModelConfig] = {}
        self._n_train: dict[tuple[TaskConfig, SplitConfig], int] = {}
        self._last: tuple[TaskConfig, Task] | None = None

    def run(self, config: RunConfig, flat: dict[str, Any]) -> tuple[RunConfig, int]:
        """Return the resolved configuration and its number of training rows."""
        alike = override(config, seed=0)
        if alike not in self._models:
            resolved, task = resolve(config)
            self._models[alike], self._last = resolved.model, (config.task, task)
        seed = config.model.init_seed
        config = dataclasses.replace(
            config, model=dataclasses.replace(self._models[alike], init_seed=seed)
        )
        n_train = self._rows(config)
        if flat.get("batch_size") == POWER_BATCH:
            config = override(config, batch_size=min(512, n_train // 2))
        return config, n_train

    def _rows(self, config: RunConfig) -> int:
        split = config.split
        # Of ordered pairs the seed decides which train, not how many.
        alike = dataclasses.replace(split, split_seed=0) if split.pairs == "ordered" else split
        key = (config.task, alike)
        if key not in self._n_train:
            if self._last is None or self._last[0] != config.task:
                self._last = (config.task, task_of(config.task))
            self._n_train[key] = int(make_split(self._last[1], split).train.sum())
        return self._n_train[key]
