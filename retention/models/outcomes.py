"""Matured labels: what became of each prediction, kept beside what was said, and how reliable scores have been over time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.models.report.data import Matured
from retention.models.report.shapes import NORMAL_95
from retention.warehouse import Run, Warehouse, lease, read_frame, sql_file, statement

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
        due = connection.execute(*statement(with_scored_dates("scores/_maturing"), binds)).mappings().all()
    written = 0
    for found in due:
        written += _record(run, dict(found))
    oldest = run.as_of_date - timedelta(days=run.settings.keep.month_end_slices_days)
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from scores.outcome where scored_as_of < :oldest"), {"oldest": oldest})
    return {"scores.outcome": written}


def with_scored_dates(name: str) -> str:
    """Return a query with the dates that are kept of each kind of score in the place of ``scored.dates``."""
    return sql_file(name).replace("scored.dates as", f"(\n{sql_file('scores/_scored_dates')}\n) as")


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
        if due["kind"] == "renewal":
            rows = _record_contracts(run, connection, due["scored_as_of"])
        else:
            insert = (
                f"insert into scores.outcome ({columns}) select {columns} from (\n{sql_file('scores/_outcome')}\n) as found"
            )
            rows = int(connection.execute(*statement(insert, binds)).rowcount)
        held.record(connection, "scores.outcome", rows)
    return rows


def _record_contracts(run: Run, connection: Connection, scored_as_of: date) -> int:
    """What became of the contracts that were due; one whose source deleted it before it was decided has no outcome."""
    from retention.models.renewal.contracts import Contracts

    sql = (
        "select contract_key, customer_key, renewal_date, decided_on, model_version, is_fallback, "
        "non_renewal_probability as predicted from scores.renewal where as_of_date = :scored_as_of order by contract_key"
    )
    due = read_frame(connection, sql, {"scored_as_of": scored_as_of})
    if due.empty:
        return 0
    contracts = Contracts.read(run)
    # Contracts that were scored and are in no state any more (their holder was erased) have no outcome either.
    due = due[due["contract_key"].isin(contracts.states["contract_key"].unique())]
    if due.empty:
        return 0
    ended = contracts.churned(due.assign(renewal_date=pd.to_datetime(due["renewal_date"])), scored_as_of)
    known = np.isfinite(ended)
    matured_on = max(due["decided_on"])
    rows = [
        {
            **{name: one[name] for name in ("customer_key", "contract_key", "model_version", "is_fallback", "predicted")},
            "scored_as_of": scored_as_of, "horizon_days": (one["decided_on"] - scored_as_of).days, "realised": realised,
            "matured_on": matured_on, "measured_as_of": run.as_of_date,
        }
        for one, realised in zip(due[known].to_dict("records"), ended[known].tolist(), strict=True)
    ]  # fmt: skip
    if rows:
        names, binds = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
        connection.execute(sa.text(f"insert into scores.outcome (kind, {names}) values ('renewal', {binds})"), rows)
    return len(rows)


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
