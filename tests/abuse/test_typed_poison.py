"""Values that are no text: what JSON can spell and Parquet can hold, in every column, between good neighbours."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retention.conform import publish_core
from retention.quality import validate
from retention.warehouse import Run, Warehouse
from tests.abuse.accounting import ends, unexplained
from tests.abuse.catalogue import ENTITIES, good_row
from tests.abuse.deliveries import TOLERANT, Desk
from tests.retention.quality.company import rows_of

pytestmark = pytest.mark.slow

SPELLED = [
    "NaN", "Infinity", "-Infinity", "1e400", "-0.0", "1" + "0" * 400, "9" * 5_000, "0.1", "true", "false", "{}", "[]", '{"a": [1, {"b": null}]}',
    "[" * 10_000 + "]" * 10_000, '{"x":' * 3_000 + "1" + "}" * 3_000, "1774951200", "1774951200000", "1774951200.25", '"\\ud83d\\ude00"', '"\\ud83d"',
    '"\\u0000"', '"' + "L" * 1_000_000 + '"',
]  # fmt: skip
"""JSON texts, as they stand in the line."""


def test_what_json_can_spell(desk: Desk, make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    run = make_run(settings=TOLERANT)
    given = {}
    for entity in ("customer", "product", "order", "complaint", "holding"):
        lines = [json.dumps(good_row(entity))]
        for column in ENTITIES[entity]:
            for number, spelled in enumerate(SPELLED[:-1] if column != ENTITIES[entity][3] else SPELLED):
                key = {ENTITIES[entity][0]: f"{column}-{number}"} if entity != "holding" else {"kind": f"{column}-{number}"}
                members = {name: json.dumps(value) for name, value in good_row(entity, **key).items()}
                members[column] = spelled
                lines.append("{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}")
        path = desk.folder / "jsonl" / f"{entity}_{run.business_date.isoformat()}.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        given[entity] = len(lines)
        desk.extract(run, "jsonl", entity)
    validate(run)
    publish_core(run)
    assert {entity: end.found for (_, entity), end in ends(warehouse).items()} == given
    assert unexplained(warehouse) == 0
    assert rows_of(warehouse, "select count(*) from core.order_header where order_id = 'o1'") == [(1,)]


def typed(run: Run) -> dict[str, pa.Array]:
    """Columns of orders with types of their own; the first and the last row are good."""
    good = datetime(2026, 3, 10, tzinfo=UTC)
    times = [
        good,
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        None,
        good,
    ]
    amounts: list[Any] = [100.0, np.nan, np.inf, -0.0, 1e308, 100.0]
    rows = len(times)
    return {
        "order_id": pa.array([2**63 - 1, -1, 0, 2, 3, 4], pa.int64()),
        "customer_id": pa.array(["ana"] * rows),
        "ordered_at": pa.array(times, pa.timestamp("us", "UTC")),
        "paid_at": pa.array([t.replace(tzinfo=None) if t else None for t in times], pa.timestamp("us")),
        "gross_amount": pa.array(amounts, pa.float64()),
        "discount_amount": pa.array([Decimal("0.00"), Decimal("1E-10"), Decimal("-1"), None, Decimal("9" * 28), Decimal(0)], pa.decimal128(38, 10)),
        "refunded_at": pa.array([None, date(1, 1, 1), date(9999, 12, 31), None, None, None], pa.date32()),
        "coupon_code": pa.array([True, False, None, True, True, True]),
        "store": pa.array([1.5, np.nan, 2.0**60, 0.1 + 0.2, -0.0, 1.0], pa.float32()),
        "updated_at": pa.array([good] * rows, pa.timestamp("ns", "UTC")),
    }  # fmt: skip


def test_what_parquet_can_hold(desk: Desk, make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    run = make_run(settings=TOLERANT)
    desk.deliver("parquet", "customer", run.business_date, [good_row("customer")])
    columns = typed(run)
    missing = {name: pa.nulls(6, pa.string()) for name in ENTITIES["order"] if name not in columns}
    pq.write_table(pa.table({**columns, **missing}), desk.folder / "parquet" / f"order_{run.business_date.isoformat()}.parquet")
    for entity in ("customer", "order"):
        desk.extract(run, "parquet", entity)
    validate(run)
    publish_core(run)
    counted = {entity: end for (_, entity), end in ends(warehouse).items()}
    assert counted["order"].found == counted["order"].extracted == 6
    assert unexplained(warehouse) == 0
    # 1970 is a year and -0.0 an amount; the others are the good neighbours.
    assert rows_of(warehouse, "select order_id from core.order_header order by 1") == [("2",), ("4",), (str(2**63 - 1),)]
