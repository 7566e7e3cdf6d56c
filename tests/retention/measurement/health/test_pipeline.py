"""Health of the pipeline: what is found by hand, beside its objective."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.measurement.health import check_health, pending_news
from retention.measurement.health.catalogue import catalogue, shown
from retention.measurement.health.judging import state_of
from retention.settings import Settings
from retention.warehouse import Run
from tests.retention.measurement.conftest import DAY, at
from tests.retention.measurement.health.conftest import CLOSED, NOW, batch, found, ledger
from tests.retention.privacy.conftest import insert


# -- verdicts ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "objective", "is_at_least", "state"),
    [
        (8, 10, False, "ok"), (8.1, 10, False, "warn"), (10, 10, False, "warn"), (10.1, 10, False, "breach"),
        (0, 0, False, "ok"), (1, 0, False, "breach"),
        (0.6, 0.5, True, "ok"), (0.59, 0.5, True, "warn"), (0.49, 0.5, True, "breach"),
        (None, 10, False, "not_measured"), (3, None, False, "not_measured"),
    ],
)  # fmt: skip
def test_a_value_beside_its_objective(value: float | None, objective: float | None, is_at_least: bool, state: str) -> None:
    assert state_of(value, objective, is_at_least=is_at_least, warn_share=0.8) == state


@pytest.mark.parametrize(
    ("value", "unit", "english", "chinese"),
    [
        (26.2, "hours", "26 h", "26 小时"), (0.5, "hours", "30 min", "30 分钟"), (0.0312, "share", "3.12 %", "3.12 %"),
        (4.21, "times", "4.21 times", "4.21 倍"), (1234.5, "minor", "12.35 CNY", "12.35 CNY"), (3, "count", "3", "3"),
    ],
)  # fmt: skip
def test_values_are_written_with_their_units(value: float, unit: str, english: str, chinese: str) -> None:
    assert (shown(value, unit, "en", 2, "CNY"), shown(value, unit, "zh", 2, "CNY")) == (english, chinese)


def test_every_check_has_words_in_both_languages_and_a_page(project: Any) -> None:
    page = (project / "docs" / "health.md").read_text()
    for check in catalogue().values():
        assert all(
            getattr(check, f"{part}_{language}") for part in ("label", "sentence", "advice") for language in ("en", "zh")
        )
        assert f"### {check.name.replace('_', '-')}\n" in page, check.name


# -- pipeline ------------------------------------------------------------------------------------------------------------
def test_a_warehouse_without_anything_is_not_unwell(run: Run) -> None:
    counts = check_health(run, NOW)
    assert counts["breach"] == counts["warn"] == 0
    assert pending_news(run, NOW) == []


def test_stages_that_owe_a_day(run: Run) -> None:
    ledger(run, "core")
    ledger(run, "features", date(2026, 3, 30))  # owes the 31st, which ended nine hours ago
    ledger(run, "scores", date(2026, 3, 29))  # owes the 30th for a day more
    check_health(run, NOW)
    assert found(run, "day_ready") == {"core": (0, "ok"), "features": (9, "breach"), "scores": (33, "breach")}
    check_health(run, at("2026-04-01 06:00"))
    assert found(run, "day_ready")["features"] == (6, "ok"), "the morning has not come yet"
    check_health(run, NOW, is_live=False)
    assert found(run, "day_ready") == {}, "days that are released by hand are not late"


def test_a_source_with_a_limit_of_its_own(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order")
    batch(run, "referral", date(2026, 3, 25))
    check_health(run, NOW)
    assert found(run, "source_fresh") == {"sales.order": (0, "ok"), "sales.referral": (24 * 5 + 9, "breach")}
    slower = replace(Settings().health, source_hours_by_entity={"sales.referral": 192.0})
    check_health(make_run(CLOSED, settings=replace(Settings(), health=slower)), NOW)
    assert found(run, "source_fresh")["sales.referral"] == (129, "ok")


def test_refused_rows_of_the_newest_delivery(run: Run) -> None:
    batch(run, "order", date(2026, 3, 30), refused=500)
    batch(run, "order", refused=11)
    batch(run, "complaint", rows=20, refused=10)
    check_health(run, NOW)
    assert found(run, "rows_refused") == {"sales.order": (0.011, "breach"), "sales.complaint": (None, "not_measured")}


def test_late_rows_are_those_that_speak_of_earlier_days_only(run: Run) -> None:
    """Ana's order was changed on the day, Bo's came three days late; nobody says of Chen's when it was changed."""
    batch(run, "order", date(2026, 3, 30))
    batch(run, "order")
    with run.warehouse.connect() as connection:
        older, newest = connection.execute(sa.text("select batch_id from ops.batch order by 1")).scalars()
    rows = [
        *[(f"ana-{n}", "2026-03-01T09:00:00+08:00", "2026-03-31T10:00:00+08:00") for n in range(90)],
        *[(f"bo-{n}", "2026-03-28T09:00:00+08:00", "2026-03-28T09:00:00+08:00") for n in range(6)],
        *[(f"chen-{n}", "2026-03-30T23:59:59+08:00", None) for n in range(4)],
        *[(f"dai-{n}", "2026-03-31T00:00:00+08:00", "") for n in range(25)],
    ]
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                'insert into landing."order" (batch_id, position, order_id, ordered_at, updated_at) '
                "values (:batch, 1, :order, :ordered, :updated)"
            ),
            [{"batch": newest, "order": order, "ordered": ordered, "updated": updated} for order, ordered, updated in rows]
            + [{"batch": older, "order": "old", "ordered": "2020-01-01T00:00:00Z", "updated": None}],
        )
    check_health(run, NOW)
    assert found(run, "late_rows") == {"sales.order": (0.08, "breach")}  # Bo's six and Chen's four of 125
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.batch where batch_id = :older"), {"older": older})
    check_health(run, NOW)
    assert found(run, "late_rows") == {}, "the first delivery of all brings history, and none of it is late"


def test_attempts_that_fail_and_what_nobody_made_good(run: Run) -> None:
    for hour in range(4):
        ledger(run, "scores", state="failed", started_at=at(f"2026-04-01 0{hour}:00"), message="x")
    ledger(run, "scores", started_at=at("2026-04-01 05:00"))
    ledger(run, "features", state="failed", started_at=at("2026-04-01 07:00"))
    check_health(run, NOW)
    assert found(run, "failures") == {
        "retention_x.write_features": (1, "ok"),
        "retention_x.write_scores": (4, "breach"),
    }
    assert found(run, "unfinished") == {"features": (2, "breach"), "scores": (0, "ok")}


def test_a_task_much_slower_than_usual_and_what_the_day_cost(run: Run, make_run: Callable[..., Run]) -> None:
    for days in range(1, 8):
        ledger(run, "features", CLOSED - timedelta(days=days), seconds=100 + days)
        ledger(run, "segments", CLOSED - timedelta(days=days), seconds=2)
    ledger(run, "features", seconds=520)
    ledger(run, "segments", seconds=60)  # thirty times, and still short
    priced = replace(Settings().health, compute_hour_cost=9.0, compute_day_budget=1.0)
    check_health(make_run(CLOSED, settings=replace(Settings(), health=priced)), NOW)
    assert found(run, "task_seconds") == {
        "retention_x.write_features (features)": (5, "breach"),
        "retention_x.write_segments (segments)": (1, "ok"),
    }
    assert found(run, "compute_cost") == {"all tasks": (145, "breach")}  # 580 s of 9.00 an hour
    with run.warehouse.connect() as connection:
        cost = connection.execute(
            sa.text("select seconds, cost_minor from bi.pipeline_run where business_date = :day and dataset = 'features'"),
            {"day": CLOSED},
        ).one()
    assert tuple(cost) == pytest.approx((520, 130))


def test_clocks_that_stand_still(run: Run) -> None:
    insert(run.marketing, "marketing.consent_feed", {"feed": "consent", "heartbeat_at": NOW - timedelta(hours=3)})
    check_health(run, NOW)
    assert found(run, "consent_feed") == {"consent": (3, "ok")}, "fed once a day by the command line: 26 hours hold"
    assert found(run, "complaint_clock") == {}
    for dag, dataset in (("retention_consent", "consent"), ("retention_complaint_clock", "complaint_clock")):
        ledger(run, dataset, dag_id=dag, slice_key="*", started_at=NOW - timedelta(hours=3), seconds=0)
    check_health(run, NOW)
    assert found(run, "consent_feed") == {"consent": (3, "breach")}
    assert found(run, "complaint_clock") == {"complaint clock": (3, "breach")}


def test_scores_that_moved_from_training(run: Run) -> None:
    for name, index in (("score", 0.3), ("recency_days", 9.0)):
        insert(
            run.warehouse,
            "ops.score_drift",
            {"as_of_date": DAY, "kind": "churn", "input_name": name, "stability_index": index, "level": "warn"},
        )
    check_health(run, NOW)
    assert found(run, "score_shift") == {"churn": (0.3, "breach")}
