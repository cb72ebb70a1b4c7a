"""How many cores this process may use, and how a sweep shares them out."""

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def usable_cores(groups: Path = CGROUPS, own: Path = OWN_GROUPS) -> int:
    """Return the number of cores that this process may use: its affinity, and the CPU quota of its control groups.

    A quota of q microseconds per period of r is floor(q / r) cores, one at least (Linux, cgroup v1 and v2).
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *(int(limit) for limit in _quotas(groups, own))]))


def share_out(
    cores: int, n_runs: int, n_left: int, asked: int | None = None, threads: int = 0
) -> tuple[int, int]:
    """Return (workers, threads of each) for a sweep of `n_runs`, of which `n_left` are still to be trained.

    A worker for each core, one thread each, or as many workers as `asked`. With fewer runs than cores the threads are
    shared out: by the number of all runs, so that a sweep that goes on computes as it would have without a break; and
    no more of them than OMP_NUM_THREADS says. Where so many `threads` are asked for, each worker has them, and there
    are so many workers as have cores for them.
    """
    if asked is not None:
        return min(asked, n_left), threads or 1
    if threads:
        return min(max(1, cores // threads), n_left), threads
    most = os.environ.get("OMP_NUM_THREADS", "")
    shared = min(cores // n_runs, int(most)) if most.isdigit() else cores // n_runs
    return min(cores, n_left), max(1, shared)


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
