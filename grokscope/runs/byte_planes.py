"""Bytes of float32 weights put in an order that compresses: differences from the checkpoint before, by byte planes.

Two checkpoints next to each other differ little, so their words, read as integers, have differences whose high bytes
are nearly all 0. The low bytes are noise: they are put together, where they do no harm. Nothing is lost.
"""

import numpy as np

WORD = 4


def to_planes(data: bytes, before: bytes | None = None) -> bytes:
    """Return `data` as byte planes of its little-endian 32-bit words; a rest of up to three bytes stays as it is.

    With `before`, which must be as long, of the differences w - w_before modulo 2^32, signed and folded: 0, -1, 1, -2
    become 0, 1, 2, 3.

    Raises
    ------
    ValueError
        Where `before` has another length.
    """
    words, rest = _words(data)
    if before is not None:
        signed = (words - _words_of(before, data)).view("<i4")
        words = ((signed << 1) ^ (signed >> 31)).view("<u4")
    return words.view(np.uint8).reshape(-1, WORD).T.tobytes() + rest


def from_planes(planes: bytes, before: bytes | None = None) -> bytes:
    """Return what `to_planes` was given.

    Raises
    ------
    ValueError
        Where `before` has another length.
    """
    whole = len(planes) - len(planes) % WORD
    table = np.frombuffer(planes[:whole], dtype=np.uint8).reshape(WORD, -1)
    words = np.ascontiguousarray(table.T).reshape(-1).view("<u4")
    if before is not None:
        signed = ((words >> 1).view("<i4")) ^ -(words & 1).astype("<i4")
        words = signed.view("<u4") + _words_of(before, planes)
    return words.tobytes() + planes[whole:]


def _words(data: bytes) -> tuple[np.ndarray, bytes]:
    whole = len(data) - len(data) % WORD
    return np.frombuffer(data[:whole], dtype="<u4"), data[whole:]


def _words_of(before: bytes, data: bytes) -> np.ndarray:
    if len(before) != len(data):
        raise ValueError(f"{len(before)} bytes before, {len(data)} now")
    return _words(before)[0]
