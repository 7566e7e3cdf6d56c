"""The KPI queries: what they are bound to, and over which days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from retention.warehouse import Run, sql_file

YEARS = 3
"""How far back cohorts and funnels go."""
KPI_QUERIES = ("bi/_kpi_orders", "bi/_kpi_voice", "bi/_kpi_plays")


def kpi_query(name: str) -> str:
    """Return a query of KPIs, with the customers and their headings in the place of ``kpi.labels``."""
    labels = f"(\n{sql_file('bi/_kpi_labels')}\n)"
    return re.sub(r"(?<=(?:from|join) )kpi\.labels\b", lambda _: labels, sql_file(name))


def binds_of(run: Run) -> dict[str, Any]:
    """Return the binds of the measurement queries: the periods that end with the business day, clocks and windows."""
    settings = run.settings
    day = run.business_date
    month = date(day.year, day.month, 1)
    horizon = timedelta(days=settings.churn.horizon_days)
    return run.binds(
        day_start=settings.day_start(day),
        month_start=settings.day_start(month),
        business_timezone=settings.company.business_timezone,
        horizon_start=settings.day_start(run.as_of_date - horizon),
        base_start=settings.day_start(run.as_of_date - 2 * horizon),
        lowest_level=settings.membership.levels[0].name,
        acknowledge_within=timedelta(hours=settings.complaints.acknowledge_hours),
        reply_within=timedelta(hours=settings.complaints.first_reply_hours),
        outcome_days=settings.measurement.outcome_days,
        earliest_date=run.as_of_date - timedelta(days=settings.measurement.effect_history_days),
    )


def months_of(run: Run, table: str) -> dict[str, Any]:
    """Return the binds of the months that a date of a table by month holds.

    The month that the day closes and the one before; on the first of a month, and where no date came before, three years: what
    arrived late then restates the past.
    """
    with run.warehouse.connect() as connection:
        query = sa.text(f"select exists (select 1 from {table} where as_of_date < :as_of_date)")
        is_first = not connection.execute(query, {"as_of_date": run.as_of_date}).scalar_one()
    month = run.business_date.replace(day=1)
    if is_first or run.as_of_date.day == 1:
        first = month.replace(year=month.year - YEARS)
    else:
        first = (month - timedelta(days=1)).replace(day=1)
    return {"months_from": first, "months_start_at": run.settings.day_start(first)}


def kpis_over(run: Run, days: int) -> Sequence[sa.Row[Any]]:
    """Return the KPIs of customers over the days that end with the run's business day, in the columns of ``bi.kpi_value``."""
    since = run.settings.day_start(run.as_of_date - timedelta(days=days))
    binds = {**binds_of(run), "day_start": since, "month_start": since}
    rows: list[sa.Row[Any]] = []
    with run.warehouse.connect() as connection:
        for name in KPI_QUERIES[:2]:
            found = connection.execute(sa.text(kpi_query(name)), binds)
            rows.extend(row for row in found if row.period == "month")
    return rows
