"""Storage limits: what is older than the settings allow is deleted, and how much is reported."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Run, all_contracts, partition_name
from retention.warehouse.identifiers import quote

_KEPT = frozenset({"bi", "campaigns"})
"""Slices without an end: measurements are aggregates over people; who was selected or held back is what effects are computed
from."""
_OF_DECISIONS = frozenset({"campaigns.eligibility", "campaigns.contender", "campaigns.customer_attributes"})
"""Why people were left out: most of a day's bytes, of interest for ``keep.decision_days``."""


def apply_limits(run: Run, now: datetime) -> dict[str, int]:
    """Delete landed rows, refused rows, abandoned staging, announced changes and slices past their time.

    Daily slices are kept ``keep.daily_slices_days``; those of the first day of a month, which close the month before, are kept
    ``keep.month_end_slices_days``; why people were left out of plays ``keep.decision_days``. Dropping a slice is dropping its
    partition. The newest slice of a table stays whatever its date, and so does one that was made less than
    ``keep.decision_days`` ago: a day of long ago that is run anew is not taken away from under the run.

    Returns
    -------
    Counts of what was deleted, by kind.
    """
    keep = run.settings.keep
    counts = {
        "landing_rows_expired": _landing(run, now - timedelta(days=keep.landing_days)),
        "quarantine_rows_expired": _quarantine(run, now - timedelta(days=keep.quarantine_days)),
        "staging_tables_dropped": _staging(run),
        "slices_dropped": _slices(run, now),
        "changes_expired": 0,
    }
    if run.marketing is not None:
        with run.marketing.begin() as connection:
            counts["changes_expired"] = _deleted(
                connection,
                # What replaying still needs stays: the newest row of a membership that goes on.
                "delete from marketing.audience_change as change where change.changed_at < :limit "
                "and (change.change = 'removed' or exists (select 1 from marketing.audience_change as later "
                "where later.campaign = change.campaign and later.customer_key = change.customer_key "
                "and later.sequence > change.sequence))",
                {"limit": now - timedelta(days=keep.daily_slices_days)},
            )
    return counts


def _deleted(connection: Connection, statement: str, binds: dict[str, Any]) -> int:
    return int(connection.execute(sa.text(statement), binds).rowcount)


def _landing(run: Run, limit: datetime) -> int:
    """Delete the rows of batches that ended, or died, before the limit; the batches stay, as the record of what came."""
    rows = 0
    with run.warehouse.begin() as connection:
        for contract in all_contracts().values():
            if contract.schema == "landing" and "batch_id" in contract.column_names:
                rows += _deleted(
                    connection,
                    f"delete from landing.{quote(contract.name)} as landed using ops.batch as batch "
                    "where landed.batch_id = batch.batch_id and batch.created_at < :limit "
                    "and batch.state in ('published', 'superseded', 'failed', 'extracting')",
                    {"limit": limit},
                )
    return rows


def _quarantine(run: Run, limit: datetime) -> int:
    with run.warehouse.begin() as connection:
        return _deleted(connection, 'delete from quarantine."row" where created_at < :limit', {"limit": limit})


def _staging(run: Run) -> int:
    """Drop staging tables of writers whose lease ran out or was taken over; a living writer's are left alone."""
    with run.warehouse.begin() as connection:
        names = connection.execute(
            sa.text(
                "select tablename from pg_catalog.pg_tables where schemaname = 'staging' and not exists ("
                "select 1 from ops.lease where expires_at > clock_timestamp() "
                "and tablename like '%\\_\\_' || cast(token as text))"
            )
        ).scalars()
        dropped = names.all()
        for name in dropped:
            connection.exec_driver_sql(f'drop table if exists staging."{name}"')
    return len(dropped)


def _slices(run: Run, now: datetime) -> int:
    keep, today = run.settings.keep, now.date()
    made_lately, in_the_making = _made_since(run, now - timedelta(days=keep.decision_days))
    daily, monthly = today - timedelta(days=keep.daily_slices_days), today - timedelta(days=keep.month_end_slices_days)
    of_decisions_from = today - timedelta(days=keep.decision_days)
    dropped = 0
    for contract in all_contracts().values():
        if contract.kind != "slice" or contract.database != "warehouse":
            continue
        of_decisions = contract.table in _OF_DECISIONS
        if contract.schema in _KEPT and not of_decisions:
            continue
        parent = f"{contract.schema}.{contract.name}"
        with run.warehouse.begin() as connection:
            partitions = connection.execute(
                sa.text(
                    "select child.relname from pg_catalog.pg_inherits as link "
                    "inner join pg_catalog.pg_class as child on link.inhrelid = child.oid "
                    "where link.inhparent = cast(:parent as regclass)"
                ),
                {"parent": f"{contract.schema}.{quote(contract.name)}"},
            ).scalars()
            dates = {as_of_date for name in partitions if (as_of_date := _date_of(name)) is not None}
            for as_of_date in sorted(dates):
                if as_of_date == max(dates) or (parent, as_of_date) in made_lately or as_of_date in in_the_making:
                    continue
                if as_of_date >= (of_decisions_from if of_decisions else monthly if as_of_date.day == 1 else daily):
                    continue
                connection.exec_driver_sql(f"drop table {partition_name(contract.table, as_of_date)}")
                connection.execute(
                    sa.text("delete from ops.published where table_name = :table_name and slice_key = :slice_key"),
                    {"table_name": parent, "slice_key": as_of_date.isoformat()},
                )
                dropped += 1
    return dropped


def _made_since(run: Run, limit: datetime) -> tuple[frozenset[tuple[str, date]], frozenset[date]]:
    """Return table and date of the slices published since an instant, and the dates that somebody is working on now."""
    is_date = "slice_key ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'"
    with run.warehouse.connect() as connection:
        published = connection.execute(
            sa.text(f"select table_name, cast(slice_key as date) from ops.published where {is_date} and published_at > :limit"),
            {"limit": limit},
        ).all()
        worked_on = connection.execute(
            sa.text(f"select cast(slice_key as date) from ops.lease where {is_date} and expires_at > clock_timestamp()")
        ).scalars()
        return frozenset((str(table), day) for table, day in published), frozenset(worked_on)


def _date_of(partition: str) -> date | None:
    """Return the date in a partition's name (``…_p20260401``)."""
    _, marker, digits = partition.rpartition("_p")
    if not marker or len(digits) != 8 or not digits.isdigit():
        return None
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
