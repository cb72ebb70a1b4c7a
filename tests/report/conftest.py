"""Fixtures for the report: the figures' synthetic run and a verdict."""

import importlib.util
import sys
from pathlib import Path

import pytest

VERDICT = {
    "label": "grokked",
    "sentence": "Memorised by step 160, grokked by step 10,520.",
    "evidence": {"final_accuracy": 0.998, "key_frequencies": [3, 7, 11]},
}


def load_synthetic(file):
    name = f"grokscope_{file}"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "figures" / f"{file}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def synthetic():
    return load_synthetic("synthetic")


@pytest.fixture(scope="session")
def group(ds):
    return load_synthetic("group_synthetic").group_dataset(ds)


@pytest.fixture(scope="session")
def ds(synthetic):
    return synthetic.dataset()


@pytest.fixture(scope="session")
def events(synthetic):
    return synthetic.transitions()


@pytest.fixture
def verdict():
    return dict(VERDICT)
