"""Links of the documentation, and what it takes from elsewhere."""

import json
import re
from pathlib import Path
from urllib.parse import urlparse

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "adr").glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<to>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
DOC = re.compile(r"\{doc\}`(?:[^`<]*<)?(?P<to>[^`>]+)>?`")


def headings(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as MyST and GitHub make them."""
    lines = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S).splitlines()
    titles = [line.lstrip("#").strip() for line in lines if re.match(r"#{1,3} ", line)]
    return {
        re.sub(r"[^\w\- ]", "", t.lower().replace("\\", "")).strip().replace(" ", "-")
        for t in titles
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Else a reader clicks into nothing; addresses outside are looked at, not asked for."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for match in LINK.finditer(text):
        to = match["to"] or match["image"]
        if re.match(r"\w+:", to):
            parts = urlparse(to)
            assert parts.scheme in ("https", "mailto"), to
            assert parts.netloc or parts.scheme == "mailto", to
            continue
        name, _, anchor = to.partition("#")
        target = page if not name else (page.parent / name).resolve()
        assert target.exists(), f"{page.name}: {to}"
        if anchor and target.suffix == ".md":
            assert anchor in headings(target), f"{page.name}: {to}"
    for match in DOC.finditer(text):
        to = match["to"].strip()
        assert any((page.parent / f"{to}.{e}").exists() for e in ("md", "rst", "ipynb")), to


def test_every_page_can_be_reached():
    """Else a page is written and nobody finds it: each stands in one table of contents of index.md."""
    text = (DOCS / "index.md").read_text()
    listed = []
    for body in re.findall(r"```\{toctree\}\n(.*?)```", text, re.S):
        for line in body.splitlines():
            if line and not line.startswith(":"):
                found = [p for p in DOCS.glob(f"{line}*") if p.suffix in (".md", ".rst", ".ipynb")]
                exact = [p for p in found if str(p.relative_to(DOCS).with_suffix("")) == line]
                listed += exact or (found if "*" in line else [])
    pages = {p for p in DOCS.glob("*.md") if p.name != "index.md"}
    assert sorted(p.name for p in pages - set(listed)) == []
    assert len(listed) == len(set(listed))


def test_the_citation_file_is_of_the_format():
    """Else GitHub and reference managers cannot read it: the keys that CFF 1.2.0 demands, and no others than it has."""
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(found)
    known = set(
        "abstract authors cff-version commit contact date-released doi identifiers keywords license license-url "
        "message preferred-citation references repository repository-artifact repository-code title type url "
        "version".split()
    )
    assert set(found) <= known
    assert str(found["cff-version"]) == "1.2.0"
    assert found["type"] in ("software", "dataset")
    assert all(
        {"name"} <= set(a) or {"family-names", "given-names"} <= set(a) for a in found["authors"]
    )
    assert found["license"] == "MIT"
    assert json.dumps(found)


def test_the_site_asks_nobody():
    """Else a page needs a network: formulas are MathML, fonts are the system's, and no script comes from elsewhere."""
    conf = (DOCS / "conf.py").read_text()
    assert 'html_math_renderer = "mathml"' in conf
    assert "http" not in conf
    assert "url(" not in (DOCS / "_static" / "site.css").read_text()
    assert "import" not in (DOCS / "_static" / "site.css").read_text()
