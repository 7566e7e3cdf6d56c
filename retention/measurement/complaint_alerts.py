"""Telling the responsible team of complaints past their clocks: each breach once, and surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.settings_campaigns import ComplaintSettings
from retention.warehouse import Run

_NAMED = 20
"""Breaches named in an alert; the rest are counted. Keys are pseudonyms."""
_UNASSIGNED = "unassigned"
_TEAM_LETTERS = 60
"""A team's name is text of a source: on one line and no longer than this, it cannot pass for a message of ours."""

_WAITING = """
select
    coalesce(team, 'unassigned') as team,
    clock,
    count(*) as cases,
    count(*) filter (where severity = 'severe') as severe,
    min(due_at) as oldest_due_at
from ops.complaint_breach
where state = 'open' and alerted_at is null
group by coalesce(team, 'unassigned'), clock
order by 1, 2
"""
_NEWEST = """
select complaint_key, clock, team, severity, due_at
from ops.complaint_breach
where state = 'open' and alerted_at is null
order by due_at, complaint_key, clock
limit :named
"""
_LIMITS = {
    "acknowledge": ("not acknowledged within {:g} h", "{:g} 小时内未确认"),
    "first_reply": ("without a first reply within {:g} h", "{:g} 小时内未首次回复"),
}


def untold(connection: Connection) -> dict[str, Any]:
    """Return the open breaches of which nobody has been told: ``new_breaches`` named, ``waiting`` counted by team and clock."""
    return {
        "new_breaches": [
            {
                "complaint": str(row.complaint_key),
                "clock": row.clock,
                "team": row.team,
                "severity": row.severity,
                "due_at": row.due_at.isoformat(),
            }
            for row in connection.execute(sa.text(_NEWEST), {"named": _NAMED})
        ],
        "waiting": [
            {**row._mapping, "oldest_due_at": row.oldest_due_at.isoformat()} for row in connection.execute(sa.text(_WAITING))
        ],
    }


def alert_messages(found: Mapping[str, Any], settings: ComplaintSettings) -> list[str]:
    """Return one message per responsible team about its breaches, in English and Chinese; none when nobody need be told.

    Parameters
    ----------
    found : mapping
        What :func:`retention.measurement.check_complaint_clock` returned.
    settings : ComplaintSettings
        The limits that were broken.
    """
    limits = {"acknowledge": settings.acknowledge_hours, "first_reply": settings.first_reply_hours}
    teams: dict[str, list[Mapping[str, Any]]] = {}
    for row in found.get("waiting", ()):
        teams.setdefault(row["team"], []).append(row)
    return [_message(team, rows, limits, found.get("new_breaches", ())) for team, rows in sorted(teams.items())]


def _message(
    team: str, rows: Sequence[Mapping[str, Any]], limits: Mapping[str, float], named: Sequence[Mapping[str, Any]]
) -> str:
    said_en, said_zh = [], []
    for row in rows:
        english, chinese = _LIMITS[row["clock"]]
        severe_en = f" ({row['severe']} severe)" if row["severe"] else ""
        severe_zh = f"（严重 {row['severe']} 件）" if row["severe"] else ""
        said_en.append(f"{row['cases']} {english.format(limits[row['clock']])}{severe_en}")
        said_zh.append(f"{row['cases']} 件{chinese.format(limits[row['clock']])}{severe_zh}")
    oldest = min(row["oldest_due_at"] for row in rows)
    keys = list(dict.fromkeys(row["complaint"] for row in named if (row["team"] or _UNASSIGNED) == team))
    cases = f"; cases {', '.join(keys[:5])}{' …' if len(keys) > 5 else ''}" if keys else ""
    team = _one_line(team)
    return (
        f"COMPLAINTS OVERDUE, team {team}: {', '.join(said_en)}; longest due since {oldest}{cases}. "
        f"投诉超时，责任团队 {team}：{'，'.join(said_zh)}。 See docs/runbook.md#complaint-breaches"
    )


def _one_line(team: str) -> str:
    """Return a team's name without line breaks and control characters, cut where it is long."""
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in team).split())
    return shown if len(shown) <= _TEAM_LETTERS else f"{shown[:_TEAM_LETTERS]}…"


def confirm_alerted(run: Run, now: datetime) -> int:
    """Note that the teams were told of every breach found up to now, and return how many."""
    with run.warehouse.begin() as connection:
        return int(
            connection.execute(
                sa.text(
                    "update ops.complaint_breach set alerted_at = :now "
                    "where state = 'open' and alerted_at is null and found_at <= :now"
                ),
                {"now": now},
            ).rowcount
        )
