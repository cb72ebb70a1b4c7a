"""Fixtures for pages in a browser: the figures' synthetic runs."""

import importlib.util
import sys
from pathlib import Path

import pytest


def load_synthetic(file):
    name = f"grokscope_{file}"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "figures" / f"{file}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def synthetic():
    return load_synthetic("synthetic")


@pytest.fixture(scope="session")
def groups():
    return load_synthetic("group_synthetic")


@pytest.fixture(scope="session")
def ds(synthetic):
    return synthetic.dataset()


@pytest.fixture(scope="session")
def events(synthetic):
    return synthetic.transitions()
