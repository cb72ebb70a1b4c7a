"""The built site: without a warning, without a network, on a phone, in the dark."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "_ext"))

from public_names import public_modules, public_names  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    for name in ("sphinx", "furo", "myst_nb", "numpydoc", "matplotlib"):
        pytest.importorskip(name)
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "-d",
        str(out / "trees"),
    ]
    done = subprocess.run(
        [*command, str(ROOT / "docs"), str(out / "html")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out / "html"


def test_nothing_is_fetched(site: Path):
    """Else a page is incomplete without a network, or tells another server who reads it."""
    fetched = re.compile(
        r"<(?:script|link|img|iframe|source)[^>]*(?:src|href)=\"(https?:)?//", re.I
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    assert [p.name for p in pages if fetched.search(p.read_text(encoding="utf-8"))] == []
    sheets = [p for p in site.rglob("*.css") if re.search(r"url\(.?https?:|@import", p.read_text())]
    assert sheets == []


def test_every_public_name_is_on_a_page(site: Path):
    """Else a function is public and its page, as it was built, does not have it."""
    text = "".join(p.read_text(encoding="utf-8") for p in (site / "api").glob("*.html"))
    lacking = [
        f"{module}.{name}"
        for module in public_modules()
        for name in public_names(module)
        if f'id="{module}.{name}"' not in text
        and f">{name}<" not in text
        and f">{module}.{name}<" not in text
    ]
    assert lacking == []
    assert "Float[ndarray, " in re.sub(r"<[^>]*>", "", text)
    assert 'class="viewcode-link"' in text


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_pages_in_a_browser(site: Path, width: int, scheme: str):
    """Else a page asks for something, reports an error, or is wider than a phone."""
    api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium")
    with api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        context = browser.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, offline=True
        )
        for name in ("index", "measures", "events", "command-line", "comparison", "api/harmonics"):
            page = context.new_page()
            said: list[str] = []
            page.on("console", lambda m, s=said: s.append(m.text) if m.type == "error" else None)
            page.on(
                "request",
                lambda r, s=said: None if r.url.startswith(("file:", "data:")) else s.append(r.url),
            )
            page.goto((site / f"{name}.html").as_uri())
            assert said == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            if name == "measures":
                ink, paper = page.evaluate(
                    "[getComputedStyle(document.querySelector('.measure-svg text')).fill,"
                    " getComputedStyle(document.body).backgroundColor]"
                )
                assert abs(_grey(ink) - _grey(paper)) > 120, (ink, paper)
            page.close()
        browser.close()


def _grey(colour: str) -> float:
    parts = [float(n) for n in re.findall(r"[\d.]+", colour)[:3]]
    return sum(parts) / 3
