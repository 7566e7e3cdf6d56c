"""What the console does when there is nothing, when something fails, when text is hostile, and when somebody decides."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser import answers
from tests.browser.conftest import Visitor
from tests.browser.site import Company
from tests.browser.test_views import VIEWS

PATHS = [
    "overview",
    "kpis",
    "customers",
    "plays",
    "plays/churn_rescue",
    "programme",
    "complaints",
    "models",
    "quality",
    "health",
    "pushes",
]
HOSTILE = "<img src=x onerror=\"document.title='stolen'\"><script>document.title='stolen'</script>{{7*7}}"


def everywhere(value: Any, text: str) -> Any:
    """The same answer with hostile text in the place of every text that people read."""
    if isinstance(value, dict):
        return {
            key: text
            if key in ("en", "zh", "team", "member", "item", "sentence", "title", "reason", "observed")
            and isinstance(inner, str)
            else everywhere(inner, text)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [everywhere(inner, text) for inner in value]
    return value


def test_before_anything_ran_every_view_says_what_to_do(visitor: Callable[..., Visitor], company: Company) -> None:
    """In both languages, changed on the page without asking anew."""
    company.replaced.update(dict.fromkeys(PATHS, answers.empty() | {"meta": answers.meta()}))
    one = visitor()
    page = one.open()
    for view in VIEWS:
        if view.startswith("#/customer"):
            continue
        one.go(view)
        asked = len(company.asked)
        texts = [page.locator("main").inner_text()]
        page.locator("#language").click()
        page.wait_for_selector("html[lang=zh-CN]")
        texts.append(page.locator("main").inner_text())
        page.locator("#language").click()
        page.wait_for_selector("html[lang=en]")
        assert "No day was measured yet." in texts[0], view
        assert "还没有任何一天的度量结果。" in texts[1], view
        assert all("retention run" in text for text in texts), view
        assert len(company.asked) == asked


def test_empty_sections_leave_the_rest_of_a_view_standing(visitor: Callable[..., Visitor], company: Company) -> None:
    """Each section may be empty alone, and an answer without any of them still makes a page."""
    one = visitor()
    page = one.open()
    for path, make in (
        ("overview", answers.overview),
        ("customers", answers.customers),
        ("complaints", answers.complaints),
        ("health", answers.health),
        ("quality", answers.quality),
        ("plays/churn_rescue", lambda: answers.play("churn_rescue")),
        ("models", answers.models),
        ("programme", answers.programme),
    ):
        view = {
            "overview": "#/overview",
            "complaints": "#/service",
            "health": "#/quality?part=runs",
            "programme": "#/plays",
        }.get(path, f"#/{path}")
        whole = make()["data"]
        hollow = {
            key: answers.empty()
            if isinstance(value, dict)
            and key not in ("label", "kind_label", "purpose_label", "totals", "freshness", "summary", "groups")
            else value
            for key, value in whole.items()
        }
        if path == "models":
            hollow = {
                "models": [
                    {key: answers.empty() if key in ("reliability", "lift", "drift") else value for key, value in model.items()}
                    for model in whole["models"]
                ]
            }
        company.replaced[path] = answers.ok(hollow)
        one.go("#/customer")
        one.go(view)
        assert page.locator("h1").count() == 1, view
        assert "No day was measured yet." in page.locator("main").inner_text(), view


FAILURES = {
    401: "You are not logged in",
    403: "You may not see this",
    404: "There is no such page",
    429: "Too many questions",
    503: "The warehouse does not answer",
    500: "This did not work",
}


def test_one_day_is_a_number_and_no_empty_chart(visitor: Callable[..., Visitor], company: Company) -> None:
    """The day after the first one there is nothing to draw a line through yet."""
    first = copy.deepcopy(answers.kpis("net_revenue"))
    for kpi in first["data"]["kpis"]:
        for member in kpi["members"]:
            member["points"] = member["points"][-1:]
    one = visitor()
    page = one.open("#/kpis/net_revenue")
    one.drawn()
    assert page.locator(".plot").count() == 1
    company.replaced["kpis"] = first
    page.reload()
    page.get_by_text("The line begins with the second period that is measured.").wait_for()
    assert page.locator(".plot").count() == 0
    assert page.locator(".card .big").count() == 1


def test_a_failure_says_what_to_do_and_can_be_tried_again(visitor: Callable[..., Visitor], company: Company) -> None:
    """Without the back end's own words the page has its own; trying again is one press away."""
    one = visitor()
    one.expected = ("Failed to load resource",)
    page = one.open("#/customer")
    for status, words in FAILURES.items():
        company.replaced["models"] = (status, {"detail": "whatever"})
        one.go("#/models")
        assert words in page.get_by_role("alert").inner_text()
        assert "whatever" not in page.locator("main").inner_text()
        one.go("#/customer")
    one.go("#/models")
    del company.replaced["models"]
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("text=Champion and challengers")


def test_the_back_ends_own_words_come_first(visitor: Callable[..., Visitor], company: Company) -> None:
    company.replaced["pushes"] = (
        503,
        {
            "state": "error",
            "message_en": "The warehouse is being restored.",
            "message_zh": "数据仓库正在恢复。",
            "what_to_do_en": "Look again at noon.",
            "what_to_do_zh": "请于中午再看。",
            "runbook": "restore",
        },
    )
    one = visitor(locale="zh-CN")
    one.expected = ("Failed to load resource",)
    page = one.open("#/approvals")
    text = page.get_by_role("alert").inner_text()
    assert "数据仓库正在恢复。" in text
    assert "请于中午再看。" in text
    assert "restore" in text


def test_without_a_network_the_page_says_so(visitor: Callable[..., Visitor]) -> None:
    one = visitor()
    one.expected = ("Failed to load resource", "ERR_INTERNET_DISCONNECTED")
    page = one.open()
    one.context.set_offline(True)
    one.go("#/customers")
    assert "Airflow does not answer" in page.get_by_role("alert").inner_text()


def test_text_of_customers_stays_text(visitor: Callable[..., Visitor], company: Company) -> None:
    """Labels, sentences, product names, teams and reasons full of markup are shown letter by letter in every view."""
    for path in PATHS:
        make = answers.ANSWERS.get(path, lambda: answers.play("churn_rescue"))
        company.replaced[path] = everywhere(make(), HOSTILE)
    company.replaced["customer/-1"] = everywhere(answers.customer("-1"), HOSTILE)
    company.replaced["kpis"] = everywhere(answers.kpis("net_revenue", "tier"), HOSTILE)
    one = visitor()
    page = one.open()
    company.replaced["plays/<b>x"] = everywhere(answers.play("welcome"), HOSTILE)
    for view in [*VIEWS, "#/customer/-1", f"#/{HOSTILE}", f"#/plays/<b>x?{HOSTILE}"]:
        one.go(view)
        assert page.locator("main img, main script, main iframe").count() == 0, view
        assert page.title() != "stolen", view
    one.go("#/customer/-1")
    assert HOSTILE in page.locator("main").inner_text()


def test_the_guard_against_hostile_text_would_be_missed(visitor: Callable[..., Visitor]) -> None:
    """The test above can fail: with HTML from strings the browser itself refuses, by the page's policy."""
    one = visitor()
    one.expected = ("TrustedHTML", "Trusted Type")
    page = one.open()
    with pytest.raises(Exception, match="TrustedHTML"):
        page.evaluate("document.querySelector('main').innerHTML = '<b>bold</b>'")


def test_a_push_is_approved_with_a_reason_for_exactly_what_was_shown(visitor: Callable[..., Visitor], company: Company) -> None:
    one = visitor()
    page = one.open("#/approvals")
    company.replaced["pushes/scheduled__2026-03-31T00:00:00+00:00/approve"] = {
        "state": "ok",
        "data": {"message": {"en": "Approved. It goes out within a minute.", "zh": "已批准。"}},
    }
    page.get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog", name="Approve the push of March 31, 2026?")
    dialog.get_by_role("button", name="Approve").click()
    assert "Write a reason" in dialog.get_by_role("alert").inner_text()
    assert company.posted == []
    dialog.get_by_label("Reason").fill("win-back week")
    after = copy.deepcopy(answers.pushes())
    after["data"]["items"] = []
    after["meta"]["pushes_waiting"] = 0
    company.replaced["pushes"] = after
    dialog.get_by_role("button", name="Approve").click()
    page.wait_for_selector("text=Approved. It goes out within a minute.")
    (sent,) = company.posted
    assert sent[0] == "pushes/scheduled__2026-03-31T00:00:00+00:00/approve"
    assert sent[1] == {"version": "6f1c", "reason": "win-back week"}
    assert sent[2]["x-retention-console"] == "1"
    assert sent[2]["content-type"] == "application/json"
    assert page.get_by_role("dialog").count() == 0
    assert "No push waits" in page.locator("main").inner_text()
    assert page.locator(".nav .pin").count() == 0


def test_who_was_too_late_is_told_and_nothing_is_sent_twice(visitor: Callable[..., Visitor], company: Company) -> None:
    company.replaced["pushes/scheduled__2026-03-31T00:00:00+00:00/reject"] = (
        409,
        {
            "state": "error",
            "code": "changed",
            "message_en": "The push has changed since you saw it.",
            "message_zh": "推送已变更。",
            "what_to_do_en": "Load the page again.",
            "what_to_do_zh": "请重新加载。",
        },
    )
    one = visitor()
    one.expected = ("Failed to load resource",)
    page = one.open("#/approvals")
    page.get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("not agreed")
    dialog.get_by_role("button", name="Reject").dblclick()
    page.wait_for_selector("text=The push has changed since you saw it.")
    assert len(company.posted) == 1
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_who_may_not_answer_sees_why(visitor: Callable[..., Visitor], company: Company) -> None:
    held = copy.deepcopy(answers.pushes())
    held["data"]["items"][0] |= {"can_answer": False, "why_not": {"en": "Your role may look only.", "zh": "您的角色仅可查看。"}}
    company.replaced["pushes"] = held
    page = visitor().open("#/approvals")
    assert "Your role may look only." in page.locator("main").inner_text()
    assert page.get_by_role("button", name="Approve").count() == 0


def test_one_customer_is_found_by_key_alone(visitor: Callable[..., Visitor], company: Company) -> None:
    """A wrong key is refused before anything is asked; a right one leads to a view that can be linked, and says that it is on record."""
    one = visitor()
    page = one.open("#/customer")
    asked = len(company.asked)
    page.get_by_label("Customer key").fill("Ana")
    page.get_by_role("button", name="Look").click()
    assert "whole number" in page.locator("main").inner_text()
    assert len(company.asked) == asked
    page.get_by_label("Customer key").fill("-123456789012345678")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=On record for wu; 59 looks left this hour")
    assert page.evaluate("location.hash") == "#/customer/-123456789012345678"
    assert company.asked[-1] == "customer/-123456789012345678"


def test_inside_airflow_the_address_around_the_page_follows_the_view(visitor: Callable[..., Visitor]) -> None:
    """Airflow's frame shares the origin, so a view can be linked; a link that leads to Airflow moves Airflow, not the frame."""
    one = visitor()
    one.expected = ("An iframe which has both", "404")  # Airflow's own choice; and its pages are not here
    page = one.page
    page.goto(f"{one.base}/plugin/retention/retention/")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Customers", exact=True).first.click()
    frame.locator("h1:has-text('Customers')").wait_for()
    assert page.url == f"{one.base}/plugin/retention/retention/#/customers"
    frame.get_by_role("link", name="Overview").first.click()
    frame.get_by_role("link", name="Ingest").click()
    assert page.url == f"{one.base}/dags/retention_ingest"
    assert frame.locator("h1").count() == 1
