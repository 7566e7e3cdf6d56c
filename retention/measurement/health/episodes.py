"""Breaches from beginning to end, and what people are told of each: once, again while it lasts, and when it is over.

What was found is committed before anybody is told, and who was told is noted after: a look that dies in between tells again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.measurement.health.judging import BREACH, NOT_MEASURED, WARN, Finding
from retention.warehouse import Run

LISTED = 20
"""Breaches named in one message; the rest are counted."""
GONE_AFTER = timedelta(days=2)
"""What has not been looked at for so long is no longer there: a play that was taken away, a source nobody reads."""


@dataclass(frozen=True)
class News:
    """One message that is due, to which channels, and of which episodes."""

    subject: str
    text: str
    only: tuple[str, ...]
    """Channels that are still owed it; empty: all."""
    episodes: tuple[tuple[str, str, datetime], ...]
    """(check, subject, began_at)."""


def follow(connection: Connection, run: Run, findings: Iterable[Finding], now: datetime) -> dict[str, int]:
    """Open, go on with and close the episodes of a look, in its transaction.

    A breach is over when the check has held for ``health.settle_hours``, or holds on a later day than the last breach. What
    could not be measured this time goes on as it was.

    Returns
    -------
    Episodes begun and ended.
    """
    settings = run.settings.health
    found = {(finding.check.name, finding.subject): finding for finding in findings}
    open_now = {
        (row.check_name, row.subject): row
        for row in connection.execute(sa.text("select * from ops.health_episode where ended_at is null for update"))
    }
    counts = {"begun": 0, "ended": 0}
    alarming = {BREACH, WARN} if settings.alert_warnings else {BREACH}
    for key, finding in found.items():
        episode = open_now.get(key)
        if finding.state in alarming:
            if episode is None:
                counts["begun"] += 1
                _insert(connection, key, finding, run, now)
            else:
                _update(
                    connection, episode, level=finding.state, last_seen_at=now, last_as_of_date=run.as_of_date, well_since=None
                )
        elif episode is not None and finding.state != NOT_MEASURED:
            since = episode.well_since or now
            is_settled = now - since >= timedelta(hours=settings.settle_hours) or run.as_of_date > episode.last_as_of_date
            _update(connection, episode, well_since=since, ended_at=now if is_settled else None)
            counts["ended"] += is_settled
    for key, episode in open_now.items():
        if key not in found and now - episode.last_seen_at >= GONE_AFTER:
            # Gone is not well: nobody is told that it were.
            _update(connection, episode, ended_at=now, end_told_at=now, owed_to=[])
            counts["ended"] += 1
    return counts


def _insert(connection: Connection, key: tuple[str, str], finding: Finding, run: Run, now: datetime) -> None:
    connection.execute(
        sa.text(
            "insert into ops.health_episode (check_name, subject, began_at, level, last_seen_at, last_as_of_date) "
            "values (:check_name, :subject, :now, :level, :now, :as_of_date)"
        ),
        {"check_name": key[0], "subject": key[1], "level": finding.state, "now": now, "as_of_date": run.as_of_date},
    )


def _update(connection: Connection, episode: sa.Row[Any], **values: Any) -> None:
    key = {"check_name": episode.check_name, "subject": episode.subject, "began_at": episode.began_at}
    connection.execute(
        sa.text(
            f"update ops.health_episode set {', '.join(f'{name} = :{name}' for name in values)} "
            "where check_name = :check_name and subject = :subject and began_at = :began_at"
        ),
        {**values, **key},
    )


_PENDING = """
select
    episode.*,
    found.sentence_en,
    found.sentence_zh,
    case
        when episode.ended_at is not null then 'well'
        when episode.told_at is null then 'new'
        else 'reminder'
    end as news,
    (episode.ended_at is null and (episode.told_at is null or episode.told_at <= :remind_before))
    or (episode.ended_at is not null and episode.end_told_at is null) as is_due
from ops.health_episode as episode
left join lateral (
    select
        newest.sentence_en,
        newest.sentence_zh
    from bi.health_check as newest
    where newest.check_name = episode.check_name and newest.subject = episode.subject
    order by newest.as_of_date desc
    limit 1
) as found on true
where
    (episode.ended_at is null and (episode.told_at is null or episode.told_at <= :remind_before))
    -- Nobody hears of the end of what they never heard of.
    or (episode.ended_at is not null and episode.told_at is not null and episode.end_told_at is null)
    or cardinality(episode.owed_to) > 0
order by news, episode.check_name, episode.subject
"""


def pending_news(run: Run, now: datetime) -> list[News]:
    """Return the messages that are due: one for everybody, and one more for each set of channels that missed the last."""
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(_PENDING), {"remind_before": now - timedelta(days=run.settings.health.reminder_days)}
        ).all()
    by_channels: dict[tuple[str, ...], list[sa.Row[Any]]] = {}
    for row in rows:
        # Who is owed an earlier message about it gets the newest; when that is due to all, all get it.
        by_channels.setdefault(() if row.is_due else tuple(sorted(row.owed_to)), []).append(row)
    return [_news(run, only, episodes) for only, episodes in by_channels.items()]


_HEADS = {
    "new": ("NOT WELL", "异常"),
    "reminder": ("STILL NOT WELL", "仍然异常"),
    "well": ("WELL AGAIN", "已恢复"),
}


def _news(run: Run, only: tuple[str, ...], rows: Sequence[sa.Row[Any]]) -> News:
    by_kind: Mapping[str, list[sa.Row[Any]]] = {kind: [row for row in rows if row.news == kind] for kind in _HEADS}
    said = [f"{len(of_kind)} {_HEADS[kind][0].lower()}" for kind, of_kind in by_kind.items() if of_kind]
    said_zh = [f"{_HEADS[kind][1]} {len(of_kind)} 项" for kind, of_kind in by_kind.items() if of_kind]
    lines = [f"HEALTH {run.as_of_date}: {', '.join(said)}. 健康检查：{'，'.join(said_zh)}。"]
    left = LISTED
    for kind, of_kind in by_kind.items():
        for row in of_kind[:left]:
            english, chinese = _HEADS[kind]
            what = f"{row.check_name} {row.subject}"
            lines.append(f"- {english} {chinese}: {row.sentence_en or what} {row.sentence_zh or ''}".rstrip())
        left = max(0, left - len(of_kind))
    if len(rows) > LISTED:
        lines.append(f"… and {len(rows) - LISTED} more, in bi.health. 另有 {len(rows) - LISTED} 项，见 bi.health。")
    checks = sorted({row.check_name for row in rows if row.news != "well"})
    if checks:
        lines.append("What to do: " + ", ".join(f"docs/health.md#{check.replace('_', '-')}" for check in checks[:5]))
    return News(
        subject=f"[retention] health: {', '.join(said)}",
        text="\n".join(lines),
        only=only,
        episodes=tuple((row.check_name, row.subject, row.began_at) for row in rows),
    )


def confirm_told(run: Run, news: News, missed: Sequence[str], now: datetime) -> None:
    """Note that a message was handed out, and which channels did not take it: they are told at the next look.

    A message that no channel took at all, not even the log, must not be confirmed.
    """
    with run.warehouse.begin() as connection:
        for check_name, subject, began_at in news.episodes:
            connection.execute(
                sa.text(
                    "update ops.health_episode set owed_to = cast(:missed as text[]), "
                    # A repetition to those who missed it starts no new count of days.
                    "told_at = case when ended_at is null and not :is_repeated then :now else told_at end, "
                    "end_told_at = case when ended_at is not null then coalesce(end_told_at, :now) end "
                    "where check_name = :check_name and subject = :subject and began_at = :began_at"
                ),
                {
                    "missed": sorted(missed),
                    "is_repeated": bool(news.only),
                    "now": now,
                    "check_name": check_name,
                    "subject": subject,
                    "began_at": began_at,
                },
            )
