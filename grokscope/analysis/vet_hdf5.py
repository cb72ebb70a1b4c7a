"""A program by itself, run as `python -I vet_hdf5.py FILE BYTES`: reads an HDF5 file whole before grokscope does.

The HDF5 library is written for friends: a file that was changed on purpose makes it loop, take all memory or crash. So
a process that has nothing to lose reads it first, with bounds on memory and time, and says what is wrong with it, or
"sound". It imports no grokscope: it starts in a quarter of a second.
"""

import json
import sys

MAX_OBJECTS = 4_000
"""Groups and variables: an analysis by every measure has some 300."""
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_BYTES = 16 << 20
MAX_AXES = 8
MAX_LENGTH = 1 << 24
"""Of a dimension: no table has more rows than the 4,096^2 of the greatest modulus."""
FILTERS = ("gzip", "shuffle", "fletcher32")
KINDS = "iufbSO"
SPARE = 256 << 20
"""Memory beside the values: the library's own."""


def confine(most_bytes: int, seconds: int) -> None:
    """Let the system end this process where it takes more memory or time."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):  # not Linux: the parent's clock and the checks below remain
        return
    for kind, bound in (
        (resource.RLIMIT_AS, now + most_bytes + SPARE),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        soft = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (soft, hard))


def fault(path: str, most_bytes: int) -> str:
    """Return what is wrong with a file in a few words, "" where nothing is."""
    import h5py

    with h5py.File(path, "r") as file:
        left = most_bytes
        waiting, seen = [("", file)], 0
        while waiting:
            where, group = waiting.pop()
            for name in group:
                seen += 1
                if seen > MAX_OBJECTS:
                    return f"it holds more than {MAX_OBJECTS} variables and groups"
                at = f"{where}/{name}"
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    return f"{at!a} is a link to another place"
                found = group[name]
                wrong = _of_attributes(found)
                if isinstance(found, h5py.Group):
                    waiting.append((at, found))  # a circle of groups ends at MAX_OBJECTS
                elif isinstance(found, h5py.Dataset):
                    wrong = wrong or _of_dataset(found, left)
                    left -= 0 if wrong else _bytes(found)
                else:
                    wrong = "it is neither a variable nor a group"
                if wrong:
                    return f"{at!a}: {wrong}"
        return _of_attributes(file)


def _bytes(found) -> int:  # type: ignore[no-untyped-def]
    return int(found.size or 0) * max(found.dtype.itemsize, 1)


def _of_dataset(found, left: int) -> str:  # type: ignore[no-untyped-def]
    if found.shape is None or len(found.shape) > MAX_AXES:
        return f"it has no shape, or more than {MAX_AXES} axes"
    if max(found.shape, default=0) > MAX_LENGTH:
        return f"it has {max(found.shape):,} entries along an axis, more than {MAX_LENGTH:,}"
    if found.is_virtual or found.external:
        return "its values are to be read from another file"
    if not set(found._filters) <= set(FILTERS):
        return f"it is compressed by other filters than {', '.join(FILTERS)}"
    if found.dtype.kind not in KINDS:
        return f"its values are {found.dtype}, not numbers or text"
    if _bytes(found) > left:
        return f"it declares {_bytes(found):,} bytes, more than {left:,} that are allowed here"
    values = found[()]
    if found.dtype.kind == "O" and not all(isinstance(v, (bytes, str)) for v in _flat(values)):
        return "its values are objects, not numbers or text"
    return ""


def _flat(values) -> list:  # type: ignore[no-untyped-def]
    return values.ravel().tolist() if hasattr(values, "ravel") else [values]


def _of_attributes(found) -> str:  # type: ignore[no-untyped-def]
    if len(found.attrs) > MAX_ATTRIBUTES:
        return f"it has more than {MAX_ATTRIBUTES} attributes"
    for name in found.attrs:
        about = found.attrs.get_id(name)
        if about.get_storage_size() > MAX_ATTRIBUTE_BYTES:
            return f"attribute {name!a} is larger than {MAX_ATTRIBUTE_BYTES:,} bytes"
        found.attrs[name]
    return ""


def main() -> None:
    """Print what is wrong with the file, as JSON."""
    path, most_bytes, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    import h5py  # noqa: F401

    confine(most_bytes, seconds)
    try:
        said = fault(path, most_bytes)
    except Exception as error:  # noqa: BLE001  a damaged file makes the library raise nearly anything
        said = f"{type(error).__name__}: {str(error)[:200]}"
    sys.stdout.write(json.dumps({"fault": said}))


if __name__ == "__main__":
    main()
