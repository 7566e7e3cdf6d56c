"""The weekly review of complaints: why customers complained, and whether compensation followed the severity.

Published daily as slices, because causes are found and cases resolved after the week in which a complaint came in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from retention.campaigns.conditions import leaves
from retention.campaigns.plays import PLAYS_DIR, Play, check_plays
from retention.warehouse import Run, sql_file, stage_writer, statement

RECOVERY, CALL = "complaint_recovery", "complaint_call"
"""The plays that state what is granted after a complaint, and how far a conversation may go."""
_PENDING_DAYS = 8
"""Resolved so lately, a case may still get its compensation from the play, which looks at a week."""


def review_complaints(run: Run) -> dict[str, int]:
    """Publish complaints by cause and compensation by severity, as of the run's date.

    Parameters
    ----------
    run : Run
        Slices of its ``as_of_date`` are replaced in ``bi.complaint_root_cause`` and ``bi.complaint_compensation``.

    Returns
    -------
    Rows by table.
    """
    binds = review_binds(run)
    with stage_writer(run, "complaint_review") as writer:
        writer.fill_select("bi.complaint_root_cause", sql_file("bi/complaint_root_cause"), binds)
        cases = f"(\n{sql_file('bi/_compensation_cases')}\n)"
        compensation = re.sub(r"(?<=from )compensation\.cases\b", lambda _: cases, sql_file("bi/complaint_compensation"))
        writer.fill_select("bi.complaint_compensation", compensation, binds)
        return writer.publish()


def cases_to_look_at(run: Run, limit: int) -> Sequence[sa.Row[Any]]:
    """Return resolved complaints whose compensation is missing, below what the severity entitles to, or above the ceiling."""
    query = (
        f"select * from (\n{sql_file('bi/_compensation_cases')}\n) as cases "
        "where verdict in ('missing', 'below', 'above') order by resolved_at, complaint_key limit :row_limit"
    )
    with run.warehouse.connect() as connection:
        return connection.execute(*statement(query, {**review_binds(run), "row_limit": limit})).all()


def review_binds(run: Run) -> dict[str, Any]:
    """Return the binds of the review: its weeks, the clocks, and what each severity entitles to."""
    settings = run.settings
    complaints = settings.complaints
    first = run.as_of_date - timedelta(weeks=complaints.root_cause_weeks)
    return run.binds(
        business_timezone=settings.company.business_timezone,
        weeks_from=settings.day_start(monday(first)),
        pending_from=settings.day_start(run.as_of_date - timedelta(days=_PENDING_DAYS)),
        acknowledge_within=timedelta(hours=complaints.acknowledge_hours),
        reply_within=timedelta(hours=complaints.first_reply_hours),
        terms=json.dumps(severity_terms(check_plays(PLAYS_DIR)[0], 10**settings.company.base_currency_minor_digits)),
    )


def severity_terms(plays: Sequence[Play], minor_factor: int) -> list[dict[str, Any]]:
    """Return what each severity of complaint entitles to, as the two plays on complaints state it.

    Parameters
    ----------
    plays : sequence of Play
        Those that can be read; without the recovery play nothing is expected of anybody.
    minor_factor : int
        Minor units of the base currency in one.

    Returns
    -------
    Per severity ``amount_minor`` and ``order_share`` granted, ``ceiling_minor`` and ``ceiling_share`` at most.
    """
    by_name = {play.name: play for play in plays}
    granted, bargained = (_by_severity(by_name[name]) if name in by_name else {} for name in (RECOVERY, CALL))
    terms = []
    for severity, rung in granted.items():
        negotiation = bargained.get(severity, {}).get("negotiation", {})
        amount, share = float(rung.get("amount", 0)), float(rung.get("percent", 0)) / 100
        if rung["kind"] not in ("refund", "coupon", "gift"):
            amount = 0.0
        terms.append(
            {
                "severity": severity,
                "amount_minor": round(amount * minor_factor),
                "order_share": share,
                # A share of the order where the conversation is about one, the fixed amount where it is not.
                "ceiling_minor": 0
                if "ceiling_share" in negotiation
                else round(negotiation.get("ceiling", amount) * minor_factor),
                "ceiling_share": float(negotiation.get("ceiling_share", share)),
            }
        )
    return terms


def _by_severity(play: Play) -> dict[str, Any]:
    """Return the rung of a ladder that each severity of the play's audience reaches: the first whose condition it meets."""
    named = [leaf for leaf in leaves(play.condition) if leaf.attribute.endswith("_severity")]
    reached: dict[str, Any] = {}
    for severity in (value for leaf in named for value in (leaf.value if leaf.operator == "in" else [leaf.value])):
        for rung in play.definition["offer"]:
            when = rung.get("when", {})
            if not when or severity in when.get("in", [when.get("is")]):
                reached.setdefault(severity, rung)
    return reached


def monday(day: date | datetime) -> date:
    """Return the Monday of the week of a day."""
    on = day.date() if isinstance(day, datetime) else day
    return on - timedelta(days=on.weekday())
