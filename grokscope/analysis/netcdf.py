"""The dataset as a file: NetCDF 4, whole or not at all, and read as if a stranger had written it.

After the end of the HDF5 file stands a line with the SHA-256 of all before it, which HDF5 passes over: what was damaged
since is refused before anything is made of it. A stranger can write such a line too: see `vet`.
"""

import errno
import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.analysis.vetting import vet
from grokscope.errors import RequestError, UnsoundError
from grokscope.files import replacing
from grokscope.reading import checked_size, opened

if TYPE_CHECKING:
    import xarray

_COMPRESSED_FROM = 4096
MAX_BYTES = 4 << 30
"""Of the file."""
SEAL = re.compile(rb"\ngrokscope sha256 ([0-9a-f]{64})\n")
SEAL_BYTES = 83
_BLOCK = 1 << 20
_OVERHEAD = 8192
"""Bytes of a variable's own in HDF5, generously."""
_AGAIN = "run grokscope analyze again"


def write_dataset(ds: "xarray.Dataset", path: Path) -> None:
    """Write the dataset as netCDF (HDF5), whole or not at all, sealed; large variables compressed."""
    encoding = {
        name: {"zlib": True, "complevel": 4}
        for name, v in ds.data_vars.items()
        if v.size > _COMPRESSED_FROM and v.dtype.kind in "fi"
    }
    with replacing(path) as aside:
        _reserve(aside, _at_most(ds))
        ds.to_netcdf(aside, engine="h5netcdf", encoding=encoding)
        found = _digest(aside, aside.stat().st_size)
        with aside.open("ab") as file:
            file.write(f"\ngrokscope sha256 {found}\n".encode())


def _reserve(path: Path, size: int) -> None:
    """Raise OSError where the disk has no room: HDF5 ends the process by a fault where a write of it fails."""
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        elif shutil.disk_usage(path.parent).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _at_most(ds: "xarray.Dataset") -> int:
    """Return more bytes than the file of a dataset has."""
    every: list[Any] = [*ds.variables.values(), ds]
    text = sum(len(str(value)) + 64 for each in every for value in each.attrs.values())
    return ds.nbytes + 4 * text + _OVERHEAD * len(every)


def read_dataset(path: Path) -> "xarray.Dataset":
    """Read what `write_dataset` wrote, or any other program that wrote such a file.

    Raises
    ------
    RequestError
        Where there is no file.
    UnsoundError
        Where it was changed since grokscope wrote it, or is no such file: also one that is made to harm (`vet`).
    """
    import xarray

    if not path.exists():
        raise RequestError(f"{path} is not there", "an analysed run", "run grokscope analyze first")
    try:
        check_seal(path)
        vet(path)
        # No measure gives dates: a unit called "seconds" is a unit.
        with xarray.open_dataset(
            path, engine="h5netcdf", decode_times=False, decode_timedelta=False
        ) as ds:
            loaded = ds.load()
        _check_text(loaded)
    except UnsoundError:
        raise
    # Layer upon layer of libraries reads the file: any failure of any of them is the same to us.
    except Exception as error:
        raise UnsoundError(f"{path} is damaged: {error}", todo=_AGAIN) from error
    return loaded


def check_seal(path: Path) -> bool:
    """Return whether a file is sealed: it has the SHA-256 that it says; False where it says none.

    Raises
    ------
    UnsoundError
        Where it has another, or is no plain file of at most 4 GiB in its folder.
    """
    size = checked_size(path, MAX_BYTES, inside=path.parent)
    with opened(path, MAX_BYTES) as file:
        file.seek(max(0, size - SEAL_BYTES))
        said = SEAL.fullmatch(file.read(SEAL_BYTES))
    if said is None:
        return False
    if _digest(path, size - SEAL_BYTES) != said[1].decode():
        raise UnsoundError(
            f"{path} is damaged: it was changed since grokscope wrote it", todo=_AGAIN
        )
    return True


def _digest(path: Path, size: int) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (block := file.read(min(_BLOCK, size))):
            found.update(block)
            size -= len(block)
    return found.hexdigest()


def _check_text(ds: "xarray.Dataset") -> None:
    """Raise ValueError for an attribute or a name that is no number or text, or text that is no UTF-8."""
    for attributes in (ds.attrs, *(variable.attrs for variable in ds.variables.values())):
        for name, value in attributes.items():
            _check_value(name)
            _check_value(value)
    for name, variable in ds.variables.items():
        _check_value(name)
        for dim in variable.dims:
            _check_value(dim)
        if variable.dtype.kind in "OSU":
            for value in np.asarray(variable.values).ravel().tolist():
                if not isinstance(value, str):
                    raise ValueError(f"{name} holds {type(value).__name__}, not text")
                _check_value(value)
        elif variable.dtype.kind not in "iufb":
            raise ValueError(f"{name} holds {variable.dtype}")


def _check_value(value: Any) -> None:
    if isinstance(value, str):
        value.encode()  # half of a surrogate pair stands for a byte that is no UTF-8
    elif isinstance(value, np.ndarray) and value.dtype.kind in "OUS":
        for each in value.ravel().tolist():
            _check_value(each)
    elif isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind not in "iufb":
            raise ValueError(f"an attribute holds {value.dtype}")
    elif not isinstance(value, (int, float)):
        raise ValueError(f"an attribute holds {type(value).__name__}, not numbers or text")
