"""Reading TOML, and putting Python's and numpy's values into what TOML has."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grokscope.errors import RequestError, nearest

MAX_BYTES = 4 << 20


def load_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds; RequestError in one line where it cannot be read or is none."""
    try:
        if not path.exists():
            others = [str(p) for p in path.parent.glob("*.toml")]
            raise RequestError(
                f"there is no file {path}", "a sweep as a TOML file", nearest(str(path), others)
            )
        if not path.is_file():
            raise RequestError(f"{path} is not a file", "a sweep as a TOML file")
        if path.stat().st_size > MAX_BYTES:
            raise RequestError(f"{path} has {path.stat().st_size} bytes", f"at most {MAX_BYTES}")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{path} is not TOML: {error}") from error


def as_toml(value: Any) -> Any:
    """Return `value` with tuples, ranges and numpy's arrays and numbers as TOML has them."""
    if isinstance(value, Mapping):
        return {str(k): as_toml(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_toml(v) for v in value]
    if isinstance(value, range) and value.step == 1 and value:
        return f"{value.start}..{value[-1]}"
    return value.tolist() if hasattr(value, "tolist") else value
