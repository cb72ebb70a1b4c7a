"""What all cases are told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How much is measured, and on what.

    Attributes
    ----------
    quick
        Fewer rounds and shorter runs.
    tiny
        Tables of a few rows in place of the published sizes: for tests, the times say nothing.
    threads
        Threads of each process; torch's own number where None.
    run
        Directory of a run whose last checkpoints are analysed; a planted circuit where None.
    """

    quick: bool = False
    tiny: bool = False
    threads: int | None = None
    run: Path | None = None
