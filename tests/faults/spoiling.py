"""Ways to spoil a file: bytes, parts of JSON, lines of text, a safetensors file's header, a zip file's members."""

import json
import random
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RAW = {
    "@deep@": "[" * 3000 + "]" * 3000,
    "@deep objects@": '{"a":' * 3000 + "1" + "}" * 3000,
    "@digits@": "9" * 5000,
    "@nan@": "NaN",
    "@infinity@": "-Infinity",
    "@half@": '"\\ud800"',
    "@large@": "1e999",
}
"""JSON that `json.dumps` would not write, by the texts that stand for it."""
NASTY: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 0.5, -0.0, 1e308, 1e-320, 10**12, 10**18, 2**31, 2**63, 2**64, 10**300,
    -(10**20), "", " ", "x" * 5000, "a\nb", "\x1b[31mred", "\x00", "../../../etc/passwd", "/etc/passwd",
    "<script>alert(1)</script>", "é\u202e", "1e5", [], {}, [[]], [1, 2], {"": 1}, {"step": 1}, [None] * 1000,
    list(range(100)), *RAW,
)  # fmt: skip
"""Values that a careless reader does not expect."""


def spoil_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return bytes of which a few are flipped, set, cut out, doubled, put in or cut off."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        # Half of the places are near the beginning, where headers are.
        reach = len(made) if rng.random() < 0.5 else min(len(made), 400)
        at, length = rng.randrange(reach or 1), rng.choice((1, 1, 2, 4, 8, rng.randint(1, 300)))
        way = rng.randrange(7)
        if not made or way == 0:
            made[at:at] = rng.randbytes(length)
        elif way == 1:
            made[at : at + length] = bytes([rng.choice((0, 255, 127, 128, 1))]) * length
        elif way == 2:
            del made[at : at + length]
        elif way == 3:
            source = rng.randrange(len(made))
            made[at : at + length] = made[source : source + length]
        elif way == 4 and rng.random() < 0.3:
            del made[at:]
        elif way == 5:
            made[at] = rng.randrange(256)
        else:
            made[at] ^= 1 << rng.randrange(8)
    return bytes(made)


def spoil_json(value: Any, rng: random.Random) -> str:
    """Return JSON text of a value in which a few parts are replaced, left out, renamed, doubled or exchanged."""
    made = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        made = _spoil_value(made, rng)
    return in_json(made)


def in_json(value: Any) -> str:
    """Return JSON text, with what `RAW` stands for in place."""
    text = json.dumps(value)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text


def _spoil_value(value: Any, rng: random.Random) -> Any:
    places = list(_places(value))
    if not places or rng.random() < 0.03:
        return _nasty(rng)
    holder, key = rng.choice(places)
    way = rng.randrange(8)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[rng.choice(("", "x", str(key) + " ", "@half@", "step"))] = holder.pop(key)
    elif way == 2:
        other, place = rng.choice(places)
        holder[key] = json.loads(json.dumps(other[place]))
    elif way == 3 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif way == 4 and isinstance(holder[key], (int, float)):
        holder[key] = holder[key] + rng.choice((-1, 1, 0.5)) if rng.random() < 0.5 else -holder[key]
    else:
        holder[key] = _nasty(rng)
    return value


def _nasty(rng: random.Random) -> Any:
    """Return one of `NASTY`, its lists and objects new ones: what is put in twice is no circle."""
    return json.loads(json.dumps(rng.choice(NASTY)))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (object or list, key) of everything inside; not by recursion, as it may be deep."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, (dict, list)):
            keys = list(each) if isinstance(each, dict) else range(len(each))
            yield from ((each, key) for key in keys)
            left.extend(each[key] for key in keys)


def spoil_lines(text: str, rng: random.Random) -> str:
    """Return text of which a few lines are left out, doubled, exchanged, or have another value."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, way = rng.randrange(len(lines)), rng.randrange(6)
        if way == 0:
            del lines[at]
        elif way == 1:
            lines.insert(at, rng.choice(lines))
        elif way == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 3 and "=" in lines[at]:
            lines[at] = f"{lines[at].split('=')[0]}= {_toml(rng)}"
        elif way == 4:
            lines.insert(at, rng.choice(("[[case]]", "[set]", "[grid]", "a.b.c = 1", "." * 9, "p")))
        else:
            lines[at] = spoil_bytes(lines[at].encode(), rng).decode("utf-8", "replace")
        lines = lines or [""]
    return "\n".join(lines)


def _toml(rng: random.Random) -> str:
    raw = (
        "[" * 900 + "]" * 900,
        "9" * 5000,
        "inf",
        "nan",
        "1979-05-27",
        "{a.b.c = 1}",
        "'''",
        "0x" + "f" * 99,
    )
    value = rng.choice((*raw, *NASTY))
    return value if value in raw else in_json(value).replace("null", "''")


def spoil_header(data: bytes, rng: random.Random) -> bytes:
    """Return a safetensors file with another header, whose length is right most of the time."""
    length = int.from_bytes(data[:8], "little")
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
    about = header.get("__metadata__")
    if (
        isinstance(about, dict) and rng.random() < 0.3
    ):  # our own header is JSON in a text of its JSON
        name = rng.choice(sorted(about))
        try:
            about[name] = spoil_json(json.loads(about[name]), rng)
        except ValueError:
            about[name] = rng.choice(("9" * 5000, "-1", "1e5", "²", ""))
        text = json.dumps(header).encode()
    else:
        text = spoil_json(header, rng).encode("utf-8", "surrogatepass")
    said = (
        len(text)
        if rng.random() < 0.9
        else rng.choice((0, 1, len(text) + 1, 2**31, 2**63, 2**64 - 1))
    )
    return said.to_bytes(8, "little") + text + rest


def spoil_members(
    path: Path, rng: random.Random, spoil: Callable[[str, bytes, random.Random], bytes]
) -> None:
    """Write a zip file again with other members: `spoil` changes one's content, or names, order or kind are changed."""
    with zipfile.ZipFile(path) as source:
        members = [(info, source.read(info)) for info in source.infolist()]
    way, at = rng.randrange(6), rng.randrange(len(members))
    info, content = members[at]
    if way == 0:
        names = (
            "../out",
            "/etc/x",
            "a\x00b",
            "CONFIG.JSON",
            "x" * 60000,
            "a/../b",
            "aux",
            ".",
            "",
            "é",
            info.filename,
        )
        members.insert(at, (zipfile.ZipInfo(rng.choice(names) or "x"), content))
    elif way == 1:
        del members[at]
    elif way == 2:
        info.external_attr = rng.choice((0o120777, 0o040755, 0o010644, 0o060644)) << 16
    elif way == 3:
        info.compress_type = rng.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED))
    else:
        members[at] = (info, spoil(info.filename, content, rng))
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as made:
        warnings.simplefilter("ignore")  # of a name that stands twice
        for each, data in members:
            made.writestr(each, data)
