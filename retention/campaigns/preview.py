"""The dry run of a push: the full difference and what the guard would say to it, with nothing changed.

The same statements as the push, in a transaction that is never committed. It takes no lock: a push may run beside it, and what
it shows is the state of the moment at which it began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from retention.campaigns import difference
from retention.campaigns.approvals import judge
from retention.campaigns.guard import Verdict
from retention.campaigns.receipts import STREAM, marketing_of
from retention.campaigns.staging import fill_stage, read_plan
from retention.campaigns.transaction import check_environment
from retention.warehouse import Run, sql_file

_TOKEN = -1
"""No push has it: what a dry run stages is in nobody's way."""

CHANGE = ("campaign", "change", "customer_key", "send_key", "channel", "offer", "valid_until", "reason", "waits")


@dataclass(frozen=True)
class PlayChange:
    """What a push would do to one audience."""

    play: str
    held: int
    added: int
    updated: int
    removed: int
    refused: int
    waits: int
    """Of these, changes that would wait for approval."""
    reasons: Mapping[str, int]
    """Why members would leave, with how many."""


@dataclass(frozen=True)
class Preview:
    """What a push would do."""

    plays: tuple[PlayChange, ...]
    verdict: Verdict
    changes: int
    skipped: str | None = None
    """Why a push would do nothing; None when it would run."""


def preview(run: Run, each: Callable[[Mapping[str, Any]], None] | None = None) -> Preview:
    """Compare the day's plan with what the marketing database holds, and change nothing.

    Parameters
    ----------
    run : Run
        The day; its decisions must be published.
    each : callable, optional
        Is given every single change as a mapping with the keys of :data:`CHANGE`, in order of campaign, change and customer.

    Returns
    -------
    Counts by play, with what would wait for approval.

    Raises
    ------
    NothingPlanned without decisions; WrongEnvironment when the marketing database is another environment's.
    """
    with marketing_of(run).connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        newest = connection.execute(
            sa.text("select business_date from marketing.push_state where stream = :stream"), {"stream": STREAM}
        ).scalar_one_or_none()
        # What is staged here nobody else sees, and no statistics can be taken of it without holding up a push beside it.
        connection.exec_driver_sql("set local enable_nestloop = off")
        plan = read_plan(run, _TOKEN, 0)
        check_environment(connection, run)
        fill_stage(connection, run, _TOKEN)
        difference.compare(connection, run, _TOKEN)
        verdict, _ = judge(run, difference.over_budget(connection, run, plan))
        _, verdict = difference.withhold(connection, verdict)
        plays = tuple(
            PlayChange(row.campaign, row.held, row.added, row.updated, row.removed, row.refused, row.waits, row.reasons or {})
            for row in connection.execute(sa.text(sql_file("marketing/_preview_plays")), {"plays": list(plan.plays)})
        )
        changes = 0
        rows = connection.execution_options(yield_per=5_000).execute(
            sa.text(sql_file("marketing/_preview_changes")), {"token": _TOKEN}
        )
        for row in rows:
            changes += 1
            if each is not None:
                each(row._asdict())
    older = newest is not None and newest > run.business_date
    return Preview(plays, verdict, changes, skipped=f"older than {newest}" if older else None)
