"""The console where people meet it: inside the real Airflow, behind its login, with the real headers."""

# ruff: noqa: F401, F811 - fixtures of tests/browser, taken by name

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from tests.browser import answers
from tests.browser.conftest import Visitor, _site, base, browser, company, visitor
from tests.browser.site import serving
from tests.dags.console_site import StubConsole, login

pytestmark = pytest.mark.faults  # the start of Airflow alone takes a dozen seconds of a processor


class MadeUpConsole(StubConsole):
    """The made-up company behind the real routes."""

    def __getattr__(self, name: str) -> Any:
        from retention.console import Answered

        if name.startswith("_") or name == "reader":
            raise AttributeError(name)

        def ask(*arguments: Any, **named: Any) -> Answered:
            if name == "play":
                return Answered(date(2026, 4, 1), answers.play(arguments[0])["data"])
            if name == "kpis":
                return Answered(date(2026, 4, 1), answers.kpis("nps")["data"])
            return Answered(date(2026, 4, 1), answers.ANSWERS[name]()["data"])

        return ask


@pytest.fixture(scope="module")
def airflow() -> Iterator[str]:
    """Airflow's own API server and user interface, with the plugin as Airflow finds it."""
    import os

    from tests.dags.conftest import HOME  # the home of Airflow in tests is set before Airflow is imported

    assert HOME.is_dir()
    os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = "a-secret-for-tests-only-" * 4
    os.environ["AIRFLOW__SIMPLE_AUTH_MANAGER__USERS"] = "vic:viewer,uma:user,oleg:op,ada:admin"
    from airflow.api_fastapi.app import create_app
    from airflow.plugins_manager import get_fastapi_plugins
    from airflow.utils.db import initdb

    initdb()
    root = create_app(apps="core")
    (ours,) = [entry["app"] for entry in get_fastapi_plugins()[0] if entry["url_prefix"] == "/retention"]
    before = ours.state.console, ours.state.warm
    console = MadeUpConsole()
    ours.state.console, ours.state.warm = lambda: console, lambda: None
    try:
        with serving(root) as base:
            yield base
    finally:
        ours.state.console, ours.state.warm = before


def let_in(visitor: Visitor, name: str) -> None:
    """Log in as Airflow does: by its cookie."""
    token = login(None, name)["authorization"].removeprefix("Bearer ")
    visitor.context.add_cookies([{"name": "_token", "value": token, "url": visitor.base}])


def test_the_page_stands_in_airflows_navigation_and_can_be_linked(visitor: Callable[..., Visitor], airflow: str) -> None:
    """In the left bar, in its frame, under the real policy: charts are drawn, and the address around it names the view."""
    one = visitor(at=airflow)
    one.expected = ("An iframe which has both",)
    let_in(one, "uma")
    page = one.page
    page.goto(f"{airflow}/plugin/retention/retention/#/kpis/nps")
    frame = page.frame_locator("iframe")
    frame.locator(".plot[data-drawn]").first.wait_for()
    assert frame.locator("h1").inner_text() == "Net promoter score"
    frame.get_by_role("link", name="Plays", exact=True).first.click()
    frame.locator("h1:has-text('Plays')").wait_for()
    assert page.url.endswith("/plugin/retention/retention/#/plays")
    assert page.get_by_role("link", name="Retention").count() == 1


def test_nobody_sees_anything_without_logging_in(visitor: Callable[..., Visitor], airflow: str) -> None:
    one = visitor(at=airflow)
    one.expected = ("401",)
    answer = one.page.goto(f"{airflow}/retention/")
    assert answer is not None
    assert answer.status == 401
    assert one.page.locator("script").count() == 0


def test_every_view_works_behind_the_real_routes(visitor: Callable[..., Visitor], airflow: str) -> None:
    """The shield's headers forbid nothing that the page does."""
    one = visitor(at=airflow)
    let_in(one, "ada")
    page = one.open()
    for view in (
        "#/customers",
        "#/plays",
        "#/plays/churn_rescue",
        "#/service",
        "#/models",
        "#/quality",
        "#/approvals",
        "#/customer",
    ):
        one.go(view)
        assert page.get_by_role("alert").count() == 0, view
        one.drawn()
