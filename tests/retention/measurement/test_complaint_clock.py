"""The complaint clock: one hour to acknowledge, twenty-four to answer, each breach recorded once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from retention.measurement import check_complaint_clock, record_complaints
from retention.privacy import row_key
from retention.warehouse import Run
from tests.conftest import PEPPER
from tests.retention.privacy.conftest import BO, insert

NOON = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


def complaint(number: str, opened_at: datetime, updated_at: datetime | None = None, **more: Any) -> dict[str, Any]:
    row = {
        "complaint_id": number, "customer_id": BO.numbers[0], "opened_at": opened_at.isoformat(), "acknowledged_at": None,
        "first_replied_at": None, "updated_at": (updated_at or opened_at).isoformat(), "severity": "minor",
        "responsible_team": "returns", "text": "never kept here",
    }  # fmt: skip
    return {**row, **{key: value.isoformat() if isinstance(value, datetime) else value for key, value in more.items()}}


def record(run: Run, *rows: dict[str, Any]) -> dict[str, int]:
    with run.warehouse.begin() as connection:
        return record_complaints(connection, PEPPER, "desk", rows)


def breaches(run: Run) -> list[tuple[str, str]]:
    with run.warehouse.connect() as connection:
        rows = connection.execute(sa.text("select clock, state from ops.complaint_breach order by complaint_key, clock")).all()
    return [tuple(row) for row in rows]


def test_a_complaint_nobody_acknowledged_is_raised_once_and_closed_when_answered(run: Run) -> None:
    record(run, complaint("1", NOON))
    assert check_complaint_clock(run, NOON + timedelta(minutes=60))["breaches_found"] == 0, "the last minute still counts"

    late = check_complaint_clock(run, NOON + timedelta(minutes=70))
    assert late["new_open_breaches"] == 1
    assert late["new_breaches"] == [
        {
            "complaint": str(row_key("desk", "1")),
            "clock": "acknowledge",
            "team": "returns",
            "severity": "minor",
            "due_at": (NOON + timedelta(hours=1)).isoformat(),
        }
    ]
    again = check_complaint_clock(run, NOON + timedelta(minutes=80))
    assert (again["breaches_found"], again["open_acknowledge"]) == (0, 1)

    answered = NOON + timedelta(minutes=85)
    record(run, complaint("1", NOON, updated_at=answered, acknowledged_at=answered, first_replied_at=answered))
    closed = check_complaint_clock(run, NOON + timedelta(minutes=90))
    assert (closed["breaches_closed"], closed["open_acknowledge"], closed["open_first_reply"]) == (1, 0, 0)
    assert breaches(run) == [("acknowledge", "closed")]


def test_the_second_clock_runs_for_a_day(run: Run) -> None:
    record(run, complaint("1", NOON, acknowledged_at=NOON + timedelta(minutes=5)))
    assert check_complaint_clock(run, NOON + timedelta(hours=24))["breaches_found"] == 0
    found = check_complaint_clock(run, NOON + timedelta(hours=24, seconds=1))
    assert (found["new_open_breaches"], found["open_first_reply"]) == (1, 1)


def test_an_answer_that_came_late_is_recorded_as_closed_and_alerts_nobody(run: Run) -> None:
    late = NOON + timedelta(hours=2)
    record(run, complaint("1", NOON, updated_at=late, acknowledged_at=late, first_replied_at=late))
    found = check_complaint_clock(run, NOON + timedelta(hours=3))
    assert (found["breaches_found"], found["new_open_breaches"]) == (1, 0)
    assert breaches(run) == [("acknowledge", "closed")]


def test_an_older_delivery_does_not_take_an_answer_back(run: Run) -> None:
    soon = NOON + timedelta(minutes=10)
    answered = complaint("1", NOON, updated_at=soon, acknowledged_at=soon, first_replied_at=soon)
    record(run, answered)
    counts = record(run, complaint("1", NOON))
    assert (counts["complaints_changed"], counts["complaints_unchanged"]) == (0, 1)
    assert check_complaint_clock(run, NOON + timedelta(days=2))["breaches_found"] == 0


def test_the_newest_of_two_states_in_one_delivery_counts(run: Run) -> None:
    soon = NOON + timedelta(minutes=10)
    record(
        run,
        complaint("1", NOON, updated_at=soon, acknowledged_at=soon, first_replied_at=soon),
        complaint("1", NOON),
        complaint("", NOON),
        {**complaint("2", NOON), "opened_at": "soon"},
    )
    assert check_complaint_clock(run, NOON + timedelta(days=2))["breaches_found"] == 0


def test_the_stream_and_core_know_the_same_complaint_by_the_same_key(run: Run) -> None:
    """The key that the SQL of core makes: one complaint, not two."""
    record(run, complaint("案-7", NOON))
    with run.warehouse.connect() as connection:
        key = connection.execute(
            sa.text(
                "select ('x' || encode(substr(sha256(convert_to('desk' || chr(31) || '案-7', 'UTF8')), 1, 8), 'hex'))"
                "::bit(64)::bigint"
            )
        ).scalar_one()
        known = connection.execute(sa.text("select complaint_key from ops.complaint_clock")).scalar_one()
    assert known == key


def test_what_core_knows_counts_without_the_stream(run: Run) -> None:
    insert(
        run.warehouse,
        "core.complaint",
        {"customer_key": 1, "opened_at": NOON, "valid_from": NOON, "version_at": NOON, "responsible_team": "returns"},
    )
    assert check_complaint_clock(run, NOON + timedelta(hours=25))["new_open_breaches"] == 2


def test_an_erased_person_does_not_come_back_through_the_clock(run: Run) -> None:
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into ops.batch (source, entity, business_date, run_id, state) "
            "values ('crm', 'customer', '2026-03-31', 'r', 'published')"
        )  # the desk uses the numbers of the CRM
        connection.execute(
            sa.text("insert into privacy.tombstone (source_customer_key, request_id, erased_at) values (:key, 'r', now())"),
            {"key": BO.keys[0]},
        )
    assert record(run, complaint("1", NOON))["complaints_of_erased"] == 1
    assert check_complaint_clock(run, NOON + timedelta(days=2))["breaches_found"] == 0


def test_teams_see_their_open_cases(run: Run) -> None:
    record(run, complaint("1", NOON), complaint("2", NOON - timedelta(hours=1), responsible_team=None))
    check_complaint_clock(run, NOON + timedelta(hours=2))
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text("select team, clock, breaches_open, oldest_due_at from bi.complaint_clock order by team")
        ).all()
    assert [(row.team, row.clock, row.breaches_open) for row in rows] == [
        ("returns", "acknowledge", 1),
        ("unassigned", "acknowledge", 1),
    ]


def test_an_answer_in_a_late_file_closes_the_breach(run: Run) -> None:
    """The desk has no stream: core learns weeks later, in one file, that the case was acknowledged and answered at noon of the day."""
    case = {
        "complaint_key": 5, "customer_key": 1, "opened_at": NOON, "valid_from": NOON, "version_at": NOON, "responsible_team": "returns",
    }  # fmt: skip
    insert(run.warehouse, "core.complaint", case)
    weeks_later = NOON + timedelta(days=20)
    assert check_complaint_clock(run, weeks_later)["new_open_breaches"] == 2
    answered = NOON + timedelta(days=3)
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text("update core.complaint set acknowledged_at = :at, first_replied_at = :at, version_at = :told"),
            {"at": answered, "told": weeks_later},
        )
    closed = check_complaint_clock(run, weeks_later + timedelta(minutes=10))
    assert (closed["breaches_closed"], closed["open_acknowledge"], closed["open_first_reply"]) == (2, 0, 0)


def test_a_case_that_the_source_deleted_stops_its_clocks(run: Run) -> None:
    """Opened by mistake: the breach is closed, and a case deleted in time never breaks one."""
    record(run, complaint("1", NOON))
    check_complaint_clock(run, NOON + timedelta(hours=2))
    gone = NOON + timedelta(hours=3)
    record(run, complaint("1", NOON, updated_at=gone, deleted_at=gone), complaint("2", NOON, updated_at=gone, deleted_at=gone))
    counts = check_complaint_clock(run, NOON + timedelta(hours=4))
    assert (counts["breaches_closed"], counts["breaches_found"], counts["open_acknowledge"]) == (1, 0, 0)
