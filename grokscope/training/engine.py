"""How a run is computed, not what: forward, folding, compiler, threads, device.

None of this changes the run but for rounding, so it is no part of the configuration and its hash. It is recorded in
config.json all the same: a run goes on, and is repeated to the bit, with what it was begun with.
"""

import dataclasses
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from grokscope.config import ModelConfig, RunConfig
from grokscope.errors import RequestError, nearest
from grokscope.presets import get_preset

COMPILING = 13.0
"""Seconds that compiling a block takes on a slow machine."""
PAYS = 3.0
"""A run is compiled where that saves this many times what it costs."""
SPEED = 1.5e11
"""Multiply-adds, counted twice, a second: two slow cores."""
OVERHEAD = 0.003
"""Seconds of an update that are no matrix product."""


@dataclass(frozen=True)
class EngineConfig:
    """How to compute; auto: what is fastest for the run and the machine."""

    engine: Literal["auto", "fast", "hooked"] = "auto"
    """fast: the exact fast forward; hooked: the plain forward of the hooked model, several times slower. auto: fast."""
    folding: Literal["auto", "tables", "weights"] = "auto"
    """Of the fast forward: tables: values are taken through the weights behind them token by token, where a model has
    one layer and no LayerNorm; weights: only W_out W_U is multiplied beforehand. auto: tables, but weights for the
    preset nanda2023 unchanged, so that it repeats the reference run to the bit."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Whether torch compiles the training forward; auto: where a C++ compiler is there and the run is so long that it
    saves three times what compiling takes."""
    threads: int = 0
    """Threads; 0: torch's own number, one for each core that can be used unless OMP_NUM_THREADS says another."""
    device: str = "cpu"
    """cpu, cuda, or cuda:N."""


@dataclass(frozen=True)
class Engine:
    """What was chosen.

    Attributes
    ----------
    name
        fast; per_row: the same without sharing rows, as dropout needs; hooked.
    folding, compiled, threads, device
        As in `EngineConfig`.
    """

    name: Literal["fast", "per_row", "hooked"] = "fast"
    folding: Literal["tables", "weights"] = "tables"
    compiled: bool = False
    threads: int = 1
    device: str = "cpu"

    def record(self) -> dict[str, Any]:
        """Return what stands in config.json."""
        found = dataclasses.asdict(self)
        return {"engine": found.pop("name"), **found}

    def describe(self) -> str:
        """Return it in one line."""
        words: list[str] = [self.name]
        if self.name != "hooked":
            words.append(f"folding {self.folding}")
        words.append("compiled" if self.compiled else "not compiled")
        words.append(f"{self.threads} thread{'s' * (self.threads != 1)}")
        return ", ".join([*words, self.device])


def engine_config(**options: Any) -> EngineConfig:
    """Return a checked `EngineConfig`.

    Raises
    ------
    RequestError
        For an unknown option or value, with the nearest one.
    """
    hints = get_type_hints(EngineConfig)
    for name, value in options.items():
        if name not in hints:
            raise RequestError(
                f"unknown option '{name}'", ", ".join(hints), nearest(str(name), hints)
            )
        accepted = get_args(hints[name])
        if accepted and value not in accepted:
            raise RequestError(f"{name} = {value!r}", ", ".join(accepted))
    asked = EngineConfig(**options)
    threads: object = asked.threads
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 0:
        raise RequestError(f"threads = {threads!r}", "a whole number from 0 on")
    _check_device(asked.device)
    return asked


def _check_device(device: object) -> None:
    if device == "cpu":
        return
    import torch

    if not isinstance(device, str) or device.split(":")[0] != "cuda":
        raise RequestError(f"device = {device!r}", "cpu, cuda, or cuda:N")
    if not torch.cuda.is_available():
        raise RequestError(f"device = {device!r}, and torch finds no GPU", "cpu")
    # Deterministic products of cuBLAS need it, before its first call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    number = device.removeprefix("cuda").removeprefix(":") or "0"
    if not number.isdigit() or int(number) >= torch.cuda.device_count():
        raise RequestError(
            f"device = {device!r}", f"cuda:0 to cuda:{torch.cuda.device_count() - 1}"
        )


def choose_engine(config: RunConfig, n_train: int, asked: EngineConfig) -> Engine:
    """Return how a run with `n_train` training rows is computed."""
    name: Literal["fast", "per_row", "hooked"] = "fast"
    if asked.engine == "hooked":
        name = "hooked"
        if config.intervention.dropout:
            raise RequestError(
                f"engine = hooked with dropout = {config.intervention.dropout}", "engine = fast"
            )
    elif config.intervention.dropout:
        name = "per_row"
    repeats = _repeats_the_reference_run(config)
    folding = asked.folding
    if folding == "auto":
        folding = "weights" if repeats else "tables"
    noisy = config.intervention.dropout + config.intervention.weight_noise
    cannot = name == "hooked" or noisy > 0
    if asked.compile == "on" and cannot:
        what = "engine = hooked" if name == "hooked" else "noise in the training forward"
        raise RequestError(f"compile = on with {what}", "compile = off")
    compiled = asked.compile == "on"
    if asked.compile == "auto" and not cannot and not repeats and has_compiler():
        compiled = saved_by_compiling(config, n_train) > PAYS * _compiling(config.model)
    return Engine(name, folding, compiled, asked.threads or default_threads(), asked.device)


def recorded_engine(info: Mapping[str, Any]) -> Engine:
    """Return the engine of a run from its config.json; runs without a record of folding are older than tables."""
    name = info.get("engine", "fast")
    threads = info.get("threads")
    return Engine(
        name=name if name in ("fast", "per_row", "hooked") else "fast",
        folding="tables" if info.get("folding") == "tables" else "weights",
        compiled=info.get("compiled") is True,
        threads=threads if isinstance(threads, int) and threads > 0 else default_threads(),
        device=str(info.get("device", "cpu")),
    )


def default_threads() -> int:
    """Return torch's own number of threads: the cores that can be used, or what OMP_NUM_THREADS says."""
    import torch

    return torch.get_num_threads()


def has_compiler() -> bool:
    """Return whether a C++ compiler is there, as torch.compile needs on a processor."""
    asked = os.environ.get("CXX", "g++")
    return any(shutil.which(name) for name in (asked, "g++", "clang++"))


def saved_by_compiling(config: RunConfig, n_train: int) -> float:
    """Return about how many seconds of a run compiling saves: a tenth, a quarter with LayerNorm.

    From the shapes alone, not from a timing: a run must be computed in the same way whenever it is begun.
    """
    rows = min(config.optimiser.batch_size or n_train, n_train)
    update = OVERHEAD + update_work(config.model, rows) / SPEED
    share = 0.1 if config.model.normalization == "none" else 0.25
    return config.schedule.steps * update * share


def _compiling(model: ModelConfig) -> float:
    return COMPILING * (model.n_layers if model.has_attention else 1)


def update_work(model: ModelConfig, n_rows: int) -> float:
    """Return about how many floating-point operations the matrix products of an update take, two a multiply-add."""
    wide = 2 * model.d_mlp * model.d_model if model.has_attention and not model.attn_only else 0
    mixing = 4 * model.n_heads * model.d_head * model.d_model if model.has_attention else 0
    if not model.has_attention:
        wide = model.d_mlp * (model.d_vocab_out + model.d_mlp * (model.n_layers - 1))
    return 6.0 * n_rows * (model.n_layers * (wide + mixing) + model.d_model * model.d_vocab_out)


def _repeats_the_reference_run(config: RunConfig) -> bool:
    """Return whether this is the preset nanda2023 but for its schedule: what the reference run was trained with."""
    if config.preset != "nanda2023":
        return False
    published = get_preset("nanda2023").config
    same = ("task", "split", "model", "optimiser", "intervention", "dtype")
    return all(getattr(config, part) == getattr(published, part) for part in same)
