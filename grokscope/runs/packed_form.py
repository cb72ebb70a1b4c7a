"""The packed form of a run: a zip file whose manifest lists every member with its size and SHA-256.

manifest.json          {"format": ..., "schema": 1, "members": [{"name", "size", "sha256", "coding", "before"}, ...]}
config.json, ...       the run's files, under their names there

Codings: "plain", the file itself; "planes", its `byte_planes`; "difference", those of the difference from the member
`before`, an earlier one of the same size. A zip tool lists and tests such a file; `grokscope unpack` restores it.
"""

import hashlib
import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from grokscope.errors import UnsoundError

FORMAT = "grokscope packed run"
SCHEMA = 1
MANIFEST = "manifest.json"
MAX_MEMBERS = 100_000
MAX_MANIFEST = 24 << 20
"""Bytes of the manifest: 230 a member. All are read at once, and JSON takes up to 24 times as much memory."""
MAX_MEMBER = 4 << 30
MAX_CODED = 64 << 20
"""Bytes of a member that is coded, and so put together in memory, of which it takes up to seven times as much; a larger
checkpoint is packed as it is."""
MAX_TOTAL = 64 << 30
MAX_NAME = 200
"""Bytes of a name; file systems have 255, and files are written under a longer one beside."""
FOLDERS = ("checkpoints", "state", "figures")
NAME = re.compile(
    r"(?:(?:checkpoints|state|figures)/)?[^./\\:*?\"<>|\x00-\x1f][^/\\:*?\"<>|\x00-\x1f]*"
)
"""A file of the run's directory or of one of its folders; nothing hidden, nothing that leads elsewhere."""

RESERVED = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
"""Names of devices on Windows."""

Coding = Literal["plain", "planes", "difference"]


@dataclass(frozen=True)
class Member:
    """One file of a packed run.

    Attributes
    ----------
    name
        Its path in the run directory, with "/".
    size, sha256
        Of the file itself.
    coding
        How the zip's member stands for it.
    before
        The member that a difference is from; "" for the other codings.
    """

    name: str
    size: int
    sha256: str
    coding: Coding = "plain"
    before: str = ""


def sha256(data: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def is_safe(name: str) -> bool:
    """Return whether a name is that of a file in a run directory, on any system."""
    return (
        NAME.fullmatch(name) is not None
        and name.isprintable()  # which halves of surrogate pairs, and marks that turn text round, are not
        and len(name.encode()) <= MAX_NAME
        and name.lower() != MANIFEST
        and not name.endswith((" ", "."))
        and RESERVED.fullmatch(name.rpartition("/")[2]) is None
    )


def manifest_of(members: list[Member]) -> dict[str, Any]:
    """Return the manifest of these members."""
    return {"format": FORMAT, "schema": SCHEMA, "members": [asdict(m) for m in members]}


def read_manifest(content: Any, where: str) -> list[Member]:
    """Return the members that a manifest lists, each checked.

    Raises
    ------
    UnsoundError
        For a manifest of another format or a newer schema, a name that leads elsewhere or stands twice, a size above
        the limits, or a difference from something that does not come before.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UnsoundError(f"{where} is no packed run", "a file written by grokscope pack")
    schema, listed = content.get("schema"), content.get("members")
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= SCHEMA:
        raise UnsoundError(
            f"{where} has schema {schema}", f"up to {SCHEMA}", "a newer grokscope is needed"
        )
    if not isinstance(listed, list) or len(listed) > MAX_MEMBERS:
        raise UnsoundError(f"{where} lists no members, or too many", f"up to {MAX_MEMBERS}")
    members: list[Member] = []
    sizes: dict[str, int] = {}
    for entry in listed:
        member = _member(entry, where)
        if _folded(member.name) in sizes:
            raise UnsoundError(f"{where} lists '{member.name}' twice", "every file once")
        if member.coding == "difference" and sizes.get(_folded(member.before)) != member.size:
            raise UnsoundError(
                f"{where}: '{member.name}' is a difference from '{member.before}'",
                "an earlier member of the same size",
            )
        sizes[_folded(member.name)] = member.size
        members.append(member)
    if sum(sizes.values()) > MAX_TOTAL:
        raise UnsoundError(f"{where} unpacks to {sum(sizes.values())} bytes", f"up to {MAX_TOTAL}")
    if "config.json" not in sizes:
        raise UnsoundError(f"{where} has no config.json", "a packed run")
    return members


def _member(entry: Any, where: str) -> Member:
    kinds = {"name": str, "size": int, "sha256": str, "coding": str, "before": str}
    if not isinstance(entry, dict) or {k: type(v) for k, v in entry.items()} != kinds:
        raise UnsoundError(f"{where}: a member is not described as it should be", ", ".join(kinds))
    if entry["coding"] not in get_args(Coding):
        raise UnsoundError(
            f"{where}: '{entry['name']}' is coded as '{entry['coding']}'",
            ", ".join(get_args(Coding)),
            "a newer grokscope may be needed",
        )
    member = Member(**entry)
    if not is_safe(member.name):
        raise UnsoundError(
            f"{where} has a member '{member.name}'", f"files of a run, and of {', '.join(FOLDERS)}"
        )
    most = MAX_MEMBER if member.coding == "plain" else MAX_CODED
    if not 0 <= member.size <= most:
        raise UnsoundError(f"{where}: '{member.name}' has {member.size} bytes", f"0 to {most}")
    return member


def _folded(name: str) -> str:
    """Return what a file system that ignores case, or writes accents its own way, takes a name for."""
    return unicodedata.normalize("NFC", name).casefold()
