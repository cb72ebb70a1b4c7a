"""How a sweep shares out the cores that this process may use."""

import os


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
