"""Assigning every customer's segments as of a date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.features import FEATURE_TABLES, require_published
from retention.quality import check_slices
from retention.segments.reference import sync_reference
from retention.settings import Settings
from retention.warehouse import Run, StageWriter, load_contract, sql_file, stage_writer

SEGMENT_TABLES = (
    "segments.rfm",
    "segments.value_matrix",
    "segments.tier",
    "segments.lifecycle",
    "segments.membership",
)
"""In the order in which they are computed: the tier reads the two before it."""

SCORE_TABLES = ("scores.churn", "scores.clv")

_READS_OF_THE_SAME_STAGE = {"segments.tier": ("segments.rfm", "segments.value_matrix")}
_MOVES = {
    "segments.tier_move": (
        "segments.tier",
        "select customer_key, as_of_date, previous_tier as from_tier, service_tier as to_tier, value_class, rfm_class "
        "from {staging} where tier_since = as_of_date",
    ),
    "segments.lifecycle_move": (
        "segments.lifecycle",
        "select customer_key, as_of_date, previous_stage as from_stage, lifecycle_stage as to_stage "
        "from {staging} where stage_since = as_of_date",
    ),
}


def assign(run: Run) -> dict[str, int]:
    """Compute, check and publish all segments as of ``run.as_of_date``, with the moves between tiers and stages.

    Reads the feature and score slices of the date, and the newest earlier slices of tier and lifecycle. Slices and moves
    become visible together. Running a date again replaces its slices and its own moves; moves of other dates stay.

    Returns
    -------
    Rows by table.

    Raises
    ------
    MissingSlice when features or scores of the date were not published.
    CheckFailed when a check of severity ``fail`` does not hold; nothing is published then.
    """
    require_published(run.warehouse, [*FEATURE_TABLES, *SCORE_TABLES], run.as_of_date)
    sync_reference(run.warehouse)
    binds = segment_binds(run.settings)
    with stage_writer(run, "segments") as writer:
        for table in SEGMENT_TABLES:
            sql = _reading_staging(sql_file(table.replace(".", "/")), table, writer)
            writer.fill_select(table, sql, {**binds, "previous_date": _previous_date(run, table)})
        check_slices(writer)

        def keep_moves(connection: Connection) -> None:
            for table, (origin, select) in _MOVES.items():
                writer.lease.record(
                    connection, table, _replace_moves(connection, run, table, select.format(staging=writer.staging(origin)))
                )

        return writer.publish(also=keep_moves)


def segment_binds(settings: Settings) -> dict[str, Any]:
    """Return the business numbers that the segment queries use, as binds."""
    value, lifecycle, membership, company = settings.value, settings.lifecycle, settings.membership, settings.company
    one = 10**company.base_currency_minor_digits
    return {
        "business_timezone": company.business_timezone,
        "current_value_quantile": value.current_value_quantile,
        "potential_value_quantile": value.potential_value_quantile,
        "tier_grace_days": value.tier_grace_days,
        "new_days": lifecycle.new_days,
        "loyal_orders": lifecycle.loyal_orders,
        "loyal_span_days": lifecycle.loyal_span_days,
        "loyal_orders_with_referral": lifecycle.loyal_orders_with_referral,
        "at_risk_probability": lifecycle.at_risk_probability,
        "at_risk_overdue_ratio": lifecycle.at_risk_overdue_ratio,
        "lost_days": lifecycle.lost_days,
        "won_back_days": lifecycle.won_back_days,
        "level_names": [level.name for level in membership.levels],
        "level_names_zh": [level.name_zh for level in membership.levels],
        "level_from_minor": [level.from_spend * one for level in membership.levels],
    }


def _reading_staging(sql: str, table: str, writer: StageWriter) -> str:
    """Let a query read tables of the same stage from their staging: the date's slices are not published yet."""
    for read in _READS_OF_THE_SAME_STAGE.get(table, ()):
        sql = re.sub(rf"(?<=(?:from|join) ){re.escape(read)}\b", writer.staging(read), sql)
    return sql


def _previous_date(run: Run, table: str) -> Any:
    """Return the newest date before the run's own that has a slice of a table; None on the first."""
    with run.warehouse.connect() as connection:
        return connection.execute(
            sa.text(f"select max(as_of_date) from {table} where as_of_date < :as_of_date"), {"as_of_date": run.as_of_date}
        ).scalar_one()


def _replace_moves(connection: Connection, run: Run, table: str, select: str) -> int:
    columns = ", ".join(load_contract(table).column_names)
    date: Mapping[str, Any] = {"as_of_date": run.as_of_date}
    connection.execute(sa.text(f"delete from {table} where as_of_date = :as_of_date"), date)
    return int(
        connection.execute(sa.text(f"insert into {table} ({columns}) select {columns} from ({select}) as move")).rowcount
    )
