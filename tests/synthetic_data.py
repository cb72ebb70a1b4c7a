"""Fixtures of the figures' synthetic runs, for every folder of tests that draws them: import them in its conftest."""

import importlib.util
import sys
from pathlib import Path

import pytest

FIGURES = Path(__file__).parent / "figures"


def load_synthetic(file: str = "synthetic"):
    """Load a builder of tests/figures, whatever pytest's import mode."""
    name = f"grokscope_{file}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, FIGURES / f"{file}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def synthetic():
    return load_synthetic()


@pytest.fixture(scope="session")
def ds(synthetic):
    return synthetic.dataset()


@pytest.fixture(scope="session")
def events(synthetic):
    return synthetic.transitions()


@pytest.fixture(scope="session")
def sweeps():
    return load_synthetic("sweep_synthetic")


@pytest.fixture(scope="session")
def groups():
    return load_synthetic("group_synthetic")
