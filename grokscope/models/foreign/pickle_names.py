"""What a stranger's torch file would have Python do, read off its instructions before any of them is followed.

A pickle is a program: it names functions and calls them. A checkpoint needs a handful that make tensors and plain
containers. A file that names any other is refused by name, and so is one of more instructions than a checkpoint has.
torch's own weights-only reader, which follows after, knows more functions, some of which take memory at will.
"""

import io
import pickletools
import re
import warnings
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from pathlib import Path

from grokscope.errors import RequestError, UnsoundError
from grokscope.reading import opened
from grokscope.zip_directory import check_directory

MAX_PICKLE = 128 << 20
"""Bytes of the instructions; weights stand beside them."""
MAX_INSTRUCTIONS = 5_000_000
"""A tensor takes 30: these are 150,000 tensors, or losses of 50,000 epochs as tensors several times over."""
MAX_RECORDS = 200_000
NAME_BYTES = 300
OLD_PICKLES = 5
"""At the beginning of a file of torch before 1.6: a number, a version, the system, the content, and its keys."""
ALLOWED = frozenset(
    {
        "collections.OrderedDict",
        "collections.Counter",
        "builtins.set",
        "builtins.complex",
        "torch.Size",
        "torch.Tensor",
        "torch.device",
        "torch.nn.parameter.Parameter",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch._tensor._rebuild_from_type_v2",
    }
)
OF_TORCH = re.compile(
    r"torch\.(?:[A-Z][A-Za-z0-9]*Storage|storage\.(?:Untyped|Typed)Storage|b?float\d+|u?int\d+|bool)"
)
"""Storages and number types."""
FULL_NAMES = {"posix": "os", "nt": "os"}
"""Modules under the names by which people know them."""


def check_names(path: Path, max_bytes: int, settings: tuple[str, ...]) -> None:
    """Raise where a torch file names what a checkpoint does not need, or is made to take more memory than it has bytes.

    Parameters
    ----------
    path
        The file.
    max_bytes
        Its greatest size.
    settings
        Names of classes that may be in it beside `ALLOWED`.

    Raises
    ------
    RequestError
        It names anything else; or it is a program of TorchScript, or no checkpoint.
    UnsoundError
        Its instructions are cut off, or it has too many.
    """
    known = ALLOWED | set(settings)
    for data, several in _programs(path, max_bytes):
        with (
            warnings.catch_warnings()
        ):  # of odd escapes in old texts: the file's mistake, not the reader's
            warnings.simplefilter("ignore")
            named = [name for name in _names(path, data, several) if not _is_known(name, known)]
        if named:
            listed = ", ".join(dict.fromkeys(named[:5]))
            raise RequestError(
                f"'{path}' would run code to be read: it names {listed}, which loading would run",
                "files of tensors, numbers, text, lists and dictionaries",
                "where you trust it, load it with its own program and save model.state_dict() alone",
            )


def _is_known(name: str, known: frozenset[str]) -> bool:
    return name in known or OF_TORCH.fullmatch(name) is not None


def _programs(path: Path, max_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Yield (instructions, how many pickles stand in them) of each part of the file that holds any."""
    with opened(path, max_bytes, error=RequestError) as file:
        magic = file.read(2)
        if magic[:1] == b"\x80":
            file.seek(0)
            yield file.read(MAX_PICKLE), OLD_PICKLES
            return
        if magic != b"PK":
            raise RequestError(
                f"'{path}' is not a checkpoint: it begins with {magic!r}",
                "files written by torch.save, and .safetensors",
            )
        check_directory(file, path, MAX_RECORDS, NAME_BYTES, "a file of torch.save")
        try:
            with zipfile.ZipFile(file) as records:
                for info in _checked(records, path):
                    yield records.read(info), 1
        # What Python's reader raises for a damaged directory or member.
        except (
            zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, OSError, OverflowError,
        ) as error:  # fmt: skip
            raise _damaged(path, str(error)) from error


def _checked(records: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """Return the members with instructions, where all members are stored as torch stores them: as they are."""
    infos = records.infolist()
    if any("/code/" in f"/{info.filename}" for info in infos):
        raise RequestError(
            f"'{path}' is a TorchScript program, not a checkpoint", todo="save its state_dict()"
        )
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise RequestError(
                f"'{path}' has a compressed member '{info.filename}'",
                "members stored as they are, as torch.save does",
            )
    found = [info for info in infos if info.filename.endswith(".pkl")]
    if sum(info.file_size for info in found) > MAX_PICKLE:
        raise RequestError(f"the pickles of '{path}' are too large", f"up to {MAX_PICKLE:,} bytes")
    return found


def _names(path: Path, data: bytes, pickles: int) -> Iterator[str]:
    """Yield the name of everything that the instructions fetch from Python, in order."""
    stream, left = io.BytesIO(data), MAX_INSTRUCTIONS
    for number in range(pickles):
        texts: list[str] = []
        try:
            for instruction, argument, _ in pickletools.genops(stream):
                left -= 1
                if left < 0:
                    raise RequestError(
                        f"'{path}' has more instructions than a checkpoint",
                        f"up to {MAX_INSTRUCTIONS:,}",
                    )
                if instruction.name in ("GLOBAL", "INST"):
                    yield _full(*str(argument).split(" ", 1))
                elif instruction.name == "STACK_GLOBAL":
                    # Its two texts are on the stack, or fetched from a memo: the last ones written, as a rule.
                    yield _full(*texts[-2:]) if len(texts) > 1 else "something by a hidden name"
                elif isinstance(argument, str) and "UNICODE" in instruction.name:
                    texts = [*texts[-1:], argument]
        except (
            ValueError,
            IndexError,
            KeyError,
            UnicodeDecodeError,
            OverflowError,
            MemoryError,
        ) as error:
            if number:  # what follows the pickles are weights
                return
            raise _damaged(path, str(error)) from error


def _full(module: str, name: str = "") -> str:
    # A pickle of protocol 2, which torch writes, has Python 2's names; torch reads them as Python 3's, as Python does.
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{FULL_NAMES.get(module, module)}.{name}"


def _damaged(path: Path, how: str) -> UnsoundError:
    return UnsoundError(f"'{path}' is truncated or damaged ({how[:120]})", todo="fetch it again")
