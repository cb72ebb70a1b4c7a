"""Checkpoint files: safetensors whose header carries step, configuration hash, schema version and digests."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from grokscope.config import SCHEMA_VERSION
from grokscope.errors import RequestError, UnsoundError
from grokscope.files import write_bytes
from grokscope.reading import check_header, checked_size, parse_json
from grokscope.runs.seal import SEALED_FROM, object_digest, tensor_digest

NAME = re.compile(r"step-(\d{8,12})\.safetensors")
MAX_BYTES = 4 << 30
HEADER = "grokscope"
TENSORS, SELF = "tensors", "digest"
"""Fields of the header: name -> digest of each tensor; the digest of the header without this one."""


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return where the checkpoint (or state) of `step` lies in `folder`."""
    return folder / f"step-{step:08d}.safetensors"


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], step: int, config_hash: str, **header: str
) -> None:
    """Write tensors whole or not at all.

    The header has step, configuration hash and schema version, a digest of every tensor, and one of itself.
    """
    from safetensors.torch import save

    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    about = {"step": str(step), "config": config_hash, "schema": str(SCHEMA_VERSION), **header}
    seals = {name: tensor_digest(name, t) for name, t in plain.items()}
    sealed = about | {TENSORS: seals}
    sealed |= {SELF: object_digest(sealed)}
    # One entry: safetensors writes several in random order, and equal runs would have unequal files.
    write_bytes(path, save(plain, {HEADER: json.dumps(sealed, sort_keys=True)}))


def read_tensors(
    path: Path,
    expected_hash: str | None = None,
    names: Sequence[str] | None = None,
    limit: int = MAX_BYTES,
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return (tensors, header) of a checkpoint; of the tensors `names` only, where the rest of the file is not read.

    What is read has the digests that the header says; the header is returned without them. A file of schema 1 has none.

    Raises
    ------
    UnsoundError
        For a file that is missing, above `limit` bytes, truncated, changed, of another run or of a newer schema, or
        that is no safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    checked_size(path, limit, inside=path.parent.parent)  # the run, of which it is no link out
    check_header(path)
    try:
        with safe_open(path, framework="pt") as file:
            header, seals = _header(path, (file.metadata() or {}).get(HEADER))
            present = list(file.keys())
            wanted = [name for name in present if names is None or name in names]
            tensors = {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    except OSError as error:
        raise UnsoundError(f"cannot read {path}: {error.strerror or error}") from error
    if expected_hash is not None and header.get("config") != expected_hash:
        raise UnsoundError(
            f"{path} belongs to another run (configuration {header.get('config')}, here {expected_hash})",
            todo="remove it from this folder",
        )
    if seals is not None:
        _check_seals(path, tensors, present, seals)
    return tensors, header


def damaged(path: Path, how: str) -> UnsoundError:
    """Return what is said of a file of tensors that cannot be believed."""
    return UnsoundError(
        f"{path} is damaged: {how}",
        "a whole safetensors file as it was written",
        "restore it, or delete it to leave the step out",
    )


def _header(path: Path, text: str | None) -> tuple[dict[str, str], dict[str, str] | None]:
    """Return the header without its digests, and those of the tensors, None where it has none."""
    value = {} if text is None else parse_json(text)
    if not isinstance(value, dict):
        raise ValueError("its header is not an object")
    seals, told = value.pop(TENSORS, None), value.pop(SELF, None)
    header = {str(k): str(v) for k, v in value.items()}
    _check_schema(path, header)
    if seals is None and told is None:
        if _schema(header) >= SEALED_FROM:
            raise ValueError("its header has no digests")
        return header, None
    if not isinstance(seals, dict) or told != object_digest(value | {TENSORS: seals}):
        raise ValueError("its header was changed")
    return header, {str(k): str(v) for k, v in seals.items()}


def _schema(header: Mapping[str, str]) -> int:
    text = header.get("schema", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _check_schema(path: Path, header: Mapping[str, str]) -> None:
    if not 0 <= _schema(header) <= SCHEMA_VERSION:
        raise UnsoundError(
            f"{path} has schema {header.get('schema')}",
            f"up to {SCHEMA_VERSION}",
            "a newer grokscope is needed",
        )


def _check_seals(
    path: Path, tensors: Mapping[str, Tensor], present: Sequence[str], seals: Mapping[str, str]
) -> None:
    """Raise UnsoundError where the file's tensors are not those that were written, by name or by content."""
    for name in sorted(set(seals) ^ set(present)):
        raise damaged(path, f"{name} is {'missing' if name in seals else 'not one of its tensors'}")
    for name, tensor in tensors.items():
        if tensor_digest(name, tensor) != seals[name]:
            raise damaged(path, f"{name} was changed since it was written (another digest)")


def list_steps(folder: Path) -> tuple[int, ...]:
    """Return the steps that have a file in `folder`, ascending."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError as error:
        raise RequestError(
            f"cannot read {folder}: {error.strerror or error}", "a run directory"
        ) from error
    return tuple(sorted(int(m.group(1)) for m in map(NAME.fullmatch, names) if m))
