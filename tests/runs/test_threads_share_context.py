"""Several threads at one context, and what is noted of what they read."""

import threading

import torch

from grokscope.runs.kept import cached_property
from grokscope.runs.reads import note, noting, unnoted


def test_notes_nest_and_stay_in_their_thread():
    """Else a value's key lacks what it was computed from, or has what another thread read."""
    with noting() as outer:
        note("info")
        with noting() as inner:
            note("previous")
        with unnoted():
            note("run")
        thread = threading.Thread(target=note, args=("initial",))
        thread.start()
        thread.join()
    note("final key")
    assert inner == {"previous"}
    assert outer == {"info", "previous"}


def test_a_memo_counts_as_read_by_all_who_ask(copy):
    """Else the second measure that uses a shared table does not depend on what the table was made from."""
    context = copy.new_context()
    for _ in range(2):
        with noting() as reads:
            context.memo("table", lambda: context.previous_weights(copy, 10))
        assert reads == {"previous"}
    with noting() as reads:
        assert context.key == context.key
        context.initial_weights(copy)
    assert reads == {"final key", "initial"}


def test_a_memo_is_made_once(copy):
    """Else every thread makes the tables that a run needs once."""
    context, made = copy.new_context(), []
    gate = threading.Barrier(4)

    def ask():
        gate.wait()
        context.memo("slow", lambda: made.append(1) or torch.rand(300, 300) @ torch.rand(300, 300))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_weights_before_come_from_a_living_snapshot(copy, monkeypatch):
    """Else every checkpoint is read twice, once for itself and once for the comparison with the next."""
    context = copy.new_context()
    before = copy.snapshot(0, context)
    after = copy.snapshot(10, context)
    assert after.previous_weights() is before.weights
    kept = {name: w.clone() for name, w in before.weights.items()}
    del before
    read = after.previous_weights()
    assert all(torch.equal(read[name], w) for name, w in kept.items())
    assert copy.snapshot(0, context).previous_weights() is None


def test_two_objects_are_computed_at_the_same_time():
    """Else threads wait for each other's forward, as with the lock of Python 3.11."""
    meeting = threading.Barrier(2, timeout=20)

    class Thing:
        @cached_property
        def slow(self):
            meeting.wait()  # passes only while both threads are inside
            return object()

    things = [Thing(), Thing()]
    threads = [threading.Thread(target=lambda t=t: t.slow) for t in things]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not meeting.broken
    assert things[0].slow is things[0].slow
    assert things[0].slow is not things[1].slow
    assert isinstance(Thing.slow, cached_property)
