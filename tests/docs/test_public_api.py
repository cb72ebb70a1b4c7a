"""The public API: everything stands on a page, says what it does, with shapes and sources."""

import inspect
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "_ext"))

from public_names import CHOSEN, public_modules, public_names, public_objects  # noqa: E402

OBJECTS = [(f"{module}.{name}", value) for module, name, value in public_objects()]
FUNCTIONS = [(n, v) for n, v in OBJECTS if inspect.isroutine(v) or hasattr(v, "__wrapped__")]
SHAPED = re.compile(r"(Float|Int|Bool|Complex|Shaped|Num|Real|UInt)\d*\[")
IN_WORDS = re.compile(r"\[[a-z_0-9.(/)]+(, ?[a-z_0-9.(/)]+)*\]")
ARRAYS = re.compile(r"ndarray|Tensor")
SOURCE = re.compile(r"Source: |et al\.|arXiv")
NUMERICAL = ("grokscope.harmonics", "grokscope.models.feedforward.gromov_solution")
CHECKS = {
    "GL01", "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL10",  # the docstring as a whole
    "SS02", "SS03", "SS04",  # the summary
    "PR02", "PR05", "PR06", "PR10",  # parameters are those of the signature; types stand there
    "RT02", "YD01",
}  # fmt: skip
"""Of numpydoc.validation. Types (PR04, RT01) are left to the signature, which has them with shapes."""
UNIQUE = {id(v): (n, v) for n, v in reversed(OBJECTS)}.values()


def test_every_module_has_a_page():
    """Else a package or a file of mathematics is public and stands nowhere."""
    lines = "\n".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.rst")).split(
        "\n"
    )
    wanted = [line.strip() for line in lines if line.startswith("   grokscope")]
    covered = {
        m
        for m in public_modules()
        for w in wanted
        if m == w or (w.endswith("*") and m.startswith(w[:-1]))
    }
    assert sorted(set(public_modules()) - covered) == []
    pages = {page.stem for page in (ROOT / "docs" / "api").glob("*.rst")}
    listed = (ROOT / "docs" / "api" / "index.md").read_text()
    assert all(f"\n{page}\n" in listed for page in pages)


def test_what_is_chosen_is_there():
    """Else a name that was moved stays on a page's list and breaks the build."""
    for module in CHOSEN:
        assert public_names(module), module
    assert len(OBJECTS) > 200


@pytest.mark.parametrize(
    ("name", "value"),
    sorted(UNIQUE, key=lambda item: item[0]),
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_docstrings_are_valid(name, value):
    """Else a page shows a name without a word, or a parameter that is not there."""
    if not callable(value):
        return
    validate = pytest.importorskip("numpydoc.validate").validate
    found = [f"{code} {words}" for code, words in validate(name)["errors"] if code in CHECKS]
    assert found == []


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[n for n, _ in FUNCTIONS])
def test_arrays_have_shapes(name, function):
    """Else a reader has to guess what the axes of an array are."""
    annotations = " ".join(str(a) for a in inspect.unwrap(function).__annotations__.values())
    if ARRAYS.search(annotations):
        words = inspect.getdoc(function) or ""
        assert SHAPED.search(annotations) or IN_WORDS.search(words), annotations


@pytest.mark.parametrize(
    ("name", "function"),
    [(n, f) for n, f in FUNCTIONS if n.startswith(NUMERICAL)],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_mathematics_has_a_source(name, function):
    """Else a formula is on a page and nobody knows whose it is; the function or its file says so."""
    words = (inspect.getdoc(function) or "") + (
        inspect.getmodule(inspect.unwrap(function)).__doc__ or ""
    )
    assert SOURCE.search(words), name
