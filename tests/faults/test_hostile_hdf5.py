"""An analysis.nc that is made to harm: bombs, lies about sizes, values that stand in other files."""

import resource
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from grokscope.analysis.netcdf import SEAL_BYTES, check_seal, read_dataset, write_dataset
from grokscope.errors import UnsoundError


def reseal(path: Path) -> None:
    """Write the line of a sealed file, as a stranger can."""
    import hashlib

    data = path.read_bytes()
    path.write_bytes(data + f"\ngrokscope sha256 {hashlib.sha256(data).hexdigest()}\n".encode())


def bomb(file: h5py.File) -> None:
    file.create_dataset(
        "a", (1 << 23,), "f8", data=np.zeros(1 << 23), chunks=(1 << 23,), compression=9
    )
    for name in "bcdefghijk":
        file.copy("a", name)


def liar(file: h5py.File) -> None:
    """A chunk that says 8 bytes and inflates to 2 GB."""
    import zlib

    made = file.create_dataset("a", (1,), "f8", chunks=(1,), compression=9)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 << 24)) for _ in range(128)) + packer.flush()
    made.id.write_direct_chunk((0,), data)


HDF5 = {
    "a length without data": lambda f: f.create_dataset("a", (10**12,), "f8", chunks=(1024,)),
    "many values": lambda f: f.create_dataset("a", (4096,) * 4, "f4", chunks=(64,) * 4),
    "bomb": bomb,
    "liar": liar,
    "external values": lambda f: f.create_dataset(
        "a", (8,), "u1", external=[("/etc/passwd", 0, 8)]
    ),
    "external link": lambda f: f.__setitem__("a", h5py.ExternalLink("/etc/other.h5", "/a")),
    "soft link": lambda f: f.__setitem__("a", h5py.SoftLink("/b")),
    "circle": lambda f: f.create_group("g").__setitem__("up", f["/"]),
    "many groups": lambda f: [f.create_group(f"g{i}") for i in range(4100)],
    "references": lambda f: f.create_dataset("a", data=np.array([f.ref], dtype=h5py.ref_dtype)),
    "a vlen": lambda f: f.create_dataset("a", (1,), h5py.vlen_dtype("f8")),
    "a compound": lambda f: f.create_dataset("a", (1,), np.dtype([("x", "f8")])),
    "opaque": lambda f: f.create_dataset("a", data=np.void(b"abc")),
    "virtual": lambda f: f.create_virtual_dataset("a", h5py.VirtualLayout((1,), "f8")),
}


@pytest.mark.parametrize("name", HDF5)
@pytest.mark.parametrize("sealed", [True, False])
def test_hdf5_that_is_made_to_harm(name, sealed, tmp_path):
    """Else analysis.nc of a stranger reads another file of mine, or fills the memory."""
    path = tmp_path / "analysis.nc"
    with h5py.File(path, "w") as file:
        HDF5[name](file)
    if sealed:
        reseal(path)
        assert check_seal(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnsoundError) as caught:
        read_dataset(path)
    assert str(caught.value).isprintable()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # kB


def test_a_dataset_comes_back_and_damage_is_seen(tmp_path):
    """Else the seal is of something else than the file, or hides from other programs what is in it."""
    path = tmp_path / "analysis.nc"
    ds = xr.Dataset(
        {"a": (("x", "s"), np.arange(6.0).reshape(2, 3))}, {"s": ["a", "é", "c"]}, {"note": "ü"}
    )
    write_dataset(ds, path)
    assert read_dataset(path).identical(ds)
    assert xr.load_dataset(path, engine="h5netcdf").identical(ds)
    whole = path.read_bytes()
    for at in np.random.default_rng(0).integers(0, len(whole) - SEAL_BYTES, 20):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(UnsoundError, match="was changed"):
            read_dataset(path)
    path.write_bytes(whole[:-SEAL_BYTES])  # as older versions, and other programs, write it
    assert read_dataset(path).identical(ds)
