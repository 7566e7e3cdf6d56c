"""What a push would change, and how much of it may: the stage against what is held, under the lock of ``push_state``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.guard import Budgets, Movement, Population, Verdict, find_excess
from retention.campaigns.receipts import STREAM
from retention.campaigns.refusing import refusals
from retention.warehouse import Run, sql_file

ALWAYS_LEAVE = frozenset(
    {"erased", "suppressed", "test_or_staff", "legal_hold", "no_consent", "profiling_withdrawn", "complaint_hold"}
)
"""Reasons that no budget holds back: nobody who said no, or whom a complaint protects, is kept because many are."""

USUAL_DAYS = 35
"""How far back the guard looks for the usual size of an audience: a month and its end."""


@dataclass(frozen=True)
class Stage:
    """What a push has staged, and the plan it comes from."""

    token: int
    rows: int
    population: int
    """Customers the plan looked at: base of the guard's shares."""
    plays: tuple[str, ...] = ()
    """Plays that were planned, also those that nobody is in."""
    budgets: Budgets | None = None
    """The guard's budgets of single plays."""


def compare(connection: Connection, run: Run, token: int) -> None:
    """Make ``pg_temp.push_difference`` from the stage, each removal with its reason."""
    connection.exec_driver_sql(
        "create temporary table push_difference (change text not null, campaign text not null, "
        "customer_key bigint not null, send_key text not null, kind text not null, is_held boolean not null, "
        "is_expired boolean not null, is_moving boolean not null, is_withheld boolean not null default false, reason text) "
        "on commit drop"
    )
    columns = "change, campaign, customer_key, send_key, kind, is_held, is_expired, is_moving"
    connection.execute(
        sa.text(
            f"insert into pg_temp.push_difference ({columns}) select {columns} from (\n"
            f"{sql_file('marketing/_difference')}\n) as difference"
        ),
        {"token": token, "as_of": run.as_of},
    )
    connection.exec_driver_sql("analyze pg_temp.push_difference")
    _explain_leaving(connection, run)


def find_movements(connection: Connection, run: Run, stage: Stage) -> tuple[list[Movement], Population]:
    """Count, per audience, what the push would do, and the population now and at the push before."""
    binds = {"as_of": run.as_of, "token": stage.token, "exempt": sorted(ALWAYS_LEAVE)}
    rows = connection.execute(sa.text(sql_file("marketing/_movements")), binds).all()
    usual, earlier = _usual_sizes(connection, run.as_of_date), _moved_earlier(connection, run.as_of_date)
    planned = frozenset(stage.plays)
    movements = []
    for row in rows:
        joined, left = earlier.get(row.campaign, (0, 0))
        movements.append(
            Movement(
                row.campaign,
                # What stood when the day began: shares are not of what an earlier push of the day has made of it.
                max(row.standing - joined + left, 0),
                row.size,
                row.joins,
                row.leaves,
                was_delivered=row.held_rows - joined + left > 0,
                usual=usual.get(row.campaign),
                is_planned=row.campaign in planned,
                joined_earlier=joined,
                left_earlier=left,
            )
        )
    before = connection.execute(
        sa.text(
            "select population from marketing.audience_sync where stream = :stream and business_date < :business_date "
            "and population > 0 order by sync_id desc limit 1"
        ),
        {"stream": STREAM, "business_date": run.business_date},
    ).scalar_one_or_none()
    return movements, Population(stage.population, before)


def over_budget(connection: Connection, run: Run, stage: Stage) -> list[Any]:
    """Return the counts over their budgets."""
    movements, population = find_movements(connection, run, stage)
    return find_excess(movements, population, run.settings.campaigns, stage.budgets)


def withhold(connection: Connection, verdict: Verdict) -> tuple[int, Verdict]:
    """Mark in the difference what waits for approval.

    Returns
    -------
    How many changes wait, and the verdict without audiences of which none does: one that is over its budget and stays as it
        was approved has nothing to ask for.
    """
    if not verdict.waiting:
        return 0, verdict
    binds = {"joins": sorted(verdict.joins), "rest": sorted(verdict.rest), "exempt": sorted(ALWAYS_LEAVE)}
    waiting = connection.execute(sa.text(sql_file("marketing/_withhold")), binds).scalars().all()
    plays = frozenset(waiting)
    return len(waiting), Verdict(tuple(item for item in verdict.waiting if item.play in plays))


def is_empty(connection: Connection) -> bool:
    """Whether nothing is left to be changed."""
    query = "select not exists (select 1 from pg_temp.push_difference where change <> 'refused' and not is_withheld)"
    return bool(connection.execute(sa.text(query)).scalar_one())


def _explain_leaving(connection: Connection, run: Run) -> None:
    """Ask the warehouse why members leave and note it with the difference."""
    leaves = "change in ('removed', 'task_withdrawn')"
    connection.exec_driver_sql(f"update pg_temp.push_difference set reason = 'expired' where {leaves} and is_expired")
    leaving = connection.execute(
        sa.text(f"select distinct campaign, customer_key from pg_temp.push_difference where {leaves} and not is_expired")
    ).all()
    if not leaving:
        return
    with run.warehouse.connect() as warehouse:
        rows = warehouse.execute(
            sa.text(sql_file("campaigns/_leaving_reasons")),
            {
                "plays": [row.campaign for row in leaving],
                "keys": [row.customer_key for row in leaving],
                "as_of_date": run.as_of_date,
            },
        ).all()
    dropped = [row.customer_key for row in rows if row.reason is None]
    at_push = refusals(run, dropped) if dropped else {}
    # Planned, and permitted again by the time it is asked why: what took it out then is known no more, but a no of somebody.
    why = [(row.play, row.customer_key, row.reason or at_push.get((row.play, row.customer_key), "no_consent")) for row in rows]
    connection.execute(
        sa.text(
            "update pg_temp.push_difference as difference set reason = why.reason "
            "from unnest(cast(:plays as text[]), cast(:keys as bigint[]), cast(:reasons as text[])) "
            f"as why (play, customer_key, reason) where difference.{leaves} and not difference.is_expired "
            "and difference.campaign = why.play and difference.customer_key = why.customer_key"
        ),
        {
            "plays": [play for play, _, _ in why],
            "keys": [key for _, key, _ in why],
            "reasons": [reason for _, _, reason in why],
        },
    )


def _moved_earlier(connection: Connection, as_of_date: date) -> dict[str, tuple[int, int]]:
    """Return, by play, who joined and who left by earlier pushes of the day: a budget is the day's, not the push's."""
    rows = connection.execute(
        sa.text(
            "select campaign, sum(joins) as joins, sum(leaves) as leaves from marketing.audience_sync_play "
            "where as_of_date = :as_of_date group by campaign"
        ),
        {"as_of_date": as_of_date},
    )
    return {row.campaign: (int(row.joins), int(row.leaves)) for row in rows}


def _usual_sizes(connection: Connection, as_of_date: date) -> dict[str, int]:
    """Return the largest audience of each play that a push of the five weeks before left: delivered, not only planned."""
    rows = connection.execute(
        sa.text(
            "select campaign, max(rows_total) as size from marketing.audience_sync_play "
            "where as_of_date < :as_of_date and as_of_date >= :earliest group by campaign"
        ),
        {"as_of_date": as_of_date, "earliest": as_of_date - timedelta(days=USUAL_DAYS)},
    )
    return {row.campaign: int(row.size) for row in rows}
