"""Every view: readable by everybody, in both languages, on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Visitor
from tests.browser.site import Company

VIEWS = [
    "#/overview",
    "#/kpis/net_revenue",
    "#/kpis/nps?dimension=tier",
    "#/customers",
    "#/plays",
    "#/plays/churn_rescue",
    "#/service",
    "#/models",
    "#/quality",
    "#/quality?part=checks",
    "#/quality?part=quarantine",
    "#/quality?part=runs",
    "#/approvals",
    "#/customer",
    "#/customer/-123456789012345678",
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]}, "resultTypes": ["violations"]}
"""What differs between light and dark, wide and narrow; the rest of a view is the same."""
ALIKE = ["#/kpis/net_revenue", "#/quality?part=checks", "#/quality?part=quarantine", "#/customer"]
"""Views whose parts are all in others too: axe-core takes its time."""
COLOURFUL = ["#/overview", "#/customers", "#/plays/churn_rescue", "#/models", "#/customer/-123456789012345678", "#/approvals"]
"""Views that hold every coloured part there is."""


def violations(visitor: Visitor, rules: dict[str, Any]) -> list[str]:
    """What axe-core finds."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="this test needs the package axe-playwright-python"
    ).Axe()
    found = axe.run(visitor.page, options=rules).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary'][:160]}"
        for one in found
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize(
    ("locale", "dark", "width"),
    [("en-GB", False, 1360), ("zh-CN", True, 390)],
    ids=["english-light-desk", "chinese-dark-phone"],
)
def test_every_view_is_accessible_and_fits(visitor: Callable[..., Visitor], locale: str, dark: bool, width: int) -> None:
    """axe-core finds nothing, the page never scrolls sideways, there is one heading of the first level and the title follows it."""
    one = visitor(locale=locale, dark=dark, width=width)
    page = one.open()
    problems = []
    titles = set()
    for view in VIEWS:
        one.go(view)
        one.drawn()
        if view in COLOURFUL if dark else view not in ALIKE:
            problems += [f"{view}: {text}" for text in violations(one, CONTRAST if dark else RULES)]
        sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if sideways > 0:
            problems.append(f"{view}: {sideways} pixels too wide")
        assert page.locator("h1").count() == 1, view
        assert page.title().startswith(page.locator("h1").inner_text()), view
        assert page.locator("html").get_attribute("lang") == ("zh-CN" if locale == "zh-CN" else "en")
        titles.add(page.locator("h1").inner_text())
    assert problems == []
    assert len(titles) >= 10


def test_chinese_readers_find_no_english_words_of_the_page(visitor: Callable[..., Visitor]) -> None:
    """Words of the page are all translated: no key shows, and no English phrase of the page's own."""
    import json

    from tests.browser.site import STATIC

    def phrases(tree: object) -> set[str]:
        if isinstance(tree, str):
            return {tree} if len(tree) > 12 and "{" not in tree else set()
        assert isinstance(tree, dict)
        return set().union(*(phrases(value) for value in tree.values()))

    english = phrases(json.loads((STATIC / "i18n" / "en.json").read_text(encoding="utf-8")))
    one = visitor(locale="zh-CN")
    page = one.open()
    for view in VIEWS:
        one.go(view)
        text = page.locator("body").inner_text()
        assert [phrase for phrase in english if phrase in text] == [], view


def test_colours_and_language_follow_airflow_until_somebody_chooses_here(visitor: Callable[..., Visitor]) -> None:
    """Airflow keeps `theme` and `i18nextLng`; a choice on the page wins and is remembered."""
    one = visitor()
    one.context.add_init_script(
        "if (!sessionStorage.seen) { localStorage.theme = 'dark'; localStorage.i18nextLng = 'zh-CN'; sessionStorage.seen = 1 }"
    )
    page = one.open()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(232, 237, 242)"
    page.locator("#language").click()
    page.wait_for_selector("html[lang=en]")
    assert page.evaluate("document.activeElement.id") == "language"
    page.locator("#theme").click()  # as Airflow -> light
    assert page.locator("html").get_attribute("data-theme") == "light"
    page.reload()
    one.settle()
    assert (page.locator("html").get_attribute("lang"), page.locator("html").get_attribute("data-theme")) == ("en", "light")


def test_the_first_view_takes_one_request_and_little_weight(visitor: Callable[..., Visitor], company: Company) -> None:
    """One question to the back end, asked once; everything together is under half a megabyte, the chart library not among it yet."""
    one = visitor()
    weights: dict[str, int] = {}
    one.page.on("response", lambda response: "/api/" in response.url or weights.update({response.url: len(response.body())}))
    one.open()
    assert company.asked == ["overview"]
    assert not any("chart-" in url for url in weights)
    assert sum(weights.values()) < 320_000, weights
    one.go("#/kpis/nps")
    one.drawn()
    assert sum(weights.values()) < 500_000, sum(weights.values())


def test_somebody_with_a_keyboard_alone_gets_everywhere(visitor: Callable[..., Visitor]) -> None:
    """Skip link, focus on the heading after a change of view, points of a chart by arrow keys and read out."""
    one = visitor()
    page = one.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.evaluate("location.hash") in ("", "#/overview")
    page.get_by_role("navigation").get_by_role("link", name="Plays").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Plays')")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.locator("#live").inner_text() == "Plays"
    one.go("#/kpis/nps")
    one.drawn()
    page.locator(".plot").focus()
    page.keyboard.press("End")
    page.wait_for_selector("#live:has-text('Mar 31')", state="attached")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#live:has-text('Mar 30')", state="attached")


def test_a_chart_has_its_numbers_as_a_table(visitor: Callable[..., Visitor]) -> None:
    """For who does not see the line: as many rows as points."""
    one = visitor()
    page = one.open("#/kpis/net_revenue?dimension=tier")
    page.get_by_text("Numbers as a table").click()
    assert page.locator("details[open] tbody tr").count() == 90
    assert page.locator("details[open] thead th").all_inner_texts() == ["Date", "VIP", "Potential", "Ordinary", "Marginal"]


def test_money_and_shares_are_written_as_the_reader_writes_them(visitor: Callable[..., Visitor]) -> None:
    """Minor units become the base currency; ten thousands are 万 for Chinese readers."""
    english, chinese = visitor(), visitor(locale="zh-CN")
    assert english.open().locator("a.kpi", has_text="Net revenue").locator(".big").inner_text() == "¥494K"
    assert chinese.open().locator("a.kpi", has_text="净收入").locator(".big").inner_text() == "¥49.4万"


def test_pictures_for_the_documents(visitor: Callable[..., Visitor], tmp_path: Path) -> None:
    """The program that makes the pictures of docs/console.md still runs."""
    from tests.browser.pictures import PICTURES, take

    name = next(iter(PICTURES))
    take(visitor(), name, tmp_path)
    assert (tmp_path / f"{name}.png").stat().st_size > 20_000
