"""Which machine this is, and whether it is busy."""

import importlib.metadata
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from grokscope.bench.settings import Settings
from grokscope.machine import usable_cores

BUSY = 0.5
"""Load, in running processes over the last minute, from which on the times are not to be trusted."""
CPU_FILE = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """What the times depend on.

    Attributes
    ----------
    load
        Running processes over the last minute when the measurement began; None where the system does not say.
    """

    cpu: str
    cores: int
    system: str
    python: str
    torch: str
    threads: int
    load: float | None

    @property
    def busy(self) -> bool:
        """Whether something else was running."""
        return self.load is not None and self.load > BUSY


def cpu_model(file: Path = CPU_FILE) -> str:
    """Return the processor's name, or its kind where the system does not say the name."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, names), platform.processor() or platform.machine())


def this_machine(settings: Settings) -> Machine:
    """Return what this machine is, and how busy it is now."""
    # First: loading torch is load too.
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    import torch

    return Machine(
        cpu=cpu_model(),
        cores=usable_cores(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=importlib.metadata.version("torch"),
        threads=settings.threads or torch.get_num_threads(),
        load=load,
    )
