"""What BI tools read and no other part needs: sums kept by date, so that a view over a million customers answers at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.measurement.kpis import kpi_query
from retention.models.personas.catalogue import catalogue
from retention.warehouse import Run, StageWriter, sql_file


def fill_bi_tables(writer: StageWriter, run: Run, binds: Mapping[str, Any]) -> None:
    """Fill the day's slices that the views of ``bi`` rest on: groups of customers, what may be shown of them, products.

    Parameters
    ----------
    writer : StageWriter
        Of the stage ``bi``, with the rows of ``bi.kpi_value`` in it; the caller publishes.
    binds : mapping
        Binds of the measurement queries (``retention.measurement.kpis.binds_of``).
    """
    with ThreadPoolExecutor(max_workers=run.settings.features.buckets) as pool:  # none needs another
        fills = [
            pool.submit(writer.fill_select, table, kpi_query(table.replace(".", "/")), given)
            for table, given in bi_tables(run, binds).items()
        ]
        for fill in fills:
            fill.result()
    fill_hidden(writer, run, binds)


def bi_tables(run: Run, binds: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the slices that need no other of the day's, with the binds of their queries."""
    smallest = {"smallest": run.settings.keep.suppressed_group_size}
    return {
        "bi.group_profile_value": {**binds, **smallest},
        "bi.customer_group": {**binds, **smallest},
        "bi.product_value": {**binds, **product_period(run)},
    }


def fill_hidden(writer: StageWriter, run: Run, binds: Mapping[str, Any]) -> None:
    """Fill what may be shown of the KPIs, which must be filled before."""
    # Of the month of the closed day: on its first day nothing is carried on.
    before = run.as_of_date - timedelta(days=1) if run.business_date.day > 1 else None
    hidden = sql_file("bi/kpi_hidden").replace("kpi.staged", writer.staging("bi.kpi_value"))
    writer.fill_select(
        "bi.kpi_hidden", hidden, {**binds, "smallest": run.settings.keep.suppressed_group_size, "carried_from": before}
    )


def product_period(run: Run) -> dict[str, Any]:
    """Return from where the sales of products are read: the closed day, added to the month so far, or the whole month anew.

    Anew on the first of a month, which closes the month before with whatever arrived late, and where the slice of the day
    before is missing or was overtaken by a newer state of an earlier day.
    """
    day = run.business_date
    month = date(day.year, day.month, 1)
    with run.warehouse.connect() as connection:
        carries_on = connection.execute(
            sa.text(
                "select exists (select 1 from ops.published where table_name = 'bi.product_value' and slice_key = :slice_key "
                "and not is_stale)"
            ),
            {"slice_key": day.isoformat()},
        ).scalar_one()
    is_whole = not carries_on or day == month or run.as_of_date.day == 1
    return {
        "since": run.settings.day_start(month if is_whole else day),
        "day_start": run.settings.day_start(day),
        "carried_from": run.as_of_date - timedelta(days=1) if not is_whole else None,
        "month": month,
        "business_date": day,
    }


def write_bi_settings(connection: Connection, run: Run) -> None:
    """Bring the names and settings that the views need to what the settings say, in the transaction that publishes."""
    settings = run.settings
    values = {
        "suppressed_group_size": settings.keep.suppressed_group_size,
        "business_timezone": settings.company.business_timezone,
        "base_currency": settings.company.base_currency,
        "acknowledge_hours": settings.complaints.acknowledge_hours,
        "first_reply_hours": settings.complaints.first_reply_hours,
    }
    connection.execute(
        sa.text(
            "insert into bi.setting (name, value) select key, value from jsonb_each_text(cast(:values as jsonb)) "
            "on conflict (name) do update set value = excluded.value"
        ),
        {"values": json.dumps({name: str(value) for name, value in values.items()})},
    )
    connection.execute(
        sa.text(
            "with named as (select * from jsonb_to_recordset(cast(:names as jsonb)) "
            'as row (dimension text, member text, "position" integer, label_en text, label_zh text)), '
            "gone as (delete from bi.segment_name where (dimension, member) not in (select dimension, member from named)) "
            "insert into bi.segment_name select * from named on conflict (dimension, member) do update set "
            '"position" = excluded."position", label_en = excluded.label_en, label_zh = excluded.label_zh'
        ),
        {"names": json.dumps(_names(run))},
    )


def _names(run: Run) -> list[dict[str, Any]]:
    """Return what membership levels and personas are called."""
    levels = [
        (level.name, level.name.replace("_", " ").capitalize(), level.name_zh) for level in run.settings.membership.levels
    ]
    personas = [(code, persona.en, persona.zh) for code, persona in catalogue().items()]
    named = {"membership_level": levels, "persona": personas, "all": [("all", "All customers", "全部客户")]}
    return [
        {"dimension": dimension, "member": member, "position": place, "label_en": english, "label_zh": chinese}
        for dimension, members in named.items()
        for place, (member, english, chinese) in enumerate(members, start=1)
    ]
