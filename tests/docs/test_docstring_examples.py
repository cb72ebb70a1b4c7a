"""The examples in docstrings run; those that would take minutes are few, and are counted."""

import doctest
import importlib
import pkgutil

import pytest

import grokscope as gs

MODULES = [
    info.name
    for info in pkgutil.walk_packages(gs.__path__, "grokscope.")
    if "__main__" not in info.name
]
MOST_SKIPPED = 24
"""Lines: trainings, runs that a reader has, files of others. The pages' samples run the same calls on small runs."""


def examples(name: str) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    module = importlib.import_module(name)
    return [t for t in finder.find(module, name, module=module) if t.examples]


WITH_EXAMPLES = [name for name in MODULES if examples(name)]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_say(name, tmp_path, monkeypatch):
    """Else a docstring shows a call that fails, or an answer that is not given."""
    monkeypatch.chdir(tmp_path)
    before = {m.name for m in gs.catalogue()}
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    said: list[str] = []
    for test in examples(name):
        test.globs["gs"] = gs
        runner.run(test, out=said.append)
    for measure in gs.catalogue():
        if measure.name not in before:
            importlib.import_module("grokscope.measures").forget(measure.name)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_few_lines_are_skipped():
    """Else more and more examples are only looked at."""
    lines = [e for name in WITH_EXAMPLES for t in examples(name) for e in t.examples]
    skipped = [e for e in lines if e.options.get(doctest.SKIP)]
    assert len(skipped) <= MOST_SKIPPED, [e.source for e in skipped]
    assert len(lines) > len(skipped)
