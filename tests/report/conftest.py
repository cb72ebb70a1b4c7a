"""Fixtures for the report: the figures' synthetic run and a verdict."""

import pytest
from synthetic_data import ds, events, groups, synthetic

__all__ = ["ds", "events", "groups", "synthetic"]

VERDICT = {
    "label": "grokked",
    "sentence": "Memorised by step 160, grokked by step 10,520.",
    "evidence": {"final_accuracy": 0.998, "key_frequencies": [3, 7, 11]},
}


@pytest.fixture(scope="session")
def group(ds, groups):
    return groups.group_dataset(ds)


@pytest.fixture
def verdict():
    return dict(VERDICT)
