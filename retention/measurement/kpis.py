"""The KPI queries: what they are bound to, and over which days."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from retention.warehouse import Run, sql_file
from retention.warehouse.lease import Lease

YEARS = 3
"""How far back cohorts and funnels go."""
FLOW_QUERIES = ("bi/_kpi_plays", "bi/_kpi_orders", "bi/_kpi_voice")
"""What happened in a period, by those it happened to."""
STOCK_QUERY = "bi/_kpi_stock"
"""What all customers are."""
SPEND_QUERY = "bi/_kpi_spend"
"""What promotion cost and brought: needs the effects of plays."""
KPI_QUERIES = (*FLOW_QUERIES, STOCK_QUERY, SPEND_QUERY)
REVIEW_QUERIES = ("bi/_kpi_orders", STOCK_QUERY, "bi/_kpi_voice")


@dataclass(frozen=True)
class Labels:
    """Where the customers with their cells are, and the headings of each cell: tables, or the queries in brackets."""

    customers: str
    headings: str
    is_every_heading: bool = True
    """Whether headings under which nothing happened get a row of nought."""


def kpi_query(name: str, labels: Labels | None = None) -> str:
    """Return a query of KPIs, with customers and headings in the places of ``kpi.labels`` and ``kpi.headings``.

    Parameters
    ----------
    name : str
        Name of the query under include/sql.
    labels : Labels, optional
        Tables that hold them, where many queries share them (:func:`label_tables`).
    """
    if labels is None:
        labels = Labels(f"(\n{sql_file('bi/_kpi_labels')}\n)", f"(\n{sql_file('bi/_kpi_headings')}\n)", is_every_heading=False)
    text = sql_file(name).replace(":is_every_heading", str(labels.is_every_heading).lower())
    return _put(_put(text, "headings", labels.headings), "labels", labels.customers)  # those name these


def _put(text: str, relation: str, given: str) -> str:
    return re.sub(rf"(?<=(?:from|join) )kpi\.{relation}\b", lambda _: given, text)


def binds_of(run: Run) -> dict[str, Any]:
    """Return the binds of the measurement queries: the periods that end with the business day, clocks and windows.

    Facts are known as of the end of the period, too (``known_at``): what is told of a day does not depend on when it is told.
    """
    settings = run.settings
    day = run.business_date
    month = date(day.year, day.month, 1)
    horizon = timedelta(days=settings.churn.horizon_days)
    return run.binds(
        known_at=run.as_of,
        day_start=settings.day_start(day),
        month_start=settings.day_start(month),
        month_start_on=month,
        business_timezone=settings.company.business_timezone,
        horizon_start=settings.day_start(run.as_of_date - horizon),
        base_start=settings.day_start(run.as_of_date - 2 * horizon),
        lowest_level=settings.membership.levels[0].name,
        acknowledge_within=timedelta(hours=settings.complaints.acknowledge_hours),
        reply_within=timedelta(hours=settings.complaints.first_reply_hours),
        outcome_days=settings.measurement.outcome_days,
        earliest_date=run.as_of_date - timedelta(days=settings.measurement.effect_history_days),
    )


def measured_margins(effects: pd.DataFrame, margin_share: float) -> str:
    """Return what a contact of each play brings where its control group is large enough: a JSON array of play and margin.

    The margin is null where no effect can be seen: such a play has brought nothing that could be counted, but it has cost.
    """
    told = effects[
        (effects["outcome"] == "net_revenue_minor") & (effects["service_tier"] == "all") & (effects["verdict"] != "too_few")
    ]
    return json.dumps(
        [
            {"play": play, "margin_minor": None if verdict == "no_effect_seen" else float(difference) * margin_share}
            for play, verdict, difference in zip(told["play"], told["verdict"], told["difference"], strict=True)
        ]
    )


@contextmanager
def label_tables(run: Run, lease: Lease, is_every_heading: bool = True) -> Iterator[Labels]:
    """Name tables for the customers with their cells and headings, that queries share; they are gone at the end of the block.

    Parameters
    ----------
    run : Run
        Its date's segments count.
    lease : Lease
        Under which the measurement writes; what an attempt that died left is dropped with its other tables.
    is_every_heading : bool
        Whether headings under which nothing happened get a row.
    """
    customers, headings = (
        f"staging.bi__kpi_{part}_{run.as_of_date:%Y%m%d}__{date.fromisoformat(lease.slice_key):%Y%m%d}__{lease.token}"
        for part in ("labels", "headings")
    )
    try:
        yield Labels(customers, headings, is_every_heading)
    finally:
        with run.warehouse.begin() as connection:
            connection.exec_driver_sql(f"drop table if exists {customers}, {headings}")


def make_labels(run: Run, labels: Labels, is_day_only: bool = False) -> None:
    """Make the tables named by :func:`label_tables`, as of the run's date.

    Parameters
    ----------
    run : Run
        Its date's segments count.
    labels : Labels
        Names of the tables.
    is_day_only : bool
        Whether those are enough to whom something happened on the business day.
    """
    query = sql_file("bi/_kpi_labels")
    binds: dict[str, Any] = {"as_of_date": run.as_of_date}
    if is_day_only:
        query = f"select * from (\n{query}\n) as everybody where customer_key in (\n{sql_file('bi/_kpi_active')}\n)"
        binds |= {"day_start": run.settings.day_start(run.business_date), "as_of": run.as_of}
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql("set local work_mem = '128MB'")  # everybody, joined with nine tables of everybody
        connection.exec_driver_sql(f"drop table if exists {labels.customers}, {labels.headings}")
        connection.execute(sa.text(f"create unlogged table {labels.customers} as {query}"), binds)
        headings = _put(sql_file("bi/_kpi_headings"), "labels", labels.customers)
        connection.exec_driver_sql(f"create unlogged table {labels.headings} as {headings}")
        connection.exec_driver_sql(f"alter table {labels.headings} add primary key (cell, dimension)")
        connection.exec_driver_sql(f"analyze {labels.customers} (customer_key, cell), {labels.headings}")


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
        for name in REVIEW_QUERIES:
            query = kpi_query(name)
            found = connection.execute(sa.text(query), {key: value for key, value in binds.items() if f":{key}" in query})
            rows.extend(row for row in found if row.period == "month")
    return rows
