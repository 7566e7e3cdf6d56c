"""Planning: who of the whole population gets which play today, who does not, and why."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.allocation import fill_allocation, read_budgets
from retention.campaigns.attributes import attributes_query
from retention.campaigns.binding import plan_binds
from retention.campaigns.capping import read_contacts
from retention.campaigns.contending import contender_query
from retention.campaigns.deciding import decision_query
from retention.campaigns.eligibility import CHANNELS, eligibility_query, settled_masks
from retention.campaigns.errors import UpstreamEmpty
from retention.campaigns.keeping import keep_plan
from retention.campaigns.plays import PLAYS_DIR, Play, usable_plays
from retention.campaigns.receipts import receive
from retention.campaigns.settling import settle
from retention.campaigns.stages import Stages, count_customers
from retention.campaigns.standing_still import Fingerprint, fingerprint, made_of_one_state
from retention.campaigns.stratifying import Draw, Key, fit_plays, fit_universal, read_draws
from retention.campaigns.valuing import fill_uplift, read_valuation
from retention.features.states import state_of_core
from retention.quality import check_slices
from retention.quality.results import CheckResult, store
from retention.warehouse import Run, failpoint, read_arrow, stage_writer
from retention.warehouse.writer import StageWriter

log = logging.getLogger(__name__)

_EVERYBODY = (
    "features.customer_engagement",
    "segments.lifecycle",
    "segments.tier",
    "segments.value_matrix",
    "segments.membership",
)
ATTACHED_FROM = 100_000
"""From this many customers on, a day's slices are not written a second time but hung in as they were staged."""
_LARGE = ("campaigns.customer_attributes", "campaigns.contender", "campaigns.eligibility", "campaigns.decision")
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
    with stage_writer(run, "campaigns", attaches=count_customers(run) >= ATTACHED_FROM) as writer:
        require_upstream(run)
        draws = build(run, writer, plays)
        check_slices(writer)
        _report_wrong(run, problems)
        failpoint("plan.checked")
        by_play = _summary(run, writer.staging("campaigns.play_run"))
        _finish(writer)
        counts: dict[str, Any] = writer.publish(also=lambda connection: keep_plan(connection, run, plays, draws, writer.tables))
    return {**counts, "receipts": received, "plays": by_play, **({"wrong_plays": problems} if problems else {})}


def build(run: Run, writer: StageWriter, plays: Sequence[Play]) -> Mapping[Key, Draw]:
    """Fill the staging tables of a plan, and publish and keep nothing: the whole plan of a day, or the rehearsal of one.

    Parameters
    ----------
    run : Run
        The day.
    writer : StageWriter
        Where to: :meth:`StageWriter.staging` names the tables afterwards.
    plays : sequence of Play
        In the order of their positions: by name.

    Returns
    -------
    The draws of the control groups that hold on the day, those of periods that begin with it among them.

    Raises
    ------
    InputsMoved when what the plan rests on was published anew whenever it was made.
    """
    return made_of_one_state(run, lambda: _make(run, writer, plays))


def _make(run: Run, writer: StageWriter, plays: Sequence[Play]) -> tuple[Mapping[Key, Draw], Fingerprint]:
    """Fill the staging tables of a plan; return the draws, and what its inputs were when it began."""
    writer.drop_staging()
    stages = Stages(run, writer, plan_binds(run, plays))
    with state_of_core(run.warehouse) as (connection, state):
        began_with = fingerprint(connection, run)
        stages.fill("campaigns.customer_attributes", attributes_query(), snapshot=state.exported)
    attributes = writer.staging("campaigns.customer_attributes")
    with ThreadPoolExecutor(max_workers=1) as beside:
        # What comes after reads them by ranges of their key.
        keyed = beside.submit(writer.finish, "campaigns.customer_attributes")
        fill_uplift(writer, run)
        draws = read_draws(run, plays)
        fit_universal(run, attributes, draws)
        keyed.result()
    stages.fill("campaigns.eligibility", eligibility_query(plays, run, draws))
    valuation = read_valuation(run, attributes, writer.staging("campaigns.uplift"))
    stages.fill("campaigns.contender", contender_query(plays, valuation, draws))
    contenders = writer.staging("campaigns.contender")
    fit_plays(run, plays, contenders, attributes, draws)
    budgets = read_budgets(run, plays, CHANNELS, contender_table=contenders)
    contacts = read_contacts(run, plays, contenders)
    found = read_arrow(run.warehouse, f"select * from {contenders}")
    settled = settle(found, plays, run.as_of_date, budgets, contacts, run.settings.campaigns)
    stages.refill("campaigns.contender", settled.table)
    fill_allocation(
        writer,
        settled.promotional,
        settled.evidence,
        settled.allocation,
        {position: play.name for position, play in enumerate(plays, 1) if play.kind == "promotional"},
        dict(enumerate(CHANNELS)),
        run.settings.allocation,
        valuation.top_value_minor,
    )
    stages.execute(settled_masks(plays))
    stages.fill("campaigns.decision", decision_query(plays, run.settings.company))
    for table in ("campaigns.play_run", "campaigns.exclusion_count", "campaigns.staff_task"):
        stages.fill(table)
    return draws, began_with


def _finish(writer: StageWriter) -> None:
    """Make keys and statistics of the large slices side by side."""
    with ThreadPoolExecutor(max_workers=writer.run.settings.features.buckets) as pool:
        list(pool.map(writer.finish, _LARGE))


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


def require_upstream(run: Run) -> None:
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


def _summary(run: Run, staged: str) -> dict[str, dict[str, int]]:
    with run.warehouse.connect() as connection:
        rows = connection.execute(sa.text(f"select play, selected, control, excluded from {staged} order by play"))
        return {row.play: {"selected": row.selected, "control": row.control, "excluded": row.excluded} for row in rows}
