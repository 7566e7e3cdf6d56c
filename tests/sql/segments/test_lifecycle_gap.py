"""Days that were not run: their transitions are told by the next run, with their own dates, and give way to a run of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from retention.features import build
from retention.segments import assign
from retention.settings import ChurnSettings, LifecycleSettings, Settings
from retention.warehouse import Run, Warehouse, read_frame
from tests.sql.features.company import WHO, Company
from tests.sql.segments.slices import publish_scores

FIRST, LAST = date(2026, 4, 1), date(2026, 4, 8)
# Short periods, so that a week sees every stage.
SETTINGS = Settings(
    churn=ChurnSettings(horizon_days=30),
    lifecycle=LifecycleSettings(new_days=20, lost_days=40, won_back_days=5, loyal_span_days=60),
)
STORIES: dict[str, list[str]] = {
    "Ana": ["2026-03-15"],  # new until 4 April, lapsed from the 5th
    "Bo": ["2026-02-24"],  # lapsed new; lost from 6 April
    "Chen": [
        "2026-03-10",
        "2026-03-21",
        "2026-03-23",
    ],  # every 6.5 days: overdue twice 13 days after 23 March, at risk from 5 April
    "Dai": ["2026-02-01", "2026-04-03"],  # lost, comes back on 3 April: won back from the 4th, repeat again from the 9th
    "Emma": ["2026-01-10", "2026-01-20", "2026-03-01", "2026-04-02"],  # fourth order on 2 April: loyal from the 3rd
    "Fang": ["2026-04-02", "2026-04-04"],  # prospect; new from 3 April, repeat from the 5th
    "Gao": [],  # a prospect throughout
    "Hana": ["2026-03-30"],  # new throughout
    "Ivo": ["2026-02-22 23:30", "2026-04-05 00:10"],  # lost from 4 April, comes back ten minutes into the 5th
    "Jin": ["2026-03-29", "2026-03-30"],  # repeat; at risk from 1 April, as every day is his rhythm
}


def _days(make_run: Callable[..., Run], days: list[date]) -> list[dict[str, Any]]:
    for day in days:
        assign(make_run(day - timedelta(days=1), settings=SETTINGS))
    rows = read_frame(make_run().warehouse, "select * from segments.lifecycle_move order by customer_key, as_of_date")
    records: list[dict[str, Any]] = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return records


def _told(moves: list[dict[str, Any]]) -> list[tuple[str, date, str | None, str]]:
    return sorted((WHO[m["customer_key"]], m["as_of_date"], m["from_stage"] or "", m["to_stage"]) for m in moves)


@pytest.fixture
def company(warehouse: Warehouse, make_run: Callable[..., Run]) -> Warehouse:
    """The people of the stories, with features and scores of each day."""
    company = Company(warehouse)
    for who, orders in STORIES.items():
        company.add_people(who)
        for paid in orders:
            company.add_orders(who, paid, 100)
    for offset in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=offset)
        build(make_run(day - timedelta(days=1), settings=SETTINGS))
        publish_scores(warehouse, day)
    return warehouse


def test_a_gap_tells_what_daily_runs_would_have_told(company: Warehouse, make_run: Callable[..., Run]) -> None:
    every_day = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
    daily = _days(make_run, every_day)
    stages = "select customer_key, lifecycle_stage, stage_since, previous_stage from segments.lifecycle where as_of_date = :day"
    held = read_frame(company, stages + " order by customer_key", {"day": LAST})
    for table in ("lifecycle", "lifecycle_gap", "lifecycle_move", "tier", "tier_move", "rfm", "value_matrix", "membership"):
        with company.begin() as connection:
            connection.exec_driver_sql(f"truncate segments.{table}")

    gap = _days(make_run, [FIRST, LAST])

    assert _told(gap) == _told(daily)
    assert ("Ana", date(2026, 4, 5), "new", "lapsed_new") in _told(gap)
    assert ("Chen", date(2026, 4, 5), "repeat", "at_risk") in _told(gap)
    assert [told[1:] for told in _told(gap) if told[0] == "Fang"] == [
        (FIRST, "", "prospect"),
        (date(2026, 4, 3), "prospect", "new"),
        (date(2026, 4, 5), "new", "repeat"),
        (date(2026, 4, 8), "repeat", "at_risk"),  # four days after the last, twice the two days of the own rhythm
    ]
    assert [told[1:] for told in _told(gap) if told[0] == "Ivo"][1:] == [
        (date(2026, 4, 4), "lapsed_new", "lost"),
        (date(2026, 4, 6), "lost", "won_back"),
    ]
    assert read_frame(company, stages + " order by customer_key", {"day": LAST}).equals(held)
    assert {move["run_as_of_date"] for move in gap} == {FIRST, LAST}

    # A day that is run later after all owns its transitions; the run that had told them gives way, also when it is run again.
    _days(make_run, [date(2026, 4, 5)])
    again = _days(make_run, [LAST])

    assert _told(again) == _told(daily)
    owners = {(WHO[m["customer_key"]], m["as_of_date"]): m["run_as_of_date"] for m in again}
    assert owners["Ana", date(2026, 4, 5)] == owners["Fang", date(2026, 4, 3)] == date(2026, 4, 5)
    assert owners["Ivo", date(2026, 4, 6)] == LAST


def test_the_first_run_dates_what_the_rules_date(company: Warehouse, make_run: Callable[..., Run]) -> None:
    moves = {WHO[move["customer_key"]]: (move["as_of_date"], move["to_stage"]) for move in _days(make_run, [FIRST])}

    assert moves["Ana"] == (date(2026, 3, 16), "new")  # from the day after the first order
    assert moves["Bo"] == (date(2026, 3, 17), "lapsed_new")  # 21 days after it
    assert moves["Dai"] == (date(2026, 3, 14), "lost")  # 41 days after the last order
    assert moves["Jin"] == (date(2026, 4, 1), "at_risk")  # two days after the last, twice the own rhythm
    assert moves["Chen"] == (FIRST, "repeat")  # since when is not told by any rule: the date of the run
    assert moves["Gao"] == (FIRST, "prospect")
