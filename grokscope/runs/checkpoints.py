"""Checkpoint files: safetensors whose header carries step, configuration hash and schema version."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from grokscope.config import SCHEMA_VERSION
from grokscope.errors import RequestError, UnsoundError
from grokscope.files import write_bytes

NAME = re.compile(r"step-(\d{8,12})\.safetensors")
MAX_BYTES = 4 << 30
HEADER = "grokscope"


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return where the checkpoint (or state) of `step` lies in `folder`."""
    return folder / f"step-{step:08d}.safetensors"


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], step: int, config_hash: str, **header: str
) -> None:
    """Write tensors whole or not at all, with step, configuration hash and schema version in the header."""
    from safetensors.torch import save

    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    about = {"step": str(step), "config": config_hash, "schema": str(SCHEMA_VERSION), **header}
    # One entry: safetensors writes several in random order, and equal runs would have unequal files.
    write_bytes(path, save(plain, {HEADER: json.dumps(about, sort_keys=True)}))


def read_tensors(
    path: Path, expected_hash: str | None = None, names: Sequence[str] | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return (tensors, header) of a checkpoint; of the tensors `names` only, where the rest of the file is not read.

    Raises
    ------
    UnsoundError
        For a file that is missing, truncated, of another run or of a newer schema, or that is no safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnsoundError(f"{path} has {path.stat().st_size} bytes", f"at most {MAX_BYTES}")
        with safe_open(path, framework="pt") as file:
            header = _header((file.metadata() or {}).get(HEADER, "{}"))
            wanted = [name for name in file.keys() if names is None or name in names]
            tensors = {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise UnsoundError(
            f"{path} is damaged: {error}",
            "a whole safetensors file",
            "restore it, or delete it to leave the step out",
        ) from error
    except OSError as error:
        raise UnsoundError(f"cannot read {path}: {error.strerror or error}") from error
    if expected_hash is not None and header.get("config") != expected_hash:
        raise UnsoundError(
            f"{path} belongs to another run (configuration {header.get('config')}, here {expected_hash})",
            todo="remove it from this folder",
        )
    schema = header.get("schema", "0")
    if not schema.isdigit() or int(schema) > SCHEMA_VERSION:
        raise UnsoundError(
            f"{path} has schema {schema}", f"up to {SCHEMA_VERSION}", "a newer grokscope is needed"
        )
    return tensors, header


def _header(text: str) -> dict[str, str]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("its header is not an object")
    return {str(k): str(v) for k, v in value.items()}


def list_steps(folder: Path) -> tuple[int, ...]:
    """Return the steps that have a file in `folder`, ascending."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError as error:
        raise RequestError(
            f"cannot read {folder}: {error.strerror or error}", "a run directory"
        ) from error
    return tuple(sorted(int(m.group(1)) for m in map(NAME.fullmatch, names) if m))
