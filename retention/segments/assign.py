"""Assigning every customer's segments as of a date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.features import FEATURE_TABLES, require_published
from retention.quality import check_slices
from retention.segments.binds import segment_binds
from retention.segments.history import keep_history
from retention.segments.reference import sync_reference
from retention.segments.tags import compile_tags, tag_rules
from retention.warehouse import RetentionError, Run, sql_file, stage_writer

SEGMENT_TABLES = (
    "segments.rfm",
    "segments.value_matrix",
    "segments.tag",
    "segments.tier",
    "segments.lifecycle_gap",
    "segments.lifecycle",
    "segments.membership",
)
"""In the order in which they are computed: each reads only those before it."""

SCORE_TABLES = ("scores.churn", "scores.clv")

READS_OF_THE_SAME_DATE: Mapping[str, tuple[str, ...]] = {
    "segments.tier": ("segments.rfm", "segments.value_matrix", "segments.tag"),
    "segments.lifecycle": ("segments.tier", "segments.lifecycle_gap"),
}
"""What a query reads of the date it is computed for; anything else it reads of ``segments`` is of an earlier date."""


class NoSegments(RetentionError):
    """No date has segments yet."""

    runbook = "segments"


def assign(run: Run) -> dict[str, int]:
    """Compute, check and publish all segments as of ``run.as_of_date``, with moves, borders, migration matrix and flap rate.

    Reads the feature and score slices of the date, and the newest earlier slices of tier and lifecycle. Everything becomes
    visible together. Running a date again replaces its slices and its own history; that of other dates stays.

    Returns
    -------
    Rows by table.

    Raises
    ------
    MissingSlice when features or scores of the date were not published.
    ReferenceTableError when a table of rules under ``include/segments`` is wrong.
    CheckFailed when a check of severity ``fail`` does not hold; nothing is published then.
    """
    require_published(run.warehouse, [*FEATURE_TABLES, *SCORE_TABLES], run.as_of_date)
    sync_reference(run.warehouse)
    binds = segment_binds(run.settings)
    with run.warehouse.connect() as connection:
        binds["previous_date"] = previous_date(connection, run.as_of_date)
    with stage_writer(run, "segments") as writer:
        for table in SEGMENT_TABLES:
            sql, own_binds = table_query(table)
            reads = {name: writer.staging(name) for name in READS_OF_THE_SAME_DATE.get(table, ())}
            writer.fill_select(table, reading(sql, reads), {**binds, **own_binds})
            _analyze(run, writer.staging(table))
        check_slices(writer)

        def keep(connection: Connection) -> None:
            for table, rows in keep_history(connection, run, binds).items():
                writer.lease.record(connection, table, rows)

        return writer.publish(also=keep)


def _analyze(run: Run, staging: str) -> None:
    """Tell the planner how large a fresh slice is, before the next query joins it."""
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(f"analyze {staging}")


def table_query(table: str) -> tuple[str, dict[str, Any]]:
    """Return the query of one slice, and binds that it alone needs."""
    if table == "segments.tag":
        return compile_tags(tag_rules())
    return sql_file(table.replace(".", "/")), {}


def reading(sql: str, relations: Mapping[str, str]) -> str:
    """Let a query read other relations in the place of the named tables: slices that are not published yet."""
    for table, relation in relations.items():
        sql = re.sub(rf"(?<=(?:from|join) ){re.escape(table)}\b", relation, sql)
    return sql


def previous_date(connection: Connection, as_of_date: date) -> date | None:
    """Return the newest date before this one that segments were published for; None on the first."""
    found: date | None = connection.execute(
        sa.text("select max(as_of_date) from segments.tier where as_of_date < :as_of_date"), {"as_of_date": as_of_date}
    ).scalar_one()
    return found
