"""Planning: who of the whole population gets which play today, who does not, and why."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.candidates import candidate_query, channel_records, play_records
from retention.campaigns.errors import UpstreamEmpty
from retention.campaigns.holidays import holiday_binds
from retention.campaigns.plays import PLAYS_DIR, Play, usable_plays
from retention.campaigns.receipts import receive
from retention.campaigns.suppression import suppressed_people
from retention.quality import check_slices
from retention.quality.results import CheckResult, store
from retention.warehouse import Run, failpoint, sql_file, stage_writer

log = logging.getLogger(__name__)

_EVERYBODY = (
    "features.customer_engagement",
    "segments.lifecycle",
    "segments.tier",
    "segments.value_matrix",
    "segments.membership",
)
_PURCHASERS = ("scores.churn", "scores.clv", "segments.rfm")


def plan(run: Run, plays_dir: Path = PLAYS_DIR) -> dict[str, Any]:
    """Decide about every customer and play as of the day, and publish the ``campaigns`` slices.

    Books receipts that an interrupted push left open first, because periods, caps and stop rules count them. A play whose file
    is wrong is planned as it was before, or left out if it is new; the others do not wait for its repair.

    Parameters
    ----------
    run : Run
        The day; its features, scores and segments must be published.
    plays_dir : Path
        Folder of the plays.

    Returns
    -------
    Rows by table, with selected, control and excluded by play under ``plays``, and what is wrong with play files under
        ``wrong_plays``.

    Raises
    ------
    PlayError when not one play can be used; UpstreamEmpty when a slice that plays rest on is empty. Nothing is published then,
    the audiences of the last push stay.
    """
    plays, problems = usable_plays(plays_dir, _last_definitions(run))
    received = receive(run) if run.marketing is not None else 0
    with stage_writer(run, "campaigns") as writer:
        _require_upstream(run)
        binds = _binds(run, plays)
        writer.fill_select("campaigns.customer_attributes", sql_file("campaigns/customer_attributes"), binds)
        staged = writer.staging("campaigns.customer_attributes")
        _analyze(run, staged)
        candidates, candidate_binds = candidate_query(plays, run.settings.company)
        decision = (
            sql_file("campaigns/decision")
            .replace("from campaigns.candidate as candidate", f"from (\n{candidates}\n) as candidate")
            .replace("campaigns.customer_attributes", staged)
        )
        writer.fill_select("campaigns.decision", decision, {**binds, **candidate_binds})
        decided = writer.staging("campaigns.decision")
        _analyze(run, decided)
        for table in ("campaigns.play_run", "campaigns.staff_task"):
            query = sql_file(table.replace(".", "/"))
            query = query.replace("campaigns.customer_attributes", staged).replace("campaigns.decision", decided)
            writer.fill_select(table, query, binds)
        check_slices(writer)
        _report_wrong(run, problems)
        failpoint("plan.checked")
        by_play = _summary(run, writer.staging("campaigns.play_run"))
        counts: dict[str, Any] = writer.publish(also=lambda connection: _keep(connection, run, plays))
    return {**counts, "receipts": received, "plays": by_play, **({"wrong_plays": problems} if problems else {})}


def _last_definitions(run: Run) -> dict[str, Mapping[str, Any]]:
    """Return what each play was when it was last planned with, up to the day itself."""
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select distinct on (play_run.play) play_run.play, play.definition from campaigns.play_run as play_run "
                "inner join campaigns.play as play on play_run.play = play.play and play_run.content_hash = play.content_hash "
                "where play_run.as_of_date <= :as_of_date order by play_run.play, play_run.as_of_date desc"
            ),
            {"as_of_date": run.as_of_date},
        )
        return {row.play: row.definition for row in rows}


def _report_wrong(run: Run, problems: Sequence[str]) -> None:
    """Keep what is wrong with play files beside the day's other warnings."""
    if not problems:
        return
    log.warning("%s. See docs/runbook.md#plays", "; ".join(problems))
    with run.warehouse.begin() as connection:
        store(
            connection,
            run,
            [
                CheckResult("campaigns.play", "play_file", None, "warn", passed=False, expected=problem, engine="plays")
                for problem in problems
            ],
        )


def _binds(run: Run, plays: Sequence[Play]) -> dict[str, Any]:
    campaigns, company = run.settings.campaigns, run.settings.company
    return {
        "business_timezone": company.business_timezone,
        "default_language": company.default_language,
        "suppressed": suppressed_people(run),
        **holiday_binds(run.as_of_date),
        "plays": play_records(plays),
        "channels": channel_records(plays, company),
        "tasks": json.dumps(
            [
                {
                    "play": play.name,
                    "title_en": play.task.title_en,
                    "title_zh": play.task.title_zh,
                    "talking_points_en": play.task.talking_points_en,
                    "talking_points_zh": play.task.talking_points_zh,
                }
                for play in plays
                if play.task is not None
            ]
        ),
        "holdout_salt": campaigns.holdout_salt,
        "contact_cap": campaigns.contact_cap,
        "contact_cap_days": campaigns.contact_cap_days,
        "contact_cap_per_channel": campaigns.contact_cap_per_channel,
        "complaint_hold_days": campaigns.complaint_hold_days,
        "currency": company.base_currency,
        "minor_units": 10**company.base_currency_minor_digits,
    }


def _require_upstream(run: Run) -> None:
    """Refuse to plan with an empty slice: everybody would seem to have left every audience."""
    with run.warehouse.connect() as connection:
        purchasers = _has_rows(connection, run, "features.customer_orders")
        for table in (*_EVERYBODY, *(_PURCHASERS if purchasers else ())):
            if not _has_rows(connection, run, table):
                raise UpstreamEmpty(
                    f"{table} {run.as_of_date}: expected rows for the customers of the day, found none. Nothing planned, the "
                    "audiences of the last push stay. Build that slice, then plan again."
                )


def _has_rows(connection: Connection, run: Run, table: str) -> bool:
    # Table names are those of the tuples above.
    query = sa.text(f"select exists (select 1 from {table} where as_of_date = :as_of_date)")
    return bool(connection.execute(query, {"as_of_date": run.as_of_date}).scalar_one())


def _analyze(run: Run, staged: str) -> None:
    """Give the planner the size of a staging table that was filled a moment ago."""
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(f"analyze {staged}")


def _summary(run: Run, staged: str) -> dict[str, dict[str, int]]:
    with run.warehouse.connect() as connection:
        rows = connection.execute(sa.text(f"select play, selected, control, excluded from {staged} order by play"))
        return {row.play: {"selected": row.selected, "control": row.control, "excluded": row.excluded} for row in rows}


def _keep(connection: Connection, run: Run, plays: Sequence[Play]) -> None:
    """Keep for good, with the slices: the plays as they stood, and who was drawn as control."""
    for play in plays:
        connection.execute(
            sa.text(
                "insert into campaigns.play (play, content_hash, name_en, name_zh, kind, purpose, priority, period, "
                "holdout_share, definition) values (:play, :content_hash, :name_en, :name_zh, :kind, :purpose, "
                ":priority, :period, :holdout_share, cast(:definition as jsonb)) on conflict (play, content_hash) do nothing"
            ),
            {
                "play": play.name, "content_hash": play.content_hash, "name_en": play.name_en, "name_zh": play.name_zh,
                "kind": play.kind, "purpose": play.purpose, "priority": play.priority, "period": play.period,
                "holdout_share": play.holdout_share, "definition": json.dumps(play.definition, ensure_ascii=False),
            },
        )  # fmt: skip
    connection.execute(
        sa.text(
            "insert into campaigns.holdout as holdout (play, period_key, customer_key, bucket, share, assigned_on) "
            "select decision.play, decision.period_key, decision.customer_key, decision.holdout_bucket, share.holdout_share, "
            "decision.as_of_date from campaigns.decision "
            "inner join jsonb_to_recordset(cast(:plays as jsonb)) as share (play text, holdout_share double precision) "
            "on decision.play = share.play "
            "where decision.as_of_date = :as_of_date and decision.state = 'control' "
            # A day that was planned and never pushed held nobody back: effects are watched from the first day that was.
            "on conflict (play, period_key, customer_key) do update set assigned_on = excluded.assigned_on "
            "where holdout.assigned_on < excluded.assigned_on "
            "and holdout.assigned_on - 1 not in (select business_date from campaigns.push_receipt)"
        ),
        {"plays": play_records(plays), "as_of_date": run.as_of_date},
    )
