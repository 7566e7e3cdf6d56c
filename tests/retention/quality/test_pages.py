"""The pages of validation: complete, harmless, and without a value of any row."""

from __future__ import annotations

import errno
import html
import json
import logging
import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from retention.quality import build_pages, pages, replay, validate, write_pages
from retention.quality.pages import sparkline
from retention.quality.rules import ROW_RULES
from retention.quality.suite import Suites
from retention.quality.words import RULES_ZH
from retention.settings import IngestSettings, Settings
from retention.warehouse import RetentionError, Run, Warehouse
from tests.retention.quality.company import customer, land, rows_of

CANARY = "canary.7f3a@leak.example"
SPITEFUL = "<script>alert(1)</script>\"'&{{ 7*7 }}"
LENIENT = Settings(ingest=IngestSettings(quarantine_stop_share=1.0))


class Links(HTMLParser):
    """Collects what a page would load, run or lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "srcset", "data", "poster"):
                self.addresses.append(str(value))
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


def written(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html"))}


@pytest.fixture
def leaky(make_run: Callable[..., Run]) -> Run:
    """A day whose rows break a rule in every text column, with a canary for a value; one row is valid."""
    run = make_run(settings=LENIENT)
    bad = dict.fromkeys(("birth_date", "customer_kind", "created_at", "member_since", "language", "phone"), CANARY)
    rows = [customer(CANARY, name=SPITEFUL, email=CANARY), customer("bo", **bad), customer(f"{CANARY}\x1f", city=CANARY * 20)]
    land(run, "crm", "customer", rows)
    return run


def test_no_value_reaches_pages_results_logs_or_what_airflow_stores(
    leaky: Run, warehouse: Warehouse, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[Any] = []
    judged = Suites.check

    def overheard(self: Suites, *arguments: Any, **options: Any) -> Any:
        verdicts = judged(self, *arguments, **options)
        outcomes.append(self.last_outcome)
        return verdicts

    monkeypatch.setattr(Suites, "check", overheard)
    with caplog.at_level(logging.DEBUG):
        report = validate(leaky)
        build_pages(warehouse, leaky.business_date, tmp_path)
    (outcome,) = outcomes
    stored = rows_of(
        warehouse,
        "select to_jsonb(r)::text from ops.check_result as r union all select to_jsonb(l)::text from ops.run_ledger as l "
        "union all select to_jsonb(b)::text from ops.batch as b",
    )
    sinks = {
        "pages": json.dumps(written(tmp_path)),
        "check_result, ledger and batch": json.dumps(stored),
        "the object of Great Expectations": json.dumps(outcome.to_json_dict(), default=str) + str(outcome.describe_dict()),
        "logs": caplog.text,
        "XCom": json.dumps(report),
    }
    assert report["quarantined"] == 2
    assert len(sinks["the object of Great Expectations"]) > 10_000
    assert [name for name, text in sinks.items() if CANARY in text or "alert(1)" in text] == []


def test_pages_show_rules_counts_and_quarantine_in_two_languages(leaky: Run, warehouse: Warehouse, tmp_path: Path) -> None:
    validate(leaky)
    page = build_pages(warehouse, leaky.business_date, tmp_path)
    found = written(tmp_path)
    assert page == tmp_path / "2026-03-31" / "index.html"
    assert sorted(found) == ["2026-03-31/crm-customer-1.html", "2026-03-31/index.html", "index.html"]
    batch = html.unescape(found["2026-03-31/crm-customer-1.html"])
    for words in (
        "is_type(birth_date)", "birth_date must be a valid date", "类型正确", "隔离", "phone must have the form of a phone number",
        "✗ is_type", "at least one row", "数据去向",
    ):  # fmt: skip
        assert words in batch, words
    checks = len(rows_of(warehouse, "select 1 from ops.check_result"))
    assert batch.count("✓") + batch.count("✗") == checks
    day = found["2026-03-31/index.html"]
    assert "crm.customer" in day
    assert "passed" in day
    assert 'href="2026-03-31/index.html"' in found["index.html"]


def test_pages_run_nothing_and_fetch_nothing(leaky: Run, warehouse: Warehouse, tmp_path: Path) -> None:
    validate(leaky)
    build_pages(warehouse, leaky.business_date, tmp_path)
    for name, text in written(tmp_path).items():
        links = Links()
        links.feed(text)
        assert not {"script", "iframe", "object", "embed", "form", "img", "link", "base"} & set(links.tags), name
        assert links.handlers == []
        assert all(re.fullmatch(r"[\w./-]+", address) and "//" not in address for address in links.addresses), name
        assert "default-src 'none'; style-src 'sha256-" in html.unescape(text)


def test_names_that_are_markup_are_shown_as_words(make_run: Callable[..., Run], warehouse: Warehouse, tmp_path: Path) -> None:
    """Names come from people's descriptions of their sources; a careless one must not become part of the page."""
    run = make_run()
    land(run, SPITEFUL, "customer", [customer("ana")])
    validate(run)
    build_pages(warehouse, run.business_date, tmp_path)
    found = written(tmp_path)
    assert all("<script" not in text for text in found.values())
    assert any(html.escape(SPITEFUL, quote=False)[:20] in text for text in found.values())
    assert all(re.fullmatch(r"[\w./-]+", name) for name in found)


def test_a_stopped_day_says_why_and_a_replay_is_marked(
    make_run: Callable[..., Run], warehouse: Warehouse, tmp_path: Path
) -> None:
    run = make_run()
    land(run, "crm", "customer", [customer(f"c{n}", birth_date="soon") for n in range(30)])
    with pytest.raises(RetentionError):
        validate(run)
    build_pages(warehouse, run.business_date, tmp_path)
    day = html.unescape(written(tmp_path)["2026-03-31/index.html"])
    assert "Stopped" in day
    assert "30 of 30 rows break a rule (allowed 3)" in day
    assert "waiting" in day
    validate(make_run(settings=LENIENT, try_number=2))
    replay(make_run(date(2026, 4, 1)))
    validate(make_run(date(2026, 4, 1)))
    build_pages(warehouse, date(2026, 4, 1), tmp_path)
    assert "replay" in written(tmp_path)["2026-04-01/index.html"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2026-03-31", "2026-04-01", "index.html"]


def test_a_full_disk_costs_the_pages_and_not_the_day(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    land(run, "crm", "customer", [customer("ana")])
    validate(run)

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert write_pages(run, tmp_path) is None
    assert "No space left on device" in caplog.text
    monkeypatch.undo()
    page = write_pages(run, tmp_path)
    assert page is not None
    assert list(tmp_path.rglob(".*")) == []  # nothing half-written stays behind


def test_pages_of_days_long_past_go(run: Run, warehouse: Warehouse, tmp_path: Path) -> None:
    for name in ("2025-12-01", "2026-03-01", "notes"):
        (tmp_path / name).mkdir()
    build_pages(warehouse, run.business_date, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-03-01", "2026-03-31", "index.html", "notes"]
    assert "No delivery of this day" in written(tmp_path)["2026-03-31/index.html"]


def test_every_rule_has_a_chinese_name() -> None:
    assert set(ROW_RULES) | {"volume", "freshness"} <= set(RULES_ZH)


@pytest.mark.parametrize(
    ("values", "points"),
    [
        pytest.param([], "", id="none"),
        pytest.param([5], "", id="one"),
        pytest.param([0, 0], "2.0,26.0 158.0,26.0", id="nothing but zeros"),
        pytest.param([0, 10], "2.0,26.0 158.0,2.0", id="up"),
    ],
)
def test_sparkline(values: list[int], points: str) -> None:
    assert sparkline(values) == points
    assert pages.HISTORY_BATCHES == 30
