"""Publishing core: the validated batches of a day become core, personal data and consent, in one fenced transaction.

Readers see the state before or after, never between. The cursors of the sources move in the same transaction, so that what
was read is read again exactly when it was not published.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.conform.merge import append, rebuild, upsert
from retention.conform.orders import list_moved_products, publish_orders
from retention.conform.people import rebuild_people, store_people
from retention.conform.rates import list_rates, remember_rates, reprice
from retention.conform.references import fill_products, list_unknown_customers
from retention.quality import CheckFailed, Delivery, NothingLanded, drop_erased, find_deliveries, hold, published_until
from retention.sources.kept import keep
from retention.warehouse import Lease, Run, failpoint, lease

# In this order: what others refer to comes first. Orders have their own step between products and the rest.
_AFTER_ORDERS = {
    "customer_tag": "core.customer_tag",
    "interaction": "core.interaction",
    "survey_answer": "core.survey_answer",
    "referral": "core.referral",
    "campaign_event": "core.campaign_event",
    "points_entry": "core.points_entry",
    "contract": "core.contract",
    "holding": "core.holding",
    "external_mention": "core.external_mention",
}
_PERSONAL = {
    "customer_tag": "customer_id", "consent": "customer_id", "order": "customer_id", "complaint": "customer_id",
    "interaction": "customer_id", "survey_answer": "customer_id", "referral": "referrer_customer_id",
    "campaign_event": "customer_id", "points_entry": "customer_id", "contract": "customer_id", "holding": "customer_id",
}  # fmt: skip
_ANALYZE_FROM_ROWS = 10_000
_ANALYZE_FROM_SHARE = 0.05


def publish_core(run: Run) -> dict[str, Any]:
    """Conform and publish the validated batches of the business day.

    Idempotent: batches already published are not read again, so a second call changes nothing and says so.

    Returns
    -------
    Rows written by table, ``batches``, ``linked`` (source customers that share their person with others), ``moved`` (source
    customers that belong to another person than before) and ``tombstoned``.

    Raises
    ------
    NothingLanded when no batch of the day is validated or published, nor any of a later day.
    CheckFailed when a batch still waits for validation, or a valid row cannot be conformed.
    Fenced when a newer attempt has taken over; nothing was changed.
    """
    with run.warehouse.connect() as connection:
        found = find_deliveries(connection, run.business_date, ["landed", "validated", "published"])
        covered = published_until(connection, run.business_date)
    if not found and covered is not None:
        return {"batches": 0, "linked": 0, "moved": 0, "tombstoned": 0, "already_published_until": covered.isoformat()}
    _refuse_unready(run, found)
    if all(delivery.state == "published" for delivery in found):
        return {"batches": 0, "linked": 0, "moved": 0, "tombstoned": 0}
    with lease(run, "core", "*") as held, held.publishing() as connection:
        report = _publish(held, connection)
    return report


def _refuse_unready(run: Run, found: list[Delivery]) -> None:
    if not found:
        raise NothingLanded(
            f"core {run.business_date}: no batch has landed for this business date. Nothing published; the last "
            "good state stays "
            "in force. Run the extraction and validation of this date first."
        )
    waiting = [delivery.where for delivery in found if delivery.state == "landed"]
    if waiting:
        raise CheckFailed(
            f"core {run.business_date}: {len(waiting)} of {len(found)} batches are not validated, the first is "
            f"{waiting[0]}. Nothing "
            "published. Run the validation of this date first.",
            runbook="not-validated",
        )


def _publish(held: Lease, connection: Connection) -> dict[str, Any]:
    run = held.run
    # Read again under the lease: another attempt may have published since.
    deliveries = find_deliveries(connection, run.business_date, ["validated"])
    if not deliveries:
        return {"batches": 0, "linked": 0, "moved": 0, "tombstoned": 0}
    hold(connection, deliveries, "validated")
    connection.exec_driver_sql("set local work_mem = '256MB'")
    tombstoned = _drop_erased_since(connection, run, deliveries)
    _list_deliveries(connection, deliveries)
    company = run.settings.company
    binds = {
        "base_currency": company.base_currency,
        "business_timezone": company.business_timezone,
        "minor_factor": 10**company.base_currency_minor_digits,
        "as_of_date": run.as_of_date,
    }
    entities = {delivery.entity for delivery in deliveries}
    rows: dict[str, int] = {}
    rows |= _publish_rates(connection, entities, binds)
    list_moved_products(connection)
    if "product" in entities:
        rows["core.product"] = upsert(connection, "core.product", binds)
        fill_products(connection)
    rows["pii.source_customer"], resolution = store_people(connection, run)
    _refuse_unresolved(connection, deliveries)
    list_unknown_customers(connection, run)
    if "customer" in entities:
        rows["core.customer_source"] = upsert(connection, "core.customer_source", binds)
    failpoint("conform.people_stored")
    rows |= publish_orders(connection, entities, binds, resolution.touched)
    failpoint("conform.orders_stored")
    tagged: set[int] = set()
    for entity, table in _AFTER_ORDERS.items():
        if entity in entities:
            rows[table] = upsert(connection, table, binds)
            if entity == "customer_tag":
                tagged = _tagged_people(connection)
    if "consent" in entities:
        rows["privacy.consent"] = append(connection, "privacy.consent", binds)
    if "complaint" in entities:
        cases = "kept.complaint_key in (select complaint_key from pg_temp.rebuilt)"
        rows["core.complaint"] = rebuild(connection, "core.complaint", cases, binds)
    people = resolution.touched | tagged
    rows |= rebuild_people(connection, people)
    for table, written in rows.items():
        _refresh_statistics(connection, table, written)
        held.record(connection, table, written)
    keep(connection, deliveries)
    _close_batches(connection, deliveries)
    return {
        **rows,
        "batches": len(deliveries),
        "linked": resolution.linked,
        "moved": len(resolution.moved),
        "tombstoned": tombstoned,
    }


def _drop_erased_since(connection: Connection, run: Run, deliveries: list[Delivery]) -> int:
    """Drop rows of people who were erased between validation and now.

    An erasure that begins after this waits for our lease to end and then removes what was published of the person.
    """
    total = 0
    for batch_id, rows in drop_erased(connection, run, deliveries).items():
        connection.execute(
            sa.text(
                "update ops.batch set rows_tombstoned = rows_tombstoned + :rows, rows_valid = rows_valid - :rows "
                "where batch_id = :batch_id"
            ),
            {"rows": rows, "batch_id": batch_id},
        )
        total += rows
    return total


def _list_deliveries(connection: Connection, deliveries: list[Delivery]) -> None:
    """Make ``pg_temp.delivery``: the batches being published, and whose numbers each of them uses."""
    connection.exec_driver_sql("drop table if exists pg_temp.delivery")
    connection.exec_driver_sql(
        "create temporary table delivery (batch_id bigint primary key, source text, entity text, customer_source text, "
        "product_source text, order_source text, landed_at timestamptz) on commit drop"
    )
    connection.execute(
        sa.text(
            "insert into pg_temp.delivery select :batch_id, :source, :entity, :customer_source, "
            ":product_source, :order_source, "
            "coalesce(landed_at, created_at) from ops.batch where batch_id = :batch_id"
        ),
        [
            {
                "batch_id": d.batch_id,
                "source": d.source,
                "entity": d.entity,
                "customer_source": d.customer_source,
                "product_source": d.product_source,
                "order_source": d.order_source,
            }
            for d in deliveries
        ],
    )
    connection.exec_driver_sql("analyze pg_temp.delivery")


def _publish_rates(connection: Connection, entities: set[str], binds: dict[str, Any]) -> dict[str, int]:
    """Merge market series, list the exchange rates, and convert anew what lies on days whose rate has changed."""
    if "market_indicator" not in entities:
        list_rates(connection, binds)
        connection.exec_driver_sql("drop table if exists pg_temp.repriced_order")
        connection.exec_driver_sql("create temporary table repriced_order (order_key bigint) on commit drop")
        return {}
    remember_rates(connection, binds)
    written = upsert(connection, "core.market_indicator", binds)
    list_rates(connection, binds)
    reprice(connection, binds)
    return {"core.market_indicator": written}


def _refuse_unresolved(connection: Connection, deliveries: list[Delivery]) -> None:
    """Stop when a valid row names a customer that is not stored: joining would lose it without a word."""
    for delivery in deliveries:
        column = _PERSONAL.get(delivery.entity)
        if column is None:
            continue
        lost, first = connection.execute(
            sa.text(
                f"select count(*), min(landed.position) from {delivery.table} as landed where landed.batch_id = :batch_id "
                "and not exists (select 1 from pii.source_customer as known where known.source = :source "
                f"and known.customer_id = landed.{column})"
            ),
            {"batch_id": delivery.batch_id, "source": delivery.customer_source},
        ).one()
        if lost:
            raise CheckFailed(
                f"{delivery.where}: {lost:,} valid rows name a customer that is not stored (first at row {first:,}). Nothing "
                "published. Validate this date again.",
                runbook="unknown-customer",
            )


def _refresh_statistics(connection: Connection, table: str, written: int) -> None:
    """Tell the planner of a table that has grown by much: what it does not know costs minutes where seconds do.

    After a small day on a long history it knows enough, and reading a sample of every table would be most of the day's work.
    """
    if written < _ANALYZE_FROM_ROWS:
        return
    known = connection.execute(
        sa.text("select greatest(reltuples, 0) from pg_class where oid = cast(:table as regclass)"), {"table": table}
    ).scalar_one()
    if written >= known * _ANALYZE_FROM_SHARE:
        connection.exec_driver_sql(f"analyze {table}")


def _tagged_people(connection: Connection) -> set[int]:
    """Return whoever got or lost a tag (``pg_temp.incoming``): being staff is known by one."""
    return set(connection.exec_driver_sql("select distinct customer_key from pg_temp.incoming").scalars())


def _close_batches(connection: Connection, deliveries: list[Delivery]) -> None:
    """Mark the batches published and move the cursors of their sources, never back."""
    batches = {"batches": [delivery.batch_id for delivery in deliveries]}
    connection.execute(
        sa.text("update ops.batch set state = 'published', published_at = clock_timestamp() where batch_id = any(:batches)"),
        batches,
    )
    connection.execute(
        sa.text(
            "insert into ops.source_cursor as stored (source, entity, cursor_value, business_date, updated_at) "
            "select distinct on (source, entity) source, entity, cursor_to, business_date, clock_timestamp() from ops.batch "
            "where batch_id = any(:batches) and cursor_to is not null order by source, entity, batch_id desc "
            "on conflict (source, entity) do update set cursor_value = excluded.cursor_value, "
            "business_date = excluded.business_date, updated_at = excluded.updated_at "
            "where stored.business_date <= excluded.business_date"
        ),
        batches,
    )
