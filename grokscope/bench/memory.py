"""How much memory a stretch of work took."""

import resource
import sys
from pathlib import Path

STATUS_FILE = Path("/proc/self/status")
RESET_FILE = Path("/proc/self/clear_refs")


def peak_memory(status: Path = STATUS_FILE) -> float:
    """Return the peak resident memory of this process since `begin_watching`, in bytes.

    On Linux by VmHWM, since the peak that `getrusage` gives begins with that of the process that started this one;
    elsewhere the peak since the process began.
    """
    found = _field("VmHWM", status)
    if found is not None:
        return found
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else 1024 * most)


def begin_watching(status: Path = STATUS_FILE, reset: Path = RESET_FILE) -> float:
    """Forget the peak so far, where the system can, and return the resident memory now, in bytes."""
    try:
        reset.write_text("5", encoding="ascii")
    except OSError:
        return peak_memory(status)
    now = _field("VmRSS", status)
    return peak_memory(status) if now is None else now


def _field(name: str, status: Path) -> float | None:
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return 1024.0 * int(sizes[0]) if sizes else None
