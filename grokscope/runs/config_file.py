"""config.json: read with everything checked that it says of itself, and sealed where it is written."""

from pathlib import Path
from typing import Any

from grokscope.config import SCHEMA_VERSION, RunConfig, config_hash, from_dict
from grokscope.errors import RequestError, UnsoundError
from grokscope.reading import read_json_bounded
from grokscope.runs.bounds import check_bounds
from grokscope.runs.seal import SEALED_FROM, object_digest

CONFIG_FILE = "config.json"
INFO_HASH = "info_hash"


def sealed(info: dict[str, Any]) -> dict[str, Any]:
    """Return the record with "info_hash", the digest of all else in it, as its last entry."""
    rest = {k: v for k, v in info.items() if k != INFO_HASH}
    return rest | {INFO_HASH: object_digest(rest)}


def has_its_digest(info: dict[str, Any]) -> bool:
    """Return whether a record has the digest that it says, or says none."""
    return INFO_HASH not in info or sealed(info)[INFO_HASH] == info[INFO_HASH]


def read_config(file: Path) -> tuple[dict[str, Any], RunConfig]:
    """Return the whole record and the configuration in it.

    Raises
    ------
    RequestError
        Where it is not ours, of a newer schema (the version that wrote it is named), or asks for what no run has.
    UnsoundError
        Where the configuration, or the rest of the record, does not have the hash that it says.
    """
    info = read_json_bounded(file, inside=file.parent, error=RequestError)
    if not isinstance(info, dict) or "config" not in info or type(info.get("schema")) is not int:
        raise RequestError(f"{file} is not a run's configuration", "one written by grokscope")
    if info["schema"] > SCHEMA_VERSION:
        raise RequestError(
            f"{file.parent} has schema {info['schema']}", f"up to {SCHEMA_VERSION}", _newer(info)
        )
    config = from_dict(info["config"])
    check_bounds(config, str(file))
    found = config_hash(info["config"])
    if found != info.get("config_hash"):
        raise UnsoundError(
            f"{file} was changed: its hash is {found}, not {info.get('config_hash')}",
            todo="restore it",
        )
    if INFO_HASH not in info and info["schema"] >= SEALED_FROM:
        raise UnsoundError(f"{file} was changed: it has no {INFO_HASH}", todo="restore it")
    if not has_its_digest(info):
        raise UnsoundError(
            f"{file} was changed: the digest of its content is not {info[INFO_HASH]}",
            todo="restore it",
        )
    return info, config


def _newer(info: dict[str, Any]) -> str:
    wrote = info.get("versions")
    version = wrote.get("grokscope") if isinstance(wrote, dict) else None
    if version is None:
        return "a newer grokscope is needed"
    return f"grokscope {version} wrote it: that or a newer one is needed"
