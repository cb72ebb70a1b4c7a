"""What is kept of things that each step may ask for by a name of its own."""

from concurrent.futures import ThreadPoolExecutor

from grokscope.runs.recent import Recent


def test_the_names_asked_for_last_are_kept():
    """Else a run of a thousand steps keeps the projections of a thousand sets, or makes the same one at every step."""
    recent, made = Recent(2), []

    def ask(name):
        return recent(name, lambda: made.append(name) or f"made {name}")

    assert [ask(name) for name in "abab"] == ["made a", "made b", "made a", "made b"]
    assert made == ["a", "b"]
    ask("a")
    ask("c")  # b was asked for before a
    assert ask("a") == "made a"
    assert made == ["a", "b", "c"]
    ask("b")
    assert made == ["a", "b", "c", "b"]


def test_what_is_none_is_kept_too():
    """Else what is not there is looked for at every step."""
    recent, made = Recent(2), []
    for _ in range(3):
        assert recent("nothing", lambda: made.append(1)) is None
    assert len(made) == 1


def test_threads_get_what_belongs_to_the_name():
    """Else one thread's eviction takes what another is about to return."""
    recent = Recent(3)
    names = [i % 7 for i in range(2000)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: recent(name, lambda: name * 10), names))
    assert found == [name * 10 for name in names]
