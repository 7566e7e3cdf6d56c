"""Receipts: what the marketing database is known to hold, booked in the warehouse.

One transaction cannot span two servers, so a push commits in the marketing database first. ``audience_sync`` there says
which pushes happened; whatever is in it and not in ``campaigns.push_receipt`` is booked here, by whoever comes next: the push
itself, its retry after a crash, or the next plan. Booking twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from retention.campaigns.errors import NoMarketingDatabase
from retention.warehouse import Run, Warehouse, failpoint, sql_file

STREAM = "audience"
_CHUNK = 5_000
_COPIED = (
    "send_key", "campaign", "customer_key", "kind", "channel", "offer", "offer_terms", "content_key", "service_tier",
    "lifecycle_stage", "churn_band", "value_band", "reasons_en", "reasons_zh", "joined_on", "valid_from", "valid_until",
)  # fmt: skip
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
                book(connection, sync, _changes(marketing, sync.sync_id))
                failpoint("push.before_receipt_commit")
    return len(syncs)


def _changes(marketing: Connection, sync_id: int) -> Iterator[list[dict[str, Any]]]:
    """Yield what a push added, changed and took back, some at a time: members, then staff tasks, removals first."""
    columns = ", ".join(f"cast({name} as text) as {name}" for name in _COPIED)
    members = sa.text(
        f"select change, reason, {columns} from marketing.audience_change where sync_id = :sync_id "
        "and reason is distinct from 'erased' order by change <> 'removed', sequence"
    )
    tasks = sa.text(
        "select case when withdrawn_by = :sync_id then 'removed' else 'added' end as change, "
        "case when withdrawn_by = :sync_id then 'withdrawn' end as reason, send_key, campaign, "
        "cast(customer_key as text) as customer_key, 'staff' as kind, 'staff' as channel, offer, offer_terms, "
        "campaign as content_key, cast(null as text) as service_tier, cast(null as text) as lifecycle_stage, "
        "cast(null as text) as churn_band, cast(null as text) as value_band, reasons_en, reasons_zh, "
        "cast(joined_on as text) as joined_on, cast(due_from as text) as valid_from, cast(due_until as text) as valid_until "
        "from marketing.staff_task where sync_id = :sync_id or withdrawn_by = :sync_id order by 1 desc, send_key"
    )
    for query in (members, tasks):
        rows = marketing.execute(query.execution_options(yield_per=_CHUNK), {"sync_id": sync_id})
        for some in rows.partitions():
            yield [row._asdict() for row in some]


def book(connection: Connection, sync: Row[Any], changes: Iterable[Sequence[dict[str, Any]]]) -> None:
    """Book one push: its deliveries, what it took back, its approval, and last the receipt itself."""
    for some in changes:
        removed = [row for row in some if row["change"] == "removed"]
        if removed:
            connection.execute(
                sa.text(
                    "update campaigns.delivery as delivery set removed_on = :as_of_date, removed_reason = row.reason "
                    "from jsonb_to_recordset(cast(:rows as jsonb)) as row (send_key text, reason text) "
                    "where delivery.send_key = row.send_key and delivery.removed_on is null"
                ),
                {"rows": json.dumps(removed), "as_of_date": sync.as_of_date},
            )
        delivered = [row for row in some if row["change"] != "removed"]
        if delivered:
            connection.execute(
                sa.text(sql_file("campaigns/_book_deliveries")),
                {
                    "rows": json.dumps(delivered),
                    "as_of_date": sync.as_of_date,
                    "sync_id": sync.sync_id,
                    "pushed_at": sync.pushed_at,
                },
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
