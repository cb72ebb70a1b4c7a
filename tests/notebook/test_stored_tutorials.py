"""The tutorials as they are stored: run from top to bottom, small, and readable without a network."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
BOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_the_four_are_there():
    """Else the tests below look at nothing."""
    assert [path.name[:2] for path in BOOKS] == ["01", "02", "03", "04"]


@pytest.fixture(params=BOOKS, ids=lambda path: path.stem)
def book(request):
    found = nbformat.read(request.param, as_version=4)
    nbformat.validate(found)
    return request.param, found


def test_it_was_run_from_top_to_bottom(book):
    """Else what a page shows is not what its code gives."""
    _, found = book
    code = [cell for cell in found.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]


def test_it_is_small_and_asks_for_nothing_outside(book):
    """Else a page of the documentation loads megabytes, or a script from a server."""
    path, found = book
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 1_000_000
    outputs = json.dumps([cell.get("outputs", []) for cell in found.cells])
    assert not re.search(r"<script|cdn\.|https?://(?!www\.w3\.org)", outputs)
    kinds = {kind for cell in found.cells for o in cell.get("outputs", []) for kind in o.get("data", {})}  # fmt: skip
    assert kinds <= {"text/plain", "text/html", "image/svg+xml"}


def test_pictures_have_words(book):
    """Else a reader who does not see gets the file name of a figure."""
    _, found = book
    for cell in found.cells:
        if any("image/svg+xml" in o.get("data", {}) for o in cell.get("outputs", [])):
            assert len(cell.metadata["mystnb"]["image"]["alt"]) > 20


def test_it_checks_what_it_claims(book):
    """Else a notebook can go on claiming what is no longer so."""
    _, found = book
    code = "\n".join(cell.source for cell in found.cells if cell.cell_type == "code")
    claims = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Assert)]
    assert len(claims) >= 6
    assert not [c for c in claims if isinstance(c.test, ast.Constant)]


def test_it_says_nothing_of_this_machine(book):
    """Else a path of whoever stored it is read by everybody."""
    _, found = book
    for cell in found.cells:
        for output in cell.get("outputs", []):
            said = json.dumps(output)
            assert not re.search(r"/(home|root|tmp|work|Users)/", said), said[:300]


def test_links_between_pages_lead_somewhere(book):
    """Else the end of a tutorial leads to a page that is not there."""
    path, found = book
    for cell in found.cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#:]+)\)", cell.source):
                assert (path.parent / target).is_file(), target
