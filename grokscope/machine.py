"""The machine: what it gives to this process."""

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's mallopt, from malloc.h."""
KEPT = 2**30

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for what comes next: given back, it costs a page fault for every 4 kB.

    An update of a p = 113 model frees and takes some 30 MB: 3,000 page faults, a fifth of its time.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP_THRESHOLD, KEPT)
        libc.mallopt(TRIM_THRESHOLD, KEPT)


def usable_cores(groups: Path = CGROUPS, own: Path = OWN_GROUPS) -> int:
    """Return the number of cores that this process may use: its affinity, and the CPU quota of its control groups.

    A quota of q microseconds per period of r is floor(q / r) cores, one at least (Linux, cgroup v1 and v2).
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *(int(limit) for limit in _quotas(groups, own))]))


def _quotas(groups: Path, own: Path) -> Iterator[float]:
    """Yield quota / period of this process's control groups and all above them."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, inside = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = groups / controllers if controllers else groups
        folder = root / inside.lstrip("/")
        for level in (folder, *folder.parents):
            if not level.is_relative_to(root):
                break
            yield from _quota(level)


def _quota(folder: Path) -> Iterator[float]:
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        if quota != "max" and int(quota) > 0 and int(period) > 0:
            yield int(quota) / int(period)
    except (OSError, ValueError):
        return
