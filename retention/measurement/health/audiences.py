"""What the marketing database holds, summed for the day: size, overlap, mix, what became of what was handed out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from retention.warehouse import Run, StageWriter, load_contract, sql_file

FROM_MARKETING = ("bi.audience_health", "bi.audience_overlap", "bi.audience_mix", "bi.audience_delivery")
"""Counted there and stored here: the two databases may be on different servers."""
HANDED_OUT_DAYS = 7
_TYPES = {
    "date": pa.date32(),
    "text": pa.string(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "boolean": pa.bool_(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


def fill_audience_tables(writer: StageWriter, run: Run) -> None:
    """Fill the day's slices of ``bi.audience_*``: those counted in the marketing database are empty without one.

    Parameters
    ----------
    writer : StageWriter
        Of the stage ``bi``; it checks and publishes.
    run : Run
        The day measured.
    """
    settings = run.settings.health
    handed_until = run.as_of - timedelta(hours=settings.feedback_grace_hours)
    binds = {
        "as_of_date": run.as_of_date,
        "handed_from": handed_until - timedelta(days=HANDED_OUT_DAYS),
        "handed_until": handed_until,
        "grace": timedelta(hours=settings.feedback_grace_hours),
        "compared_from": run.as_of - timedelta(days=settings.comparison_days),
    }
    for table in FROM_MARKETING:
        writer.staging(table)
        rows = _counted(run, table, binds)
        if rows.num_rows:
            writer.fill_arrow(table, rows)
    writer.fill_select("bi.audience_cost", sql_file("bi/audience_cost"))


def _counted(run: Run, table: str, binds: dict[str, Any]) -> pa.Table:
    """Return the rows of one table, as counted in the marketing database now."""
    columns = load_contract(table).columns
    schema = pa.schema([(column.name, _TYPES[column.type]) for column in columns])
    if run.marketing is None:
        return schema.empty_table()
    with run.marketing.connect() as connection:
        rows = connection.execute(sa.text(sql_file(table.replace(".", "/_"))), binds).mappings().all()
    return pa.Table.from_pylist([{column.name: row[column.name] for column in columns} for row in rows], schema=schema)
