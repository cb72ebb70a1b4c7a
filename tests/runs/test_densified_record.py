"""densified.json: read back as written, whatever stands in it; which steps it says were added."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.config import RunConfig, override
from grokscope.errors import UnsoundError
from grokscope.runs.densified import (
    FILE,
    Densified,
    densified_levels,
    densified_metric_levels,
    forget_densified,
    read_densified,
    write_densified,
)
from grokscope.runs.run import create_run
from grokscope.runs.seal import object_digest

STEPS = st.sets(st.integers(0, 10**9), max_size=5).map(lambda s: tuple(sorted(s)))
ENTRIES = st.tuples(*[st.integers(0, 10**9)] * 5, STEPS, st.booleans())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
KEYS = ("low", "high", "every", "from", "proved_at", "steps", "moving")


@given(st.lists(ENTRIES, max_size=4))
def test_what_is_written_is_read(tmp_path_factory, entries):
    """Else a run forgets which of its checkpoints are declared ones."""
    path = tmp_path_factory.mktemp("record")
    assert read_densified(path) == []
    entries = [Densified(*fields) for fields in entries]
    write_densified(path, entries)
    assert read_densified(path) == entries


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), JSON) | JSON, max_size=3), st.booleans())
def test_anything_else_is_one_line(tmp_path_factory, added, sealed):
    """Else a file from a stranger is a traceback: any JSON, with a right digest or without."""
    path = tmp_path_factory.mktemp("record")
    try:
        digest = object_digest({"added": added}) if sealed else "0" * 32
    except ValueError:
        digest = ""
    (path / FILE).write_text(json.dumps({"added": added, "digest": digest}))
    said = None
    try:
        found = read_densified(path)
    except UnsoundError as error:
        found, said = None, str(error)
    assert said is None or "\n" not in said
    assert found is None or (sealed and len(found) == len(added))


def test_levels(tmp_path):
    """Else a declared evaluation counts as added, or the other way round, and events move."""
    config = override(RunConfig(), steps=40, eval_every=5, checkpoint_every=10)
    run = create_run(tmp_path / "run", config)
    write_densified(
        run.path,
        [Densified(8, 16, 4, 0, 20, (8, 10, 12, 15)), Densified(8, 12, 1, 0, 20, (9, 11, 12))],
    )
    steps = [0, 8, 9, 10, 11, 12, 15, 20, 37]
    assert densified_levels(run, steps).tolist() == [0, 1, 2, 0, 2, 1, 1, 0, 0]
    assert densified_metric_levels(run, steps).tolist() == [0, 1, 2, 0, 2, 1, 0, 0, 0]
    assert not densified_levels(create_run(tmp_path / "plain", config), steps).any()


def test_forgetting(tmp_path):
    """Else steps of a part that was trained anew stay on the list, or those before it go."""
    write_densified(tmp_path, [Densified(1, 5, 2, 0, 9, (1, 3, 5)), Densified(7, 8, 1, 0, 9, (7,))])
    forget_densified(tmp_path, 4)
    assert [entry.steps for entry in read_densified(tmp_path)] == [(1, 3)]
    before = (tmp_path / FILE).stat().st_mtime_ns
    forget_densified(tmp_path, 4)
    assert (tmp_path / FILE).stat().st_mtime_ns == before
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(UnsoundError):
        forget_densified(tmp_path, 4)
