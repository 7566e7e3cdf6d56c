"""Feature and score slices of named people, written straight into place: what the segment tests start from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from retention.features import FEATURE_TABLES
from retention.segments.assign import SCORE_TABLES
from retention.warehouse import Warehouse, ensure_partitions, load_contract, read_frame
from tests.sql.features.company import KEYS, WHO, moment

_EMPTY: dict[str, Any] = {"integer": 0, "bigint": 0, "double precision": 0.0, "text": "test", "boolean": False}


def publish_inputs(warehouse: Warehouse, as_of: date, people: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the slices of a date in place, as the stages before would.

    ``people`` maps a name to columns of any of the tables; a person with ``recency_days`` is a purchaser. Columns left out
    are 0 or null, what a purchaser needs follows from the others.
    """
    tables = [*FEATURE_TABLES, *SCORE_TABLES]
    ensure_partitions(warehouse, tables, as_of)
    with warehouse.begin() as connection:
        for table in tables:
            connection.execute(sa.text(f"delete from {table} where as_of_date = :day"), {"day": as_of})
            connection.execute(
                sa.text(
                    "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
                    "values (:table, :day, 1, 0, 'test', now()) on conflict do nothing"
                ),
                {"table": table, "day": as_of.isoformat()},
            )
        for who, told in people.items():
            for table in tables:
                if "recency_days" in told or table not in ("features.customer_orders", *SCORE_TABLES):
                    row = _row(table, as_of, who, told)
                    names = ", ".join(row)
                    values = ", ".join(f":{name}" for name in row)
                    connection.execute(sa.text(f"insert into {table} ({names}) values ({values})"), row)


def publish_scores(warehouse: Warehouse, as_of: date, churn_probability: float = 0.1) -> None:
    """Give every purchaser of a date the same scores."""
    ensure_partitions(warehouse, [*SCORE_TABLES], as_of)
    with warehouse.begin() as connection:
        purchasers = connection.execute(
            sa.text("select customer_key from features.customer_orders where as_of_date = :day"), {"day": as_of}
        ).scalars()
        told = {"churn_probability": churn_probability, "recency_days": 1}
        for key in purchasers.all():
            for table in SCORE_TABLES:
                row = _row(table, as_of, WHO[key], told)
                names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
                connection.execute(sa.text(f"insert into {table} ({names}) values ({values})"), row)
        for table in SCORE_TABLES:
            connection.execute(
                sa.text(
                    "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
                    "values (:table, :day, 1, 0, 'test', now()) on conflict do nothing"
                ),
                {"table": table, "day": as_of.isoformat()},
            )


def read_slice(warehouse: Warehouse, table: str, as_of: date) -> dict[str, dict[str, Any]]:
    """Return the rows of a slice by name of the person."""
    rows = read_frame(warehouse, f"select * from {table} where as_of_date = :day", {"day": as_of})
    rows = rows.astype(object).where(rows.notna(), None)
    return {WHO[row["customer_key"]]: row for row in rows.to_dict("records")}


def _row(table: str, as_of: date, who: str, told: Mapping[str, Any]) -> dict[str, Any]:
    days = int(told.get("recency_days", 0))
    follows = {
        "as_of_date": as_of,
        "customer_key": KEYS[who],
        "first_order_at": moment("2024-01-01"),
        "last_order_at": moment("2024-01-01"),
        "tenure_days": days,
        "count_orders_lifetime": 1,
        "count_order_days_lifetime": 1,
        "horizon_days": 90,
    }
    row = {}
    for column in load_contract(table).columns:
        if column.name in told:
            value = told[column.name]
            row[column.name] = moment(value) if column.type == "timestamptz" else value
        elif not column.nullable:
            row[column.name] = follows.get(column.name, _EMPTY.get(column.type))
    return row
