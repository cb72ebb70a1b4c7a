"""Opening a stranger's file: nothing in it is run, and what is wrong is said in one line."""

import hashlib
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError, RequestError, UnsoundError
from grokscope.models.foreign.pickle_names import check_names
from grokscope.reading import check_header, checked_size, opened

SUFFIXES = (".pt", ".pth", ".safetensors")
MAX_BYTES = 2 * 1024**3
"""Largest file, and largest sum of its tensors (a stride of 0 makes a small file a huge tensor)."""
MAX_TENSORS = 100_000
MAX_DEPTH = 8
MAX_THINGS = 5_000_000
"""Values in lists and dictionaries, counted as often as they are referred to."""
MAX_KEY = 500
STEP = re.compile(r"[0-9]{1,15}")

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
    if checked_size(path, MAX_BYTES, error=RequestError) == 0:
        raise UnsoundError(f"'{path}' is empty (0 bytes)", todo="fetch it again")
    content = _load_safetensors(path) if path.suffix == ".safetensors" else _load_torch(path)
    _bound(content, path)
    return content


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    found = hashlib.sha256()
    with opened(path, MAX_BYTES, error=RequestError) as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _load_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import safe_open

    check_header(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            content = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            said = file.metadata() or {}
    except Exception as error:  # the reader raises its own type and plain OSError, by version
        raise UnsoundError(
            f"'{path}' is no whole safetensors file ({_first_line(error)})", todo="fetch it again"
        ) from None
    step = next((said[key] for key in ("step", "epoch") if STEP.fullmatch(said.get(key, ""))), None)
    return content if step is None else {"state_dict": content, "step": int(step)}


def _load_torch(path: Path) -> Any:
    import torch

    check_names(path, MAX_BYTES, SETTINGS_CLASSES)
    inert: list[Any] = [(Settings, name) for name in SETTINGS_CLASSES]
    try:
        with torch.serialization.safe_globals(inert), warnings.catch_warnings():
            # torch warns of what it then refuses; the refusal says it in one line.
            warnings.simplefilter("ignore")
            return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # damaged bytes make the unpickler raise nearly anything
        raise _refusal(path, error) from None


def _refusal(path: Path, error: Exception) -> GrokscopeError:
    wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
    if isinstance(error, pickle.UnpicklingError) and wanted:
        return RequestError(
            f"'{path}' would run code to be read: it names {wanted[1]}, which loading would run",
            "files of tensors, numbers, text, lists and dictionaries",
            "where you trust it, load it with its own program and save model.state_dict() alone",
        )
    if "TorchScript" in str(error):
        return RequestError(
            f"'{path}' is a TorchScript program, not a checkpoint", todo="save its state_dict()"
        )
    return UnsoundError(
        f"'{path}' is truncated or damaged ({_first_line(error)})", todo="fetch it again"
    )


def _bound(content: Any, path: Path) -> None:
    """Raise RequestError for what is small in the file and large where it is used."""
    import torch

    tensors, total, things = 0, 0, 0
    left: list[tuple[Any, int]] = [(content, MAX_DEPTH)]
    while left:
        value, depth = left.pop()
        things += 1
        if isinstance(value, torch.Tensor):
            tensors, total = tensors + 1, total + value.numel() * value.element_size()
        elif depth and isinstance(value, dict | list | tuple):
            # A list that holds one list a thousand times, which holds one a thousand times: each counts anew.
            if things + len(left) + len(value) > MAX_THINGS:
                raise RequestError(f"'{path}' holds too many values", f"up to {MAX_THINGS:,}")
            inside = value.values() if isinstance(value, dict) else value
            left.extend((each, depth - 1) for each in inside)
            if isinstance(value, dict) and any(
                isinstance(key, str) and len(key) > MAX_KEY for key in value
            ):
                raise RequestError(
                    f"'{path}' has a name of many letters", f"up to {MAX_KEY} letters"
                )
        if tensors > MAX_TENSORS:
            raise RequestError(f"'{path}' holds too many tensors", f"up to {MAX_TENSORS:,}")
        if total > MAX_BYTES:
            raise RequestError(
                f"the tensors of '{path}' would fill more than {MAX_BYTES:,} bytes",
                f"up to {MAX_BYTES:,} bytes a file",
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:120] or type(error).__name__
