"""The folders that contenders make for themselves go where pytest removes them."""

import tempfile

import pytest


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
