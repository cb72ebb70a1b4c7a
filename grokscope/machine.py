"""The machine: what it gives to this process."""

import contextlib
import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's mallopt, from malloc.h."""
KEPT = 2**30


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for what comes next: given back, it costs a page fault for every 4 kB.

    An update of a p = 113 model frees and takes some 30 MB: 3,000 page faults, a fifth of its time.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP_THRESHOLD, KEPT)
        libc.mallopt(TRIM_THRESHOLD, KEPT)
