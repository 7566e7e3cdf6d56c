"""What customers had ordered before the windows begin: summed once, and kept, so that a build reads the ledger of one year.

Sums of orders paid before a day more than a year ago (the cut) do not change any more, but for the few customers on whose old
orders something is booked, corrected or merged. A trigger on the ledger marks these in the transaction of the change; all of
their ledger is read then. Kept sums and ledger give the same rows as the ledger alone, which is what
:func:`~retention.features.compare` computes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.features.binds import BEFORE_ALL_ORDERS, feature_binds
from retention.features.states import customer_ranges
from retention.features.tables import past_sql
from retention.settings import Settings
from retention.warehouse import Run, load_contract, statement
from retention.warehouse.identifiers import quote

_MONTHS_KEPT = 3
"""The cut moves on once it lies so many months before where it could lie: moving it sums the ledger of all customers."""


def keep_past(run: Run) -> dict[str, int]:
    """Bring the kept sums up to date: for customers marked as stale, or for everybody when the cut has to move.

    Called once core is published. Writers of the ledger wait meanwhile: a moment on an ordinary day, and every three months for
    as long as it takes to read the whole ledger once.

    Returns
    -------
    Customers summed.
    """
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql("set local statement_timeout = 0")
        connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")  # it waits for the others
        connection.exec_driver_sql("lock table core.order_entry in share mode")
        cut, wanted = _cut(connection, run.settings), latest_cut(run.settings, run.as_of_date)
        if cut is None or cut < _months_before(run.settings, wanted, _MONTHS_KEPT):
            return {"summed": _sum_all(connection, run, wanted)}
        return {"summed": _sum_stale(connection, run, cut)}


def past_until(connection: Connection, settings: Settings, binds: dict[str, Any]) -> datetime:
    """Return up to where the kept sums may stand for the ledger in a build with these binds."""
    cut = _cut(connection, settings)
    usable = cut is not None and cut <= min(binds["since_365d"], binds["membership_year_start"])
    return cut if cut is not None and usable else BEFORE_ALL_ORDERS


def latest_cut(settings: Settings, as_of_date: date) -> datetime:
    """Return the latest beginning of a month that lies before all windows of a date."""
    day = as_of_date - timedelta(days=366)
    return settings.day_start(day.replace(day=1))


def _months_before(settings: Settings, cut: datetime, months: int) -> datetime:
    day = (cut + timedelta(days=1)).date()
    for _ in range(months):
        day = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    return settings.day_start(day)


def _cut(connection: Connection, settings: Settings) -> datetime | None:
    """Return up to where orders are summed, if it was done by the settings of today."""
    found: datetime | None = connection.execute(
        sa.text(
            "select max(cut_at) from features.order_past_cut "
            "where business_timezone = :business_timezone and lost_days = :lost_days"
        ),
        {"business_timezone": settings.company.business_timezone, "lost_days": settings.lifecycle.lost_days},
    ).scalar_one()
    return None if found is None else found.astimezone(UTC)


def _sum_all(connection: Connection, run: Run, cut: datetime) -> int:
    """Sum everybody's past anew, in ranges of customers side by side."""
    with run.warehouse.begin() as other:
        other.exec_driver_sql("set local statement_timeout = 0")
        other.exec_driver_sql("delete from features.order_past_cut")
        other.exec_driver_sql("delete from features.order_past")
    given = run.settings.features
    sql = _insert(past_sql())

    def fill(keys: dict[str, int]) -> int:
        with run.warehouse.begin() as filling:
            filling.exec_driver_sql(f"set local work_mem = '{given.work_mem_mb}MB'")
            filling.exec_driver_sql("set local max_parallel_workers_per_gather = 0")
            filling.exec_driver_sql("set local statement_timeout = 0")
            return int(filling.execute(*statement(sql, {**_binds(run.settings, cut), **keys})).rowcount)

    with ThreadPoolExecutor(max_workers=given.buckets) as pool:
        summed = sum(pool.map(fill, customer_ranges(connection, given)))
    connection.execute(
        sa.text("insert into features.order_past_cut values (:cut, :business_timezone, :lost_days, clock_timestamp())"),
        {
            "cut": cut,
            "business_timezone": run.settings.company.business_timezone,
            "lost_days": run.settings.lifecycle.lost_days,
        },
    )
    connection.exec_driver_sql("analyze features.order_past")
    return summed


def _sum_stale(connection: Connection, run: Run, cut: datetime) -> int:
    """Sum again who was marked, unless their source has deleted an entry: which is there or not by the date asked."""
    customers = connection.exec_driver_sql(
        "delete from features.order_past as past where is_stale and not exists (select 1 from core.order_entry as entry "
        "where entry.customer_key = past.customer_key and entry.deleted_at is not null) returning customer_key"
    ).scalars()
    stale = sorted(customers)
    if not stale:
        return 0
    sql = _insert(past_sql(touched=True))
    return int(connection.execute(*statement(sql, {**_binds(run.settings, cut), "customers": stale})).rowcount)


def _insert(sql: str) -> str:
    columns = ", ".join(map(quote, load_contract("features.order_past").column_names))
    return f"insert into features.order_past ({columns}) select {columns} from (\n{sql}\n) as summed"


def _binds(settings: Settings, cut: datetime) -> dict[str, Any]:
    """Return the binds of a sum over all entries before the cut, whoever is left out of the features on some date."""
    first_day = (cut + timedelta(hours=12)).astimezone(ZoneInfo(settings.company.business_timezone)).date()
    return {**feature_binds(settings, first_day), "leaves_out": False}
