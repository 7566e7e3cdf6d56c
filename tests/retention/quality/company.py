"""A delivery desk for tests: lands rows the way extraction does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from retention.warehouse import Run, Warehouse, load_contract
from retention.warehouse.identifiers import quote

UPDATED = "2026-03-10T10:00:00+08:00"


def land(
    run: Run,
    source: str,
    entity: str,
    rows: Sequence[Mapping[str, str | None]],
    *,
    business_date: date | None = None,
    is_full: bool = False,
    cursor_to: str | None = None,
    file: str | None = None,
    extracted: int | None = None,
) -> int:
    """Land a batch and return its number; ``updated_at`` is filled in where a row leaves it out."""
    contract = load_contract(f"landing.{entity}")
    names = [c.name for c in contract.columns if c.name not in ("batch_id", "position", "file")]
    with run.warehouse.begin() as connection:
        batch_id = connection.execute(
            sa.text(
                "insert into ops.batch (source, entity, business_date, run_id, state, is_full, rows_extracted, cursor_to, landed_at) "
                "values (:source, :entity, :day, :run_id, 'landed', :is_full, :rows, :cursor_to, now()) returning batch_id"
            ),
            {
                "source": source,
                "entity": entity,
                "day": business_date or run.business_date,
                "run_id": run.attempt.run_id,
                "is_full": is_full,
                "rows": len(rows) if extracted is None else extracted,
                "cursor_to": cursor_to,
            },
        ).scalar_one()
        if rows:
            columns = ", ".join(["batch_id", "position", "file", *map(quote, names)])
            values = ", ".join([":batch_id", ":position", ":file", *(f":{name}" for name in names)])
            connection.execute(
                sa.text(f'insert into landing."{entity}" ({columns}) values ({values})'),
                [
                    {
                        **dict.fromkeys(names),
                        "updated_at": UPDATED,
                        "is_simulated": "false",
                        **row,
                        "batch_id": batch_id,
                        "position": position,
                        "file": file,
                    }
                    for position, row in enumerate(rows, start=1)
                ],
            )
    return int(batch_id)


_numbers = itertools.count(1)
_FILLERS = {
    "bigint": "0",
    "integer": "0",
    "numeric": "0",
    "boolean": "false",
    "date": "2026-01-01",
    "timestamptz": "2026-01-01",
}


def store(warehouse: Warehouse, table: str, **values: str) -> None:
    """Store one row of a table, filling what it must have: key columns with a new number, others with nothing in particular."""
    contract = load_contract(table)
    row = dict(values)
    for column in contract.columns:
        if column.name in contract.primary_key and column.type == "bigint":
            row.setdefault(column.name, str(next(_numbers)))
        elif not column.nullable and column.default is None and not column.identity:
            row.setdefault(column.name, _FILLERS.get(column.type, "x"))
    names, binds = ", ".join(map(quote, row)), ", ".join(f"cast(:{n} as {contract.column(n).type})" for n in row)
    with warehouse.begin() as connection:
        connection.execute(sa.text(f"insert into {contract.schema}.{quote(contract.name)} ({names}) values ({binds})"), row)


def rows_of(warehouse: Warehouse, query: str, **binds: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query as tuples."""
    with warehouse.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query), binds)]


def customer(customer_id: str, **more: str | None) -> dict[str, str | None]:
    """A plain customer, known since 2025."""
    return {
        "customer_id": customer_id,
        "name": f"Name of {customer_id}",
        "member_since": "2025-01-01T00:00:00+08:00",
        "created_at": "2025-01-01T00:00:00+08:00",
        **more,
    }


def order(
    order_id: str, customer_id: str, paid: str | None, amount: str = "100.00", **more: str | None
) -> dict[str, str | None]:
    """An order paid when it was placed."""
    return {
        "order_id": order_id,
        "customer_id": customer_id,
        "ordered_at": paid or "2026-03-01T12:00:00+08:00",
        "paid_at": paid,
        "gross_amount": amount,
        "discount_amount": "0",
        **more,
    }


def line(order_id: str, number: int, product_id: str = "milk", **more: str | None) -> dict[str, str | None]:
    """One unit of one product."""
    return {
        "order_id": order_id,
        "line_number": str(number),
        "product_id": product_id,
        "quantity": "1",
        "unit_price": "100.00",
        **more,
    }


def product(product_id: str, **more: str | None) -> dict[str, str | None]:
    """A product."""
    return {"product_id": product_id, "name": product_id, "category_path": "Food > Dairy > Milk", "list_price": "10.00", **more}
