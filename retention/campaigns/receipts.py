"""Receipts: what the marketing database is known to hold, booked in the warehouse.

One transaction cannot span two servers, so a push commits in the marketing database first. ``audience_sync`` there says
which pushes happened; whatever is in it and not in ``campaigns.push_receipt`` is booked here, by whoever comes next: the push
itself, its retry after a crash, or the next plan. Booking twice changes nothing.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from retention.campaigns.errors import NoMarketingDatabase
from retention.campaigns.streaming import copy_rows
from retention.warehouse import Run, Warehouse, failpoint, sql_file

STREAM = "audience"
_RECEIVED = """
create temporary table received (
    change text, reason text, send_key text, campaign text, customer_key bigint, kind text, channel text, offer text,
    offer_terms text, content_key text, service_tier text, lifecycle_stage text, churn_band text, value_band text,
    reasons_en text, reasons_zh text, joined_on date, valid_from timestamptz, valid_until timestamptz
) on commit drop
"""
_REMOVE = """
update campaigns.delivery as delivery set removed_on = :as_of_date, removed_reason = received.reason
from pg_temp.received as received
where received.change = 'removed' and delivery.send_key = received.send_key and delivery.removed_on is null
"""
_RECEIPT = (
    "sync_id", "business_date", "token", "rows_added", "rows_updated", "rows_removed", "tasks_added", "tasks_withdrawn",
    "checksum",
)  # fmt: skip


def marketing_of(run: Run) -> Warehouse:
    """Return the run's marketing database.

    Raises
    ------
    NoMarketingDatabase when it has none.
    """
    if run.marketing is None:
        raise NoMarketingDatabase("audiences have nowhere to go: set RETENTION_MARKETING_URL. Nothing was pushed.")
    return run.marketing


def receive(run: Run) -> int:
    """Book every push that is not booked yet, in order, each in a transaction of its own.

    Returns
    -------
    Pushes booked.
    """
    with run.warehouse.connect() as connection:
        booked = set(connection.execute(sa.text("select sync_id from campaigns.push_receipt")).scalars())
    with marketing_of(run).connect() as marketing:
        syncs = [
            sync
            for sync in marketing.execute(
                sa.text("select * from marketing.audience_sync where stream = :stream order by sync_id"), {"stream": STREAM}
            )
            if sync.sync_id not in booked
        ]
        for sync in syncs:
            with run.warehouse.begin() as connection:
                book(connection, sync, marketing)
                failpoint("push.before_receipt_commit")
    return len(syncs)


def book(connection: Connection, sync: Row[Any], marketing: Connection) -> None:
    """Book one push: what it took back, its deliveries, its approval, and last the receipt itself."""
    connection.exec_driver_sql(_RECEIVED)
    copy_rows(
        marketing,
        sql_file("marketing/_sync_changes"),
        {"sync_id": sync.sync_id},
        connection,
        "pg_temp.received",
        "push.receipt_read",
    )
    connection.exec_driver_sql("analyze pg_temp.received (change, campaign, customer_key, send_key)")
    # Removals first: a key that comes back in the same push has moved to the surviving record of a person.
    connection.execute(sa.text(_REMOVE), {"as_of_date": sync.as_of_date})
    connection.execute(
        sa.text(sql_file("campaigns/_book_deliveries")),
        {"as_of_date": sync.as_of_date, "sync_id": sync.sync_id, "pushed_at": sync.pushed_at},
    )
    if sync.approval_id is not None:
        connection.execute(
            sa.text(
                "update campaigns.approval set used_at = :pushed_at, used_by_run = :run_id "
                # Number and day: in a warehouse restored from a backup the number may be somebody else's.
                "where approval_id = :approval_id and business_date = :business_date and used_at is null"
            ),
            {
                "pushed_at": sync.pushed_at,
                "run_id": sync.run_id,
                "business_date": sync.business_date,
                "approval_id": sync.approval_id,
            },
        )
    connection.execute(
        sa.text(
            "insert into campaigns.push_receipt (sync_id, business_date, token, rows_added, rows_updated, rows_removed, "
            "tasks_added, tasks_withdrawn, checksum) values (:sync_id, :business_date, :token, :rows_added, :rows_updated, "
            ":rows_removed, :tasks_added, :tasks_withdrawn, :checksum) on conflict (sync_id) do nothing"
        ),
        {name: getattr(sync, name) for name in _RECEIPT},
    )
