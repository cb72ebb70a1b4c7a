"""What a worker is given at once: one run, or several that are trained as one computation."""

from dataclasses import dataclass
from pathlib import Path

from grokscope.config import RunConfig
from grokscope.training.engine import EngineConfig


@dataclass(frozen=True)
class Job:
    """One run, or several that differ in their seeds alone.

    Attributes
    ----------
    places
        Which runs of the sweep these are.
    runs
        Configuration and folder of each.
    engine
        How they are computed.
    """

    places: tuple[int, ...]
    runs: tuple[tuple[RunConfig, Path], ...]
    engine: EngineConfig = EngineConfig()
