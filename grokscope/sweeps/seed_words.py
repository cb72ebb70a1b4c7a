"""Seeds as a person writes them: 0..31, or 3..7,10, or a list."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from grokscope.errors import RequestError

MAX_SEED = 2**63 - 1
MAX_LISTED = 100_000
"""Seeds that may be written as several parts: these are listed, a single range is not."""
MAX_NAME = 60
_PART = re.compile(r"\s*(\d{1,19})\s*(?:\.\.\s*(\d{1,19})\s*)?")


def read_seeds(given: Any, source: str) -> Sequence[int]:
    """Return the seeds that a text or a list says: a range as it is, all else as a tuple.

    Parameters
    ----------
    given
        "0..6", "0,1,5", "3..7,10", or a list of whole numbers.
    source
        Where it was read, for messages.

    Raises
    ------
    RequestError
        For anything else, a range that ends before it begins, or a seed given twice.
    """
    if isinstance(given, str):
        ranges = _ranges(given, source)
        if len(ranges) == 1:
            return ranges[0]
        total = sum(map(n_seeds, ranges))
        if total > MAX_LISTED:
            raise RequestError(f"{source}: {total:,} seeds in several parts", f"{MAX_LISTED:,}")
        return _distinct([seed for part in ranges for seed in part], source)
    if not isinstance(given, list) or not given:
        raise _refused(f"{source}: seeds = {given!r}")
    for seed in given:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
            raise _refused(f"{source}: seeds has {seed!r}")
    return _distinct(given, source)


def n_seeds(seeds: Sequence[int]) -> int:
    """Return how many seeds there are; len() of a range refuses what does not fit a machine word."""
    return seeds[-1] - seeds[0] + 1 if isinstance(seeds, range) else len(seeds)


def seeds_in_words(seeds: Sequence[int]) -> str:
    """Return seeds as they stand in a folder's name: 0..31, 3..7,10; a digest where that is long."""
    if isinstance(seeds, range):
        return _part_in_words(seeds[0], seeds[-1])
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][1] + 1:
            parts[-1][1] = seed
        else:
            parts.append([seed, seed])
    words = ",".join(_part_in_words(*part) for part in parts)
    if len(words) <= MAX_NAME:
        return words
    return f"{len(seeds)}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"


def repeated(values: Iterable[Any]) -> Any:
    """Return the first value that was there before, None where each stands once."""
    seen = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def _part_in_words(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}..{last}"


def _ranges(given: str, source: str) -> list[range]:
    found = []
    for part in given.split(","):
        ends = _PART.fullmatch(part)
        low = int(ends[1]) if ends else 0
        high = int(ends[2] or ends[1]) if ends else -1
        if low > high or high > MAX_SEED:
            raise _refused(f"{source}: seeds = '{given}'")
        found.append(range(low, high + 1))
    return found


def _distinct(seeds: list[int], source: str) -> tuple[int, ...]:
    twice = repeated(seeds)
    if twice is not None:
        raise RequestError(f"{source}: seeds has {twice} twice", "each seed once")
    return tuple(seeds)


def _refused(given: str) -> RequestError:
    return RequestError(given, "whole numbers from 0 on, as in [0, 1, 2], '0..6' or '3..7,10'")
