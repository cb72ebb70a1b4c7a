"""Reading TOML, and putting Python's and numpy's values into what TOML has."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grokscope.errors import RequestError, nearest
from grokscope.reading import read_bounded

MAX_BYTES = 1 << 20
"""Of a sweep as a person writes it."""
MANY_PARTS = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){20}""")
"""A key of many parts, a.b.c...: Python reads it in the square of their number, and no field has more than two."""


def load_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds; RequestError in one line where it cannot be read or is none."""
    try:
        if not path.exists():
            others = [str(p) for p in path.parent.glob("*.toml")]
            raise RequestError(
                f"there is no file {path}", "a sweep as a TOML file", nearest(str(path), others)
            )
        text = read_bounded(path, MAX_BYTES, error=RequestError).decode("utf-8")
        if found := MANY_PARTS.search(text):
            raise ValueError(f"a key of more than 20 parts, {found[0][:30]}...")
        return tomllib.loads(text)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise RequestError(f"{path} is not TOML: it is nested too deep") from error
    except ValueError as error:  # not TOML, not UTF-8, or a number of thousands of digits
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
