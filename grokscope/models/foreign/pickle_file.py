"""Opening a stranger's file: nothing in it is run, and what is wrong is said in one line."""

import hashlib
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError, RequestError, UnsoundError

SUFFIXES = (".pt", ".pth", ".safetensors")
MAX_BYTES = 2 * 1024**3
"""Largest file, and largest sum of its tensors (a stride of 0 makes a small file a huge tensor)."""
MAX_TENSORS = 100_000
MAX_DEPTH = 8

# Classes that published checkpoints carry for their settings alone. They are read into an inert
# holder of the same fields: neither the class nor any of its code is imported.
SETTINGS_CLASSES = (
    "transformer_lens.HookedTransformerConfig.HookedTransformerConfig",
    "transformer_lens.config.HookedTransformerConfig.HookedTransformerConfig",
    "easy_transformer.EasyTransformerConfig.EasyTransformerConfig",
)


class Settings:
    """The fields of a settings object of another library; it has no behaviour."""


def load_file(path: Path) -> Any:
    """Return what stands in a file, on the CPU, without running anything.

    Parameters
    ----------
    path
        The file. Any other suffix is tried as a torch file.

    Raises
    ------
    RequestError
        The file is not there, is too large, is no checkpoint, or would have to run code to be read.
    UnsoundError
        The file is empty, truncated or damaged.
    """
    if not path.is_file():
        raise RequestError(f"'{path}' is not a file", "a .pt, .pth or .safetensors file")
    size = path.stat().st_size
    if size == 0:
        raise UnsoundError(f"'{path}' is empty (0 bytes)", todo="fetch it again")
    if size > MAX_BYTES:
        raise RequestError(f"'{path}' has {size:,} bytes", f"files up to {MAX_BYTES:,} bytes")
    content = _load_safetensors(path) if path.suffix == ".safetensors" else _load_torch(path)
    _bound(content, path)
    return content


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            content = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            said = file.metadata() or {}
    except Exception as error:  # the reader raises its own type and plain OSError, by version
        raise UnsoundError(
            f"'{path}' is no whole safetensors file ({_first_line(error)})", todo="fetch it again"
        ) from None
    step = next((said[key] for key in ("step", "epoch") if said.get(key, "").isdigit()), None)
    return content if step is None else {"state_dict": content, "step": int(step)}


def _load_torch(path: Path) -> Any:
    import torch

    with path.open("rb") as file:
        magic = file.read(2)
    if magic != b"PK" and magic[:1] != b"\x80":
        raise RequestError(
            f"'{path}' is not a checkpoint: it begins with {magic!r}",
            "files written by torch.save, and .safetensors",
        )
    inert: list[Any] = [(Settings, name) for name in SETTINGS_CLASSES]
    try:
        with torch.serialization.safe_globals(inert), warnings.catch_warnings():
            # torch warns of what it then refuses; the refusal says it in one line.
            warnings.simplefilter("ignore")
            return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # damaged bytes make the unpickler raise nearly anything
        raise _refusal(path, magic, error) from None


def _refusal(path: Path, magic: bytes, error: Exception) -> GrokscopeError:
    wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
    if isinstance(error, pickle.UnpicklingError) and wanted:
        return RequestError(
            f"'{path}' would run code to be read: it asks for {wanted[1]}",
            "files of tensors, numbers, text, lists and dictionaries",
            "where you trust it, load it with its own program and save model.state_dict() alone",
        )
    if "TorchScript" in str(error):
        return RequestError(
            f"'{path}' is a TorchScript program, not a checkpoint", todo="save its state_dict()"
        )
    if magic == b"PK" or isinstance(error, EOFError):
        return UnsoundError(
            f"'{path}' is truncated or damaged ({_first_line(error)})", todo="fetch it again"
        )
    return RequestError(
        f"'{path}' is not a checkpoint ({_first_line(error)})",
        "files written by torch.save, and .safetensors",
    )


def _bound(content: Any, path: Path) -> None:
    count, total = 0, 0
    for tensor in _tensors(content, MAX_DEPTH):
        count, total = count + 1, total + tensor.numel() * tensor.element_size()
        if count > MAX_TENSORS:
            raise RequestError(f"'{path}' holds too many tensors", f"up to {MAX_TENSORS:,}")
        if total > MAX_BYTES:
            raise RequestError(
                f"the tensors of '{path}' would fill more than {MAX_BYTES:,} bytes",
                f"up to {MAX_BYTES:,} bytes a file",
            )


def _tensors(content: Any, depth: int) -> Any:
    import torch

    if isinstance(content, torch.Tensor):
        yield content
    elif depth and isinstance(content, dict | list | tuple):
        for value in content.values() if isinstance(content, dict) else content:
            yield from _tensors(value, depth - 1)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:120] or type(error).__name__
