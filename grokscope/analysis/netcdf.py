"""The dataset as a file: NetCDF 4, whole or not at all."""

from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.errors import RequestError, UnsoundError
from grokscope.files import replacing

if TYPE_CHECKING:
    import xarray

_COMPRESSED_FROM = 4096


def write_dataset(ds: "xarray.Dataset", path: Path) -> None:
    """Write the dataset as netCDF (HDF5), whole or not at all; large variables compressed."""
    encoding = {
        name: {"zlib": True, "complevel": 4}
        for name, v in ds.data_vars.items()
        if v.size > _COMPRESSED_FROM and v.dtype.kind in "fi"
    }
    with replacing(path) as aside:
        ds.to_netcdf(aside, engine="h5netcdf", encoding=encoding)


def read_dataset(path: Path) -> "xarray.Dataset":
    """Read what `write_dataset` wrote; UnsoundError where the file is missing or damaged."""
    import xarray

    if not path.is_file():
        raise RequestError(f"{path} is not there", "an analysed run", "run grokscope analyze first")
    try:
        with xarray.open_dataset(path, engine="h5netcdf") as ds:
            return ds.load()
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise UnsoundError(
            f"{path} is damaged: {error}", todo="run grokscope analyze again"
        ) from error
