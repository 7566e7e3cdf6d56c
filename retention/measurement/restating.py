"""What was told of a day is told anew when its facts change afterwards, beside what was told first."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.measurement.kpis import FLOW_QUERIES, STOCK_QUERY, binds_of, kpi_query, label_tables, make_labels
from retention.warehouse import Run, load_contract, sql_file
from retention.warehouse.writer import StageWriter

_TABLE = "bi.kpi_restatement"
Fingerprints = dict[date, str]
"""What the facts of a business day come to."""


def fill_restatements(writer: StageWriter, run: Run) -> Fingerprints:
    """Fill the day's slice of ``bi.kpi_restatement``: days and closed months whose facts are not what they were when told.

    Days go back as far as daily slices are kept, whose headings they are told under. A date before the newest one measured
    keeps what it told: what is known now was told already.

    Returns
    -------
    What the facts of the recent days come to now, to be kept by :func:`keep_fingerprints` when the slices are published.
    """
    writer.staging(_TABLE)
    window = run.settings.keep.daily_slices_days
    binds = {
        "window_start": run.settings.day_start(run.as_of_date - timedelta(days=window)),
        "as_of": run.as_of,
        "business_timezone": run.settings.company.business_timezone,
    }
    with run.warehouse.connect() as connection:
        newest = connection.exec_driver_sql("select max(known_as_of) from ops.measured_day").scalar()
        is_past = newest is not None and newest > run.as_of_date
        found: Fingerprints = {
            row.business_date: row.fingerprint for row in connection.execute(sa.text(sql_file("bi/_measured_days")), binds)
        }
        told: Fingerprints = {
            row.business_date: row.fingerprint
            for row in connection.execute(
                # What the measurement before saw: the same date measured again tells the same anew.
                sa.text(
                    "select business_date, fingerprint from ops.measured_day where business_date >= :first "
                    "and known_as_of = (select max(known_as_of) from ops.measured_day where known_as_of < :as_of_date)"
                ),
                {"first": run.as_of_date - timedelta(days=window), "as_of_date": run.as_of_date},
            )
        }
        measured = set(
            connection.execute(
                sa.text(
                    "select cast(slice_key as date) from ops.published where table_name = 'bi.kpi_value' intersect "
                    "select cast(slice_key as date) from ops.published where table_name = 'segments.tier'"
                )
            ).scalars()
        )
    if is_past:
        columns = ", ".join(load_contract(_TABLE).column_names)
        writer.fill_select(_TABLE, f"select {columns} from {_TABLE} where as_of_date = :as_of_date")
        return {}
    changed = [day for day, before in told.items() if found.get(day, "") != before and day < run.business_date]
    for day in sorted(changed):
        if day + timedelta(days=1) in measured:
            _tell_anew(writer, run, day, "day", FLOW_QUERIES)
    for first in sorted({_next_month(day) for day in changed}):
        if first in measured and first < run.as_of_date:
            _tell_anew(writer, run, first - timedelta(days=1), "month", (*FLOW_QUERIES, STOCK_QUERY))
    return found


def _tell_anew(writer: StageWriter, run: Run, day: date, period: str, queries: tuple[str, ...]) -> None:
    """Add the KPIs of the day, or of the month that it closes, as they were measured then but of the facts as known now."""
    then = Run(day, run.warehouse, run.settings, run.attempt, run.secrets, run.marketing)
    binds = {**binds_of(then), "known_at": run.as_of, "known_as_of": run.as_of_date, "period": period}
    if period == "day":
        binds["month_start"] = binds["day_start"]  # only the day is read
    columns = ", ".join(name for name in load_contract(_TABLE).column_names if name not in ("as_of_date", "measured_as_of"))
    with label_tables(then, writer.lease, is_every_heading=False) as labels:
        make_labels(then, labels, is_day_only=period == "day")
        for name in queries:
            writer.fill_select(
                _TABLE,
                f"select cast(:known_as_of as date) as as_of_date, as_of_date as measured_as_of, {columns} "
                f"from (\n{kpi_query(name, labels)}\n) as told where period = :period",
                binds,
            )


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def keep_fingerprints(connection: Connection, run: Run, found: Fingerprints) -> None:
    """Keep what the days came to as of this measurement; days without a fact have none, and get one when facts arrive."""
    if not found:
        return
    first = run.as_of_date - timedelta(days=run.settings.keep.daily_slices_days)
    rows: list[dict[str, Any]] = [
        {"day": first + timedelta(days=number), "print": found.get(first + timedelta(days=number), ""), "known": run.as_of_date}
        for number in range((run.as_of_date - first).days)
    ]
    connection.execute(
        sa.text(
            "delete from ops.measured_day where known_as_of >= :known or known_as_of < "
            "(select max(known_as_of) from ops.measured_day where known_as_of < :known)"
        ),
        {"known": run.as_of_date},
    )
    connection.execute(
        sa.text("insert into ops.measured_day (business_date, fingerprint, known_as_of) values (:day, :print, :known)"), rows
    )


def keep_first(run: Run, staged: str) -> None:
    """Before a date measured earlier is replaced, keep what was published first of every figure that comes out differently.

    Parameters
    ----------
    staged : str
        Staging of ``bi.kpi_value``.
    """
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into bi.kpi_first "
                "(as_of_date, kpi, period, dimension, member, numerator, denominator, value, customers) "
                "select told.as_of_date, told.kpi, told.period, told.dimension, told.member, told.numerator, told.denominator, "
                f"told.value, told.customers from bi.kpi_value as told left join {staged} as now on told.kpi = now.kpi "
                "and told.period = now.period and told.dimension = now.dimension and told.member = now.member "
                "where told.as_of_date = :as_of_date "
                "and (told.value, told.numerator, told.customers) is distinct from (now.value, now.numerator, now.customers) "
                "on conflict do nothing"
            ),
            {"as_of_date": run.as_of_date},
        )
