"""Linking anew without a delivery: after a decision of a person, or with a newly trained model.

The same steps as at publishing, under the same lease and in one fenced transaction: link, let the facts follow, number the
orders of everybody touched, put the people together anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.conform.orders import list_moved_products, publish_orders
from retention.conform.people import follow, rebuild_people
from retention.conform.rates import list_rates
from retention.identity import resolve
from retention.warehouse import Run, lease


def relink(run: Run, change: Callable[[Connection], list[int]]) -> dict[str, Any]:
    """Carry out a change of who is who, and everything that follows from it.

    Parameters
    ----------
    run : Run
        Whose lease on core is taken; its business date only dates what is open.
    change : callable
        Makes the change in the transaction and returns the source customers around which to link anew.

    Returns
    -------
    ``members`` looked at, ``moved`` to another person, ``people`` put together anew.

    Raises
    ------
    Fenced when a newer attempt has taken over; nothing was changed.
    """
    with lease(run, "core", "*", stage="relink") as held, held.publishing() as connection:
        connection.exec_driver_sql("set local work_mem = '256MB'")
        resolution = resolve(connection, run, change(connection), 0)
        if resolution.moved:
            follow(connection, resolution.moved)
            _renumber(connection, run, resolution.touched)
        rows = rebuild_people(connection, resolution.touched)
        for table, written in rows.items():
            held.record(connection, table, written)
    return {"members": resolution.members, "moved": len(resolution.moved), "people": len(resolution.touched)}


def everybody(connection: Connection) -> list[int]:
    """Return all source customers: what a newly trained model bears on."""
    return [int(key) for key in connection.execute(sa.text("select source_customer_key from pii.source_customer")).scalars()]


def _renumber(connection: Connection, run: Run, people: set[int]) -> None:
    """Number the orders of people anew, with an empty delivery."""
    company = run.settings.company
    binds = {
        "base_currency": company.base_currency,
        "business_timezone": company.business_timezone,
        "minor_factor": 10**company.base_currency_minor_digits,
        "as_of_date": run.as_of_date,
    }
    connection.exec_driver_sql("drop table if exists pg_temp.delivery, pg_temp.repriced_order")
    connection.exec_driver_sql(
        "create temporary table delivery (batch_id bigint primary key, source text, entity text, customer_source text, "
        "product_source text, order_source text, landed_at timestamptz) on commit drop"
    )
    connection.exec_driver_sql("create temporary table repriced_order (order_key bigint) on commit drop")
    list_rates(connection, binds)
    list_moved_products(connection)
    publish_orders(connection, set(), binds, people)
