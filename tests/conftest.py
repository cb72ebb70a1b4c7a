"""What holds for every test: hypothesis gives no example a deadline, since other work may slow the machine down.

Also a browser for those that look at pages: `chromium` for a test file, `browser_page` for a test.
"""

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("grokscope", deadline=None)
settings.load_profile("grokscope")


def load_tool(path: str):
    """Return a module of tools in the tests' tree, whatever pytest's import mode."""
    name = "grokscope_tests_" + path.removesuffix(".py").replace("/", "_")
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="module")
def chromium():
    """A running Chromium, for one test file: its event loop must not outlive the file."""
    with load_tool("browser/chromium.py").chromium_running() as running:
        yield running


@pytest.fixture
def browser_page(chromium):
    """An empty page that has no network: `.page`, `.complaints`, `.outside`, `.open(path)`."""
    opened = load_tool("browser/chromium.py").open_page(chromium)
    yield opened
    opened.page.context.close()


@pytest.fixture
def browser_pages(chromium):
    """A function that opens such a page of any size: `browser_pages(width=390, height=844)`."""
    made = []

    def new(**how):
        made.append(load_tool("browser/chromium.py").open_page(chromium, **how))
        return made[-1]

    yield new
    for opened in made:
        opened.page.context.close()


@pytest.fixture(scope="module")
def referee(chromium):
    """Looks at figures as they are drawn: `referee.look(figure)`, `referee.faults(drawn)`."""
    return load_tool("browser/referee.py").Referee(
        load_tool("browser/chromium.py").open_page(chromium)
    )


@pytest.fixture(scope="session")
def eyes():
    """Colours as a deuteranope and a printer without colours see them."""
    return load_tool("browser/eyes.py")
