"""Health of audiences, counted in the marketing database by hand, beside its objective."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from retention.measurement.health import check_health
from retention.warehouse import Run
from tests.retention.measurement.conftest import DAY, at
from tests.retention.measurement.health.conftest import CLOSED, NOW, SYNCS, count_audiences, found, table
from tests.retention.privacy.conftest import insert


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
