"""Every reader of bytes that a stranger may have made, on spoiled files: an error in one line, or a right result."""

import pytest
from fuzzing import fuzz
from readers import READERS

SLOW_TO_START = {"analysis.nc": 30}
"""Each input of these starts a process of its own."""


@pytest.mark.parametrize("name", READERS)
def test_readers_of_spoiled_files(name, tmp_path):
    """Else a file from a stranger crashes, hangs or fills the memory, ends in a traceback, or gives wrong numbers."""
    outcome = fuzz(READERS[name], range(SLOW_TO_START.get(name, 150)), tmp_path)
    assert not outcome.wrong, "\n".join(outcome.wrong[:20])
    # Else what is spoiled is not what is read, or nothing that was spoiled is ever right.
    assert outcome.counts["refused" if name not in ("cache", "stamp") else "read"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_readers_of_10000_spoiled_files(name, tmp_path):
    """As above, of ten thousand files each."""
    outcome = fuzz(READERS[name], range(10_000), tmp_path)
    assert not outcome.wrong, "\n".join([str(dict(outcome.counts)), *outcome.wrong[:40]])
