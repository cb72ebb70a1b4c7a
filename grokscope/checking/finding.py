"""What a check found, in three parts (file, fault, remedy), and all of them together."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from grokscope.errors import GrokscopeError, one_line

Level = Literal["fault", "warning", "note"]
LEVELS: tuple[Level, ...] = ("fault", "warning", "note")
RESTORE = "restore it from a copy"


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes
    ----------
    level
        fault: something is damaged, missing, or not what it says; warning: something is unlikely, and nothing proves it
        wrong; note: worth knowing.
    file
        Relative to the run's directory; "." for the run itself.
    fault
        What is wrong, in words.
    remedy
        What to do.
    """

    level: Level
    file: str
    fault: str
    remedy: str = ""

    def __post_init__(self) -> None:
        for name in ("file", "fault", "remedy"):
            object.__setattr__(self, name, one_line(getattr(self, name), 400))


def fault(file: str, what: str, remedy: str = RESTORE) -> Finding:
    """Return a finding that makes a run unsound."""
    return Finding("fault", file, what, remedy)


def refused(file: str, error: GrokscopeError, remedy: str = "") -> Finding:
    """Return the fault of a file that its reader refuses, in the reader's words; its own remedy where none is given."""
    given = error.given
    if file in given and not given.startswith("cannot"):
        given = (
            given.partition(file)[2].lstrip(" ,:") or given
        )  # the file is named beside it already
    return fault(file, given, remedy or error.todo or RESTORE)


def warning(file: str, what: str, remedy: str = "") -> Finding:
    """Return a finding that is unlikely in a sound run."""
    return Finding("warning", file, what, remedy)


def note(file: str, what: str, remedy: str = "") -> Finding:
    """Return a finding that a sound run may have."""
    return Finding("note", file, what, remedy)


@dataclass(frozen=True)
class Report:
    """What `check` found in a run.

    Attributes
    ----------
    path
        The run's directory.
    findings
        Faults first.
    looked
        What was looked at -> how many: checkpoints, key frames, lines of metrics, recomputed.
    status
        How far the run came; "" where that cannot be told.
    """

    path: Path
    findings: tuple[Finding, ...]
    looked: dict[str, int] = field(default_factory=dict)
    status: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether there is no fault."""
        return not self.of("fault")

    def of(self, level: Level) -> list[Finding]:
        """Return the findings of a level."""
        return [each for each in self.findings if each.level == level]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return what `grokscope check --json` prints."""
        return {
            "run": str(self.path),
            "sound": self.is_sound,
            "status": self.status,
            "looked": self.looked,
            "findings": [dataclasses.asdict(each) for each in self.findings],
        }


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings once each, faults first, in the order in which they were found otherwise."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda each: LEVELS.index(each.level)))


def guarded(
    file: str, look: Callable[..., Iterable[Finding]], *args: Any, remedy: str = ""
) -> list[Finding]:
    """Return what `look(*args)` finds in a file; where it cannot go on, that is a fault of the file.

    A file is never trusted in order to check it, so whatever its readers raise says that it is not what it should be.
    The remedy is what the error says where none is given.
    """
    found: list[Finding] = []
    try:
        found.extend(look(*args))
    except GrokscopeError as error:
        found.append(refused(file, error, remedy))
    except MemoryError:
        found.append(fault(file, "it takes more memory than there is", remedy or RESTORE))
    except Exception as error:  # noqa: BLE001
        what = f"it cannot be checked: {type(error).__name__}: {error}"
        found.append(fault(file, what, remedy or RESTORE))
    return found
