"""The day's measurement: KPIs, effects of plays, reliability of scores, health of audiences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.experiments import fill_control_checks
from retention.measurement.bi import bi_tables, fill_hidden, write_bi_settings
from retention.measurement.budget_review import keep_changes, review_budgets
from retention.measurement.effects import play_effects, units_as_of
from retention.measurement.feedback import read_feedback
from retention.measurement.health import fill_audience_tables
from retention.measurement.kpis import (
    FLOW_QUERIES,
    SPEND_QUERY,
    STOCK_QUERY,
    Labels,
    binds_of,
    kpi_query,
    label_tables,
    make_labels,
    measured_margins,
    months_of,
)
from retention.measurement.programme import programme_effects
from retention.measurement.restating import Fingerprints, fill_restatements, keep_fingerprints, keep_first
from retention.measurement.side_by_side import Start, side_by_side
from retention.measurement.verdicts import measure_scores, model_verdicts, read_waiting
from retention.models.outcomes import record_outcomes, with_scored_dates
from retention.warehouse import Run, load_contract, sql_file, stage_writer
from retention.warehouse.writer import StageWriter

_BY_MONTH = ("bi.funnel_value", "bi.cohort_value")
"""Hold a row per month."""


def measure(run: Run) -> dict[str, int]:
    """Measure the business day: read the tools' feedback, then replace the day's slices in ``bi``.

    Parameters
    ----------
    run : Run
        Slices of its ``as_of_date`` are replaced. Needs the segments and scores of that date to be published; without them the
        KPIs by tier and stage are empty and the checks stop the run.

    Returns
    -------
    Rows by table, with the counts of feedback.
    """
    from retention.quality import check_slices  # imports Great Expectations, seconds of it: only the task that measures pays

    feedback = read_feedback(run)
    outcomes = record_outcomes(run)
    measure_scores(run)
    with stage_writer(run, "bi") as writer, label_tables(run, writer.lease) as labels:
        margin = margin_of_revenue(run)
        binds = binds_of(run)
        writer.staging("bi.kpi_value")
        connections = run.settings.features.buckets
        with side_by_side(connections) as start:
            if connections > 1:
                restated = _start_fills(start, writer, run, labels, binds)
            with units_as_of(run) as units:
                effects = play_effects(run, units)
                fill_frame(writer, "bi.programme_effect", programme_effects(run, units, margin))
                changes = review_budgets(run, units, margin)
                fill_control_checks(writer, run, units.unit_table)
            if connections == 1:
                restated = _start_fills(start, writer, run, labels, binds)
            spend = {**binds, "effects": measured_margins(effects, margin)}
            start(writer.fill_select, "bi.kpi_value", kpi_query(SPEND_QUERY, labels), spend)
        fill_frame(writer, "bi.play_effect", effects)
        fill_hidden(writer, run, binds)  # which KPIs are shown depends on the KPIs
        fingerprints = restated.result()
        waiting = read_waiting(run, writer.staging("bi.score_reliability"))
        fill_frame(writer, "bi.score_verdict", model_verdicts(run, waiting))
        check_slices(writer)
        keep_first(run, writer.staging("bi.kpi_value"))

        def also(connection: Connection) -> None:
            keep_fingerprints(connection, run, fingerprints)
            keep_changes(connection, run, changes)
            _write_definitions(connection, run)

        published = writer.publish(also=also)
    return {**feedback, **outcomes, **published, "budgets_changed": len(changes)}


def _start_fills(start: Start, writer: StageWriter, run: Run, labels: Labels, binds: Mapping[str, Any]) -> Future[Fingerprints]:
    """Begin to fill the slices that need neither one another nor the effects of plays, the longest first."""
    made = start(make_labels, run, labels)

    def select(table: str, query: str, given: Mapping[str, Any]) -> None:
        start(writer.fill_select, table, query, given)

    def select_labelled(table: str, query: str, given: Mapping[str, Any]) -> None:
        def fill() -> None:
            made.result()  # begun before, so that it is never waited for in vain
            writer.fill_select(table, kpi_query(query, labels), given)

        start(fill)

    for table in _BY_MONTH:
        select(table, sql_file(table.replace(".", "/")), {**binds, **months_of(run, table)})
    for name in (*FLOW_QUERIES, STOCK_QUERY):
        select_labelled("bi.kpi_value", name, binds)
    for table, given in bi_tables(run, binds).items():
        select_labelled(table, table.replace(".", "/"), given)
    select("bi.score_reliability", with_scored_dates("bi/score_reliability"), binds)
    start(fill_audience_tables, writer, run)
    return start(fill_restatements, writer, run)


def fill_frame(writer: StageWriter, table: str, frame: pd.DataFrame) -> None:
    """Fill a slice from a frame that may be empty."""
    writer.staging(table)
    if not frame.empty:
        writer.fill_arrow(table, frame)


def margin_of_revenue(run: Run) -> float:
    """Return the share of revenue that is margin: that of the scored where costs are known, else what the settings assume."""
    with run.warehouse.connect() as connection:
        share = connection.execute(
            sa.text(
                "select sum(margin_share * greatest(net_revenue_12m_minor, 0)) "
                "/ nullif(sum(greatest(net_revenue_12m_minor, 0)), 0) "
                "from scores.clv where as_of_date = :as_of_date having bool_and(basis = 'net_margin')"
            ),
            {"as_of_date": run.as_of_date},
        ).scalar()
    return run.settings.allocation.assumed_margin_share if share is None else float(share)


def _write_definitions(connection: Connection, run: Run) -> None:
    """Bring the dictionary of KPIs in the database to what the contract says, and the suppression size to the settings."""
    dictionary = load_contract("bi.kpi_value").column("kpi").extra["values"]
    connection.execute(
        sa.text(
            "with defined as (select * from jsonb_to_recordset(cast(:definitions as jsonb)) "
            "as row (kpi text, label text, label_zh text, unit text, formula text, formula_zh text)), "
            "gone as (delete from bi.kpi_definition where kpi not in (select kpi from defined)) "
            "insert into bi.kpi_definition (kpi, label, label_zh, unit, formula, formula_zh) "
            "select kpi, label, label_zh, unit, formula, formula_zh from defined on conflict (kpi) do update set "
            "label = excluded.label, label_zh = excluded.label_zh, unit = excluded.unit, formula = excluded.formula, "
            "formula_zh = excluded.formula_zh"
        ),
        {"definitions": json.dumps([{"kpi": kpi, **definition} for kpi, definition in dictionary.items()])},
    )
    write_bi_settings(connection, run)
