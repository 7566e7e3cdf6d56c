"""Matured labels: what became of each prediction, kept beside what was said, and how reliable scores have been over time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from retention.models.report.data import Matured
from retention.models.report.shapes import NORMAL_95
from retention.warehouse import Run, Warehouse, lease, sql_file, statement

# Corrections that arrive within this many days of maturing change the outcome; later ones are rare and change little.
LATE_DAYS = 7


def record_outcomes(run: Run) -> dict[str, int]:
    """Compare every scored date whose horizon has passed by the run's as-of date, each in a transaction of its own.

    Dates compared before stay as they are, except those that matured within the last `LATE_DAYS`, for late orders and
    corrections. Rows older than the slices they came from may be (`settings.keep.month_end_slices_days`) are dropped.

    Returns
    -------
    Rows written, under `scores.outcome`.
    """
    binds = run.binds(late_days=LATE_DAYS)
    with run.warehouse.connect() as connection:
        due = connection.execute(*statement(sql_file("scores/_maturing"), binds)).mappings().all()
    written = 0
    for found in due:
        written += _record(run, dict(found))
    oldest = run.as_of_date - timedelta(days=run.settings.keep.month_end_slices_days)
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from scores.outcome where scored_as_of < :oldest"), {"oldest": oldest})
    return {"scores.outcome": written}


def _record(run: Run, due: dict[str, Any]) -> int:
    ends = due["scored_as_of"] + timedelta(days=due["horizon_days"])
    binds = run.binds(
        **due,
        starts_at=run.settings.day_start(due["scored_as_of"]),
        ends_at=run.settings.day_start(ends),
        discount=run.settings.clv.annual_discount_rate,
    )
    columns = (
        "kind, scored_as_of, customer_key, horizon_days, model_version, is_fallback, predicted, predicted_lower, "
        "predicted_upper, realised, matured_on, measured_as_of"
    )
    with lease(run, "scores.outcome", f"{due['kind']} {due['scored_as_of']}") as held, held.publishing() as connection:
        connection.execute(
            sa.text("delete from scores.outcome where kind = :kind and scored_as_of = :scored_as_of"),
            {"kind": due["kind"], "scored_as_of": due["scored_as_of"]},
        )
        insert = f"insert into scores.outcome ({columns}) select {columns} from (\n{sql_file('scores/_outcome')}\n) as found"
        rows = int(connection.execute(*statement(insert, binds)).rowcount)
        held.record(connection, "scores.outcome", rows)
    return rows


def matured(warehouse: Warehouse, kind: str) -> tuple[Matured, ...]:
    """Mean prediction beside mean outcome of every date that has come due, oldest first."""
    query = sa.text(
        "select scored_as_of, count(*) as customers, avg(predicted) as predicted, avg(realised) as realised, "
        "coalesce(stddev_samp(realised), 0) as spread from scores.outcome where kind = :kind group by scored_as_of "
        "order by scored_as_of"
    )
    with warehouse.connect() as connection:
        rows = connection.execute(query, {"kind": kind}).mappings().all()
    found = []
    for row in rows:
        half = NORMAL_95 * row["spread"] / row["customers"] ** 0.5
        ends = row["realised"] - half, row["realised"] + half
        found.append(Matured(row["scored_as_of"], row["customers"], row["predicted"], row["realised"], *ends))
    return tuple(found)
