"""Health of pipeline and audiences: what is found by hand, beside its objective, and who is told of what, once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from retention.deployment import Secrets
from retention.measurement.health import check_health, confirm_told, fill_audience_tables, pending_news
from retention.measurement.health.catalogue import catalogue, shown
from retention.measurement.health.judging import state_of
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, stage_writer
from tests.conftest import PEPPER
from tests.retention.measurement.conftest import DAY, at
from tests.retention.privacy.conftest import insert

NOW = at("2026-04-01 09:00")  # nine hours after the 31st ended
CLOSED = date(2026, 3, 31)


SYNCS = itertools.count(100)
WRITTEN = (
    "ops.run_ledger", "ops.lease", "ops.batch", "ops.published", "ops.score_drift", "ops.health_episode", 'landing."order"',
    "bi.health_check", "bi.audience_health", "bi.audience_overlap", "bi.audience_mix", "bi.audience_delivery", "bi.audience_cost",
    "campaigns.play", "campaigns.play_run", "campaigns.exclusion_count", "campaigns.push_receipt", "campaigns.guard_stop",
    "campaigns.delivery", "campaigns.match_key_coverage", "campaigns.target_receipt",
)  # fmt: skip
WRITTEN_THERE = (
    "consent_feed", "campaign_audience", "audience_change", "campaign_event", "acknowledgement", "audience_sync", "issued_send_key",
)  # fmt: skip


@pytest.fixture(scope="module")
def databases(server: Any, templates: dict[str, str]) -> Iterator[tuple[Warehouse, Warehouse]]:
    """Both databases for all tests of this file: making them takes longer than most of the tests."""
    opened = []
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for kind, template in templates.items():
            connection.execute(f"create database health_{kind} template {template}")
            opened.append(Warehouse(server.url(f"health_{kind}"), application_name="test"))
    warehouse, marketing = opened
    yield warehouse, marketing
    warehouse.dispose()
    marketing.dispose()


@pytest.fixture
def make_run(databases: tuple[Warehouse, Warehouse]) -> Callable[..., Run]:
    """Runs over both databases, emptied."""
    for database, names in zip(databases, (WRITTEN, [f"marketing.{name}" for name in WRITTEN_THERE]), strict=True):
        with database.begin() as connection:
            for name in names:
                connection.exec_driver_sql(f"delete from {name}")

    def make(day: date = CLOSED, settings: Settings | None = None) -> Run:
        attempt = Attempt("test", "run-1", "task", 1)
        return Run(day, databases[0], settings or Settings(), attempt, Secrets(pepper=PEPPER), databases[1])

    return make


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    """The look on the morning of 1 April, at databases without anything."""
    return make_run()


def ledger(run: Run, dataset: str, day: date = CLOSED, state: str = "published", seconds: float = 10, **more: Any) -> None:
    started = more.pop("started_at", at(f"{day + timedelta(days=1)} 01:00"))
    insert(
        run.warehouse,
        "ops.run_ledger",
        {
            "stage": dataset, "dataset": dataset, "slice_key": day.isoformat(), "business_date": day, "dag_id": "retention_x",
            "run_id": "r", "task_id": f"write_{dataset}", "try_number": 1, "token": 1, "state": state, "started_at": started,
            "ended_at": started + timedelta(seconds=seconds), **more,
        },
    )  # fmt: skip


def batch(run: Run, entity: str, day: date = CLOSED, rows: int = 1000, refused: int = 0, batch_id: int | None = None) -> None:
    insert(
        run.warehouse,
        "ops.batch",
        {
            "source": "sales", "entity": entity, "business_date": day, "run_id": "r", "state": "published",
            "rows_extracted": rows, "rows_valid": rows - refused, "rows_quarantined": refused,
            "created_at": at(f"{day + timedelta(days=1)} 00:30"),
        },
    )  # fmt: skip


def found(run: Run, check: str) -> dict[str, tuple[Any, ...]]:
    """Value and state by subject, as BI tools read them."""
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text("select subject, value, state from bi.health where check_name = :check order by 1"), {"check": check}
        ).all()
    return {row.subject: (None if row.value is None else round(row.value, 4), row.state) for row in rows}


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


# -- audiences, counted in the marketing database --------------------------------------------------------------------------
def member(run: Run, campaign: str, who: int, tier: str = "vip", band: str = "low", **more: Any) -> None:
    row = {
        "campaign": campaign, "customer_key": who, "kind": "promotional", "purpose": "marketing", "channel": "email",
        "offer": "none", "send_key": f"{campaign}|{who}", "service_tier": tier, "churn_band": band, "value_band": "high",
        "valid_from": NOW - timedelta(days=1), "valid_until": NOW + timedelta(days=5000), "sync_id": 1,
    }  # fmt: skip
    insert(run.marketing, "marketing.campaign_audience", {**row, **more})


def announce(run: Run, campaign: str, who: int, when: datetime, change: str = "added", channel: str = "email") -> None:
    """One push that changes one membership; the first one issues its key."""
    sync_id = next(SYNCS)
    insert(run.marketing, "marketing.audience_sync", {"stream": "audience", "token": sync_id, "pushed_at": when})
    with run.marketing.begin() as connection:
        sync_id = connection.execute(sa.text("select max(sync_id) from marketing.audience_sync")).scalar_one()
    insert(
        run.marketing,
        "marketing.audience_change",
        {
            "campaign": campaign, "customer_key": who, "send_key": f"{campaign}|{who}", "channel": channel, "change": change,
            "changed_at": when, "sync_id": sync_id, "valid_from": when, "valid_until": when + timedelta(days=9),
        },
    )  # fmt: skip
    if change == "added":
        insert(
            run.marketing,
            "marketing.issued_send_key",
            {"send_key": f"{campaign}|{who}", "customer_key": who, "sync_id": sync_id},
        )


def count_audiences(run: Run) -> None:
    with stage_writer(run, "bi") as writer:
        fill_audience_tables(writer, run)
        writer.publish()


def table(run: Run, sql: str) -> list[tuple[Any, ...]]:
    with run.warehouse.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(sql))]


def test_overlap_and_mix_by_hand(run: Run) -> None:
    """Ana is in three audiences, Bo in two, Chen and Dai in one."""
    for campaign, people in {"rescue": (1, 2, 3), "birthday": (1, 2), "holiday": (1, 4)}.items():
        for who in people:
            member(run, campaign, who, tier="vip" if who == 1 else "ordinary", band=None if who == 4 else "low")
    count_audiences(run)
    assert table(run, "select play, other_play, members, shared_members from bi.audience_overlap order by 1, 2") == [
        ("birthday", "*", 2, 2), ("birthday", "holiday", 2, 1), ("birthday", "rescue", 2, 2),
        ("holiday", "*", 2, 1), ("holiday", "birthday", 2, 1), ("holiday", "rescue", 2, 1),
        ("rescue", "*", 3, 2), ("rescue", "birthday", 3, 2), ("rescue", "holiday", 3, 1),
    ]  # fmt: skip
    assert table(
        run, "select member, members from bi.audience_mix where play = 'holiday' and dimension <> 'value_band' order by 1"
    ) == [("low", 1), ("ordinary", 1), ("unknown", 1), ("vip", 1)]
    assert table(run, "select campaign, members, permitted_members from bi.audience_health where campaign = 'rescue'") == [
        ("rescue", 3, 0)  # nobody consented
    ]


def test_what_became_of_what_was_handed_out(run: Run) -> None:
    """Ana: sent. Bo: taken over by the tool. Chen: bounced. Dai: nothing. Emma: taken back. Fay: too new. Gus: long ago."""
    week = at("2026-03-26 10:00")
    for who in range(1, 6):
        announce(run, "rescue", who, week)
    announce(run, "rescue", 5, week + timedelta(hours=3), change="removed")
    announce(run, "rescue", 6, at("2026-03-31 10:00"))
    announce(run, "rescue", 7, at("2026-03-10 10:00"))
    announce(run, "rescue", 7, week, change="updated")
    announce(run, "call", 8, week, channel="phone")
    for who, kind in ((1, "opened"), (3, "bounced")):
        insert(
            run.marketing,
            "marketing.campaign_event",
            {"campaign": "rescue", "customer_key": who, "send_key": f"rescue|{who}", "channel": "email", "kind": kind,
             "recorded_at": week + timedelta(hours=1)},
        )  # fmt: skip
    insert(run.marketing, "marketing.acknowledgement", {"send_key": "rescue|2", "acknowledged_at": week + timedelta(hours=1)})
    count_audiences(run)
    assert table(
        run,
        "select play, handed_out, acknowledged, sent, bounced, silent, is_reporting from bi.audience_delivery order by 1",
    ) == [("call", 1, 0, 0, 0, 1, False), ("rescue", 4, 1, 1, 1, 1, True)]


def test_costs_of_the_day(run: Run) -> None:
    for who, day in ((1, DAY), (2, DAY), (3, DAY - timedelta(days=1))):
        insert(run.warehouse, "campaigns.play", {"play": "rescue", "content_hash": f"h{who}"})
        insert(
            run.warehouse,
            "campaigns.delivery",
            {"send_key": f"r|{who}", "play": "rescue", "customer_key": who, "channel": "sms", "cost_minor": 5,
             "expected_cost_minor": 105.0 if who == 1 else None, "as_of_date": day},
        )  # fmt: skip
    count_audiences(run)
    assert table(run, "select play, channel, contacts, cost_minor, expected_cost_minor from bi.audience_cost") == [
        ("rescue", "sms", 2, 10, 110.0)
    ]


def slices(run: Run, name: str, days: int, **row: Any) -> None:
    """The same row on each of so many days before the day measured."""
    for back in range(1, days + 1):
        insert(run.warehouse, name, {**row, "as_of_date": DAY - timedelta(days=back)})


def test_an_audience_unlike_itself(run: Run) -> None:
    health = {"sendable_members": 0, "permitted_members": 500, "added": 0, "updated": 0, "removed": 0}
    for campaign, before, now in (("rescue", 100, 500), ("welcome", 900, 0), ("birthday", 3, 40), ("holiday", 500, 600)):
        slices(run, "bi.audience_health", 6, **{**health, "campaign": campaign, "members": before})
        if now:
            insert(run.warehouse, "bi.audience_health", {**health, "campaign": campaign, "members": now, "as_of_date": DAY})
    for member_name, before, now in (("vip", 80, 400), ("ordinary", 20, 100)):
        slices(run, "bi.audience_mix", 6, play="rescue", dimension="service_tier", member=member_name, members=before)
        insert(run.warehouse, "bi.audience_mix", {"as_of_date": DAY, "play": "rescue", "dimension": "service_tier",
                                                  "member": member_name, "members": now})  # fmt: skip
    for member_name, before, now in (("low", 100, 50), ("high", 0, 450)):
        slices(run, "bi.audience_mix", 6, play="rescue", dimension="churn_band", member=member_name, members=before)
        insert(run.warehouse, "bi.audience_mix", {"as_of_date": DAY, "play": "rescue", "dimension": "churn_band",
                                                  "member": member_name, "members": now})  # fmt: skip
    for other, shared in (("*", 300), ("holiday", 290)):
        insert(run.warehouse, "bi.audience_overlap", {"as_of_date": DAY, "play": "rescue", "other_play": other,
                                                      "members": 500, "shared_members": shared})  # fmt: skip
    check_health(run, NOW)
    assert found(run, "audience_size") == {
        "birthday": (1, "ok"), "holiday": (1.2, "ok"), "rescue": (5, "breach"), "welcome": (900, "breach"),
    }  # fmt: skip
    assert found(run, "audience_reachable") == {
        "birthday": (None, "not_measured"), "holiday": (0.8333, "warn"), "rescue": (1, "ok"),
    }  # fmt: skip
    assert found(run, "audience_overlap") == {"rescue": (0.6, "breach")}
    # (0.1 - 1) ln 0.1 + (0.9 - 0.0001) ln 9000: those at high risk are new in it; its tiers are what they were.
    assert found(run, "mix_shift") == {"rescue": (10.2659, "breach")}
    sentence = table(run, "select sentence_en, sentence_zh from bi.health where check_name = 'audience_overlap'")[0]
    assert sentence[0].endswith("(at most 50 %); most with holiday.")
    assert "60 %" in sentence[1]


def test_a_rule_that_suddenly_keeps_many_out(run: Run) -> None:
    plan = {"play": "rescue", "content_hash": "h", "population": 1000, "not_in_audience": 0}
    slices(run, "campaigns.play_run", 6, **plan, excluded=100, control=100, selected=800)
    slices(run, "campaigns.exclusion_count", 6, play="rescue", rule="no_consent", customers_first=100, customers_any=100)
    insert(run.warehouse, "campaigns.play_run", {**plan, "as_of_date": DAY, "excluded": 900, "control": 10, "selected": 90})
    insert(run.warehouse, "campaigns.exclusion_count", {"as_of_date": DAY, "play": "rescue", "rule": "no_consent",
                                                        "customers_first": 900, "customers_any": 900})  # fmt: skip
    check_health(run, NOW)
    assert found(run, "exclusions") == {"no_consent": (0.9, "breach")}


def test_success_and_nobody_there(run: Run) -> None:
    """Rescue was selected and pushed, and nobody is there; welcome waits for an approval; calls are tasks of staff."""
    insert(run.warehouse, "campaigns.push_receipt", {"sync_id": 1, "business_date": CLOSED})
    for play in ("rescue", "welcome", "calls", "birthday"):
        insert(
            run.warehouse,
            "campaigns.play_run",
            {
                "as_of_date": DAY,
                "play": play,
                "population": 100,
                "not_in_audience": 0,
                "excluded": 0,
                "control": 10,
                "selected": 90,
            },
        )
    insert(run.warehouse, "bi.audience_health", {"as_of_date": DAY, "campaign": "birthday", "members": 90, "added": 90})
    insert(run.warehouse, "campaigns.guard_stop", {"business_date": CLOSED, "play": "welcome", "measure": "size"})
    insert(run.warehouse, "campaigns.delivery", {"send_key": "c|1", "play": "calls", "customer_key": 1, "kind": "staff",
                                                 "valid_until": NOW + timedelta(days=3)})  # fmt: skip
    check_health(run, NOW)
    assert found(run, "audience_empty") == {
        "birthday": (0, "ok"), "calls": (0, "ok"), "rescue": (90, "breach"), "welcome": (0, "ok"),
    }  # fmt: skip


def test_the_marketing_database_read_back(run: Run) -> None:
    """What somebody deletes by hand is missed; who was erased on request is not."""
    from retention.warehouse import sql_file

    for who in range(1, 4):
        member(run, "rescue", who)
    with run.marketing.begin() as connection:
        total, checksum = connection.execute(sa.text(sql_file("marketing/_checksum"))).one()
    insert(run.marketing, "marketing.audience_sync", {"stream": "audience", "token": 1, "rows_total": total,
                                                      "checksum": checksum, "pushed_at": NOW - timedelta(hours=1)})  # fmt: skip
    check_health(run, NOW)
    assert found(run, "read_back") == {"marketing database": (0, "ok")}
    for who, value in ((1, 1), (2, 2)):
        with run.marketing.begin() as connection:
            connection.execute(sa.text("delete from marketing.campaign_audience where customer_key = :who"), {"who": who})
        check_health(run, NOW)
        assert found(run, "read_back") == {"marketing database": (value, "breach")}
    for who in (1, 2):  # announced by the erasure, not by a push
        insert(
            run.marketing,
            "marketing.audience_change",
            {"campaign": "rescue", "customer_key": who, "change": "removed", "reason": "erased", "changed_at": NOW},
        )
    check_health(run, NOW)
    assert found(run, "read_back") == {"marketing database": (0, "ok")}
    with run.marketing.begin() as connection:  # as many as there should be, and one of them is somebody else
        connection.execute(sa.text("update marketing.audience_sync set rows_total = 1"))
        connection.execute(sa.text("update marketing.campaign_audience set offer = 'forged'"))
    check_health(run, NOW)
    assert found(run, "read_back") == {"marketing database": (1, "breach")}


def test_feedback_bounces_matches_targets_and_costs(run: Run) -> None:
    given = {
        "as_of_date": DAY,
        "channel": "email",
        "handed_out": 100,
        "acknowledged": 0,
        "bounced": 7,
        "sent": 73,
        "silent": 20,
    }
    insert(run.warehouse, "bi.audience_delivery", {**given, "play": "rescue", "is_reporting": True})
    insert(run.warehouse, "bi.audience_delivery", {**given, "play": "call", "channel": "phone", "is_reporting": False,
                                                   "sent": 0, "bounced": 0, "silent": 100})  # fmt: skip
    for day, listed in ((DAY - timedelta(days=1), 90), (DAY, 40)):
        insert(run.warehouse, "campaigns.match_key_coverage", {"campaign": "rescue", "recipe": "google_v2", "key": "any",
                                                               "measured_on": day, "members": 100, "listed": listed})  # fmt: skip
    for token, state, hours in ((1, "reconciled", 40), (2, "differs", 2)):
        insert(run.warehouse, "campaigns.target_receipt", {"target": "mirror", "token": token, "state": state,
                                                           "fed_at": NOW - timedelta(hours=hours)})  # fmt: skip
    slices(run, "bi.audience_cost", 6, play="rescue", channel="email", contacts=100, cost_minor=500, expected_cost_minor=500.0)
    insert(run.warehouse, "bi.audience_cost", {"as_of_date": DAY, "play": "rescue", "channel": "email", "contacts": 400,
                                               "cost_minor": 2000, "expected_cost_minor": 2000.0})  # fmt: skip
    check_health(run, NOW)
    assert found(run, "feedback") == {"call by phone": (None, "not_measured"), "rescue by email": (0.8, "breach")}
    assert found(run, "failed_delivery") == {"email": (round(7 / 73, 4), "breach")}
    assert found(run, "match_coverage") == {"rescue for google_v2": (0.4, "breach")}
    assert found(run, "target_differs") == {"mirror": (1, "breach")}
    assert found(run, "targets") == {"mirror": (40, "breach")}
    assert found(run, "play_cost") == {"rescue": (4, "breach")}


# -- who is told ---------------------------------------------------------------------------------------------------------
def test_told_once_reminded_and_told_of_the_end(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order", refused=50)
    assert check_health(run, NOW)["begun"] == 1
    (news,) = pending_news(run, NOW)
    assert news.text.splitlines()[0] == "HEALTH 2026-04-01: 1 not well. 健康检查：异常 1 项。"
    assert "Source sales.order: 5 % of 1,000 rows of 2026-03-31 refused (at most 1 %)." in news.text
    assert "docs/health.md#rows-refused" in news.text
    assert pending_news(run, NOW) == [news], "who died before telling tells at the next look"
    confirm_told(run, news, [], NOW)
    for hours in (1, 24):
        check_health(run, NOW + timedelta(hours=hours))
        assert pending_news(run, NOW + timedelta(hours=hours)) == [], "told once, not every hour and not every day"
    later = NOW + timedelta(days=7)
    (reminder,) = pending_news(run, later)
    assert "STILL NOT WELL" in reminder.text
    confirm_told(run, reminder, [], later)
    batch(run, "order")
    with run.warehouse.begin() as connection:  # the day was delivered again
        connection.execute(sa.text("delete from ops.batch where rows_quarantined > 0"))
    check_health(run, later)
    assert pending_news(run, later) == [], "what wavers is not called well at once"
    check_health(run, later + timedelta(hours=1))
    (end,) = pending_news(run, later + timedelta(hours=1))
    assert "WELL AGAIN 已恢复: Source sales.order: 0 % of 1,000 rows" in end.text
    confirm_told(run, end, [], later)
    assert pending_news(run, later + timedelta(days=30)) == []


def test_a_channel_that_missed_it_is_told_alone(run: Run) -> None:
    batch(run, "order", refused=50)
    check_health(run, NOW)
    (news,) = pending_news(run, NOW)
    assert news.only == ()
    confirm_told(run, news, ["wecom"], NOW)
    (again,) = pending_news(run, NOW)
    assert again.only == ("wecom",)
    confirm_told(run, again, [], NOW + timedelta(days=3))
    assert pending_news(run, NOW + timedelta(days=6)) == []
    assert len(pending_news(run, NOW + timedelta(days=7))) == 1, "the reminder counts from when people were told first"


def test_since_says_when_the_state_began(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order", refused=50)
    check_health(run, NOW)
    check_health(make_run(CLOSED + timedelta(days=1)), NOW + timedelta(days=1))
    rows = table(run, "select as_of_date, state, since from bi.health where check_name = 'rows_refused'")
    assert rows == [(DAY + timedelta(days=1), "breach", NOW.astimezone(UTC))]
    kept = table(run, "select days_measured, days_kept, days_left from bi.health_objective where check_name = 'rows_refused'")
    assert kept == [(2, 0, pytest.approx(28 * 0.05 - 2))]


def test_a_day_of_long_ago_ends_no_alarm(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order", refused=50)
    check_health(run, NOW)
    confirm_told(run, pending_news(run, NOW)[0], [], NOW)
    check_health(make_run(date(2026, 1, 5)), NOW + timedelta(hours=5))
    assert pending_news(run, NOW + timedelta(hours=5)) == []
    assert table(run, "select ended_at from ops.health_episode") == [(None,)]


def test_a_play_that_is_gone_is_not_called_well(run: Run) -> None:
    ledger(run, "core", state="failed", started_at=NOW - timedelta(hours=5))
    check_health(run, NOW)
    confirm_told(run, pending_news(run, NOW)[0], [], NOW)
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.run_ledger where dataset = 'core'"))
    check_health(run, NOW + timedelta(days=3))
    assert pending_news(run, NOW + timedelta(days=3)) == []
    assert table(run, "select count(*) from ops.health_episode where ended_at is null") == [(0,)]


def test_warnings_are_sent_where_that_is_wanted(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order", refused=9)
    check_health(run, NOW)
    assert pending_news(run, NOW) == []
    eager = make_run(CLOSED, settings=replace(Settings(), health=replace(Settings().health, alert_warnings=True)))
    check_health(eager, NOW)
    assert len(pending_news(eager, NOW)) == 1


def test_a_message_names_twenty_and_counts_the_rest(run: Run) -> None:
    for number in range(30):
        batch(run, f"entity_{number:02}", refused=50)
    check_health(run, NOW)
    (news,) = pending_news(run, NOW)
    assert len(news.episodes) == 30
    assert news.text.count("refused (at most") == 20
    assert "… and 10 more, in bi.health." in news.text


def test_the_pipeline_tells_and_notes_who_missed_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention import pipeline
    from retention.alerts import Told

    batch(run, "order", refused=50)
    heard: list[tuple[str, ...]] = []

    def tell(told: Told) -> Callable[[str, str, tuple[str, ...]], Told]:
        def say(text: str, subject: str, only: tuple[str, ...]) -> Told:
            assert subject == "[retention] health: 1 not well"[: len(subject)] or "still not well" in subject
            heard.append(only)
            return told

        return say

    assert pipeline.check_health(run, NOW)["breach"] == 1
    assert pipeline.tell_health(run, NOW, tell(Told(failed={"configuration": "half"}))) == 1
    assert pipeline.tell_health(run, NOW, tell(Told(("webhook",), {"email": "SMTP 451"}))) == 1
    assert pipeline.tell_health(run, NOW, tell(Told(("email",)))) == 1
    assert pipeline.tell_health(run, NOW, tell(Told())) == 0
    assert heard == [(), (), ("email",)], "half a configuration told nobody; mail is told alone"


@pytest.mark.parametrize(("held_until", "is_late"), [("", True), ("2026-01-01", True), ("2100-01-01", False)])
def test_days_released_by_hand_are_not_late(run: Run, monkeypatch: pytest.MonkeyPatch, held_until: str, is_late: bool) -> None:
    from retention import pipeline

    monkeypatch.setenv("RETENTION_SCHEDULE_FROM", held_until)
    ledger(run, "core", date(2026, 3, 10))
    batch(run, "order", date(2026, 3, 10))
    assert pipeline.check_health(run, NOW)["breach"] == int(is_late)
    assert table(run, "select max(as_of_date) from bi.health") == [(DAY if is_late else date(2026, 3, 11),)]
    assert bool(found(run, "rows_refused")) is not is_late, "days that are released by hand are looked at, whenever they are"


def test_the_command_shows_what_is_not_well_and_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from retention.cli import app

    (tmp_path / "pepper").write_bytes(PEPPER)
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.setenv("RETENTION_PEPPER_FILE", str(tmp_path / "pepper"))
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", run.warehouse.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETENTION_MARKETING_URL", run.marketing.url.render_as_string(hide_password=False))
    batch(run, "order", refused=50)
    result = CliRunner().invoke(app, ["health", "--date", "2026-03-31"])
    assert result.exit_code == 5, result.output
    assert "breach  Source sales.order: 5 % of 1,000 rows of 2026-03-31 refused (at most 1 %)." in result.output
    assert "retention quarantine list" in result.output
    assert pending_news(run, NOW), "looking tells nobody"
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.batch"))
    assert CliRunner().invoke(app, ["health", "--date", "2026-03-31", "--all"]).exit_code == 0
