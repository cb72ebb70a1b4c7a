"""A Chromium without a network for tests: pages, what they complained of, and what they asked the outside for."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
#: Addresses that stay on this machine. A test's own server on this machine is no outside either.
INSIDE = ("file:", "data:", "blob:", "about:", "chrome", "http://127.0.0.1", "http://localhost")


@dataclass
class Opened:
    """A page and what was heard from it since it was opened.

    Attributes
    ----------
    page
        playwright's page.
    complaints
        Errors and warnings of the console, and exceptions that nothing caught.
    outside
        Addresses asked for that are not on this machine; each was refused.
    """

    page: Any
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, path: Path) -> "Opened":
        """Open a file and wait until its figures are drawn, where it is a page of ours."""
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("load")
        return self


@contextmanager
def chromium_running() -> Iterator[Any]:
    """Start a Chromium, or skip the test that asks for it."""
    if not CHROMIUM:
        pytest.skip("needs a Chromium")
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS), env=dict(os.environ)
        )
        yield running
        running.close()


def open_page(running: Any, *, width: int = 1200, height: int = 900, **how: Any) -> Opened:
    """Return an empty page in a profile of its own; `how` goes to playwright's `new_context`."""
    context = running.new_context(viewport={"width": width, "height": height}, **how)
    opened = Opened(context.new_page())

    def guard(route: Any) -> None:
        if route.request.url.startswith(INSIDE):
            route.continue_()
        else:
            route.abort()

    def asked(request: Any) -> None:
        if not request.url.startswith(INSIDE):
            opened.outside.append(request.url)

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            opened.complaints.append(message.text)

    opened.page.route("**/*", guard)
    opened.page.on("request", asked)
    opened.page.on("console", said)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    return opened
