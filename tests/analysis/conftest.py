"""Analyses of small runs: grokscope counts as not edited, so that the cache is in use while somebody edits it."""

import pytest

from grokscope.analysis import orchestrate, stamp


@pytest.fixture(autouse=True, scope="session")
def _not_edited():
    with pytest.MonkeyPatch.context() as patch:
        for module in (orchestrate, stamp):
            patch.setattr(module, "is_edited", lambda: False)
        yield
