"""A browser, and the console in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.site import Company, application, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIME = "2026-04-01T01:10:00Z"
PATIENCE_MS = 120_000
"""Nothing waits that long on a quiet machine; on a starved one a test that gives up says nothing about the page."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the session; without one the tests of the console say so and are skipped."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the tests of the console need the Python package playwright"
    )
    path = os.environ.get("RETENTION_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium found: install one (Debian: apt-get install chromium), or name it in RETENTION_CHROMIUM")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def _site() -> Iterator[tuple[str, Company]]:
    company = Company()
    with serving(application(company)) as base:
        yield base, company


@pytest.fixture
def company(_site: tuple[str, Company]) -> Company:
    """The made-up company, as it is before any test changes an answer."""
    company = _site[1]
    company.replaced.clear()
    company.asked.clear()
    company.posted.clear()
    return company


@pytest.fixture
def base(_site: tuple[str, Company], company: Company) -> str:
    """The address of the site."""
    return _site[0]


class Visitor:
    """Somebody who looks at the console; whatever the browser complains about is kept."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context, self.base = context, base
        self.complaints: list[str] = []
        self.expected: tuple[str, ...] = ()
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()
        self.page.clock.set_fixed_time(TIME)
        self.page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, view: str = "", *, framed: bool = False) -> Page:
        """Load the page at a view."""
        address = f"{self.base}/retention/{view}"
        self.page.goto(address)
        self.settle()
        return self.page

    def go(self, view: str) -> Page:
        """Change the view as a link would."""
        self.page.evaluate(
            "hash => { document.getElementById('main').setAttribute('aria-busy', 'true'); location.hash = hash }", view
        )
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the view is there."""
        self.page.wait_for_selector("main[aria-busy=false]")

    def drawn(self) -> None:
        """Wait until every chart is drawn (never by wait_for_function: the page forbids the evaluation of strings)."""
        self.page.wait_for_selector(".plot:not([data-drawn])", state="detached")

    def unexpected(self) -> list[str]:
        """What the browser complained about, less what the test asked for."""
        return [text for text in self.complaints if not any(part in text for part in self.expected)]


@pytest.fixture
def visitor(browser: Browser, base: str) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors: `visitor(locale="zh-CN", width=390, dark=True)`. None may leave with a complaint of the browser."""
    made: list[Visitor] = []

    def make(*, locale: str = "en-GB", width: int = 1360, dark: bool = False, at: str | None = None, **more: Any) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": 860},
            locale=locale,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            **more,
        )
        made.append(Visitor(context, at or base))
        return made[-1]

    yield make
    for one in made:
        one.context.close()
    assert [text for one in made for text in one.unexpected()] == []
