"""Feeding further targets from the marketing database: what changed since they were fed, once, in order, and read back."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from retention.campaigns.targets.connections import OpenTarget, open_target
from retention.campaigns.targets.errors import TargetChanged, TargetError, TargetsFailed
from retention.campaigns.targets.feedback import Feedback, collect
from retention.campaigns.targets.reconciling import read_back
from retention.campaigns.targets.source import Home, open_home
from retention.campaigns.targets.spec import Target, load_targets
from retention.campaigns.targets.writing import Fed, Feed, Position, apply, read_position, stage
from retention.warehouse import Lease, RetentionError, Run, failpoint, lease

log = logging.getLogger(__name__)

READ_BACK_EVERY = timedelta(hours=24)
"""A target in which nothing changed is read back once in this time all the same: somebody may have changed it."""


def feed_targets(
    run: Run, addresses: Mapping[str, str] | None = None, only: str | None = None, *, is_full: bool = False
) -> dict[str, Any]:
    """Bring every target that has an address to what the marketing database holds now.

    Parameters
    ----------
    run : Run
        Needs both databases. The day only says under which run it is booked: targets follow the marketing database, which moves
        forward only.
    addresses : mapping, optional
        URL by name of target; default the variables ``RETENTION_TARGET_<NAME>_URL`` of this process.
    only : str, optional
        Feed this target alone.
    is_full : bool
        Compare everything, not only what changed since the last feed.

    Returns
    -------
    By target, counts of what changed there, or why it was passed over.

    Raises
    ------
    TargetsFailed when some could not be fed; the others were. TargetError for a description that is wrong.
    """
    counts: dict[str, Any] = {}
    failed: dict[str, RetentionError] = {}
    targets = [target for target in load_targets() if only in (None, target.target)]
    if only is not None and not targets:
        raise TargetError(f"no target {only} is described under include/targets. Nothing was fed.")
    for target in targets:
        address = (addresses or {}).get(target.target) or os.environ.get(target.variable)
        if not address:
            counts[target.target] = {"skipped": f"{target.variable} is not set"}
            continue
        try:
            counts[target.target] = _feed(run, target, address, is_full=is_full)
        except RetentionError as error:
            log.warning("%s", error)
            failed[target.target] = error
    if failed:
        raise TargetsFailed(failed)
    return counts


def _feed(run: Run, target: Target, address: str, *, is_full: bool) -> dict[str, Any]:
    with lease(run, f"target_{target.target}") as held, open_target(target, address) as there:
        has_view = there.prepare()
        position = read_position(there)
        _check_environment(run, target, position)
        feedback = collect(run, there)
        with open_home(run, target) as home:
            if position is not None and position.sequence > home.issued and not is_full:
                raise TargetChanged(
                    f"target {target.target}: it has change {position.sequence:,}, the marketing database has given out "
                    f"{home.issued:,}: the database was restored from a backup. Nothing was fed. Once that database is right, "
                    "`retention audience feed --full` makes the target follow it."
                )
            is_full = is_full or _needs_all(run, target, position)
            feed = _stage(run, home, there, held, position, feedback, is_full=is_full)
            expected = home.total()
        failpoint("target.staged")
        fed = apply(there, feed)
        failpoint("target.committed")
        is_due = is_full or any((fed.added, fed.updated, fed.removed)) or _read_back_due(run, target)
        found = read_back(there) if is_due else expected
        if is_due:
            _book(run, held, target, feed, fed, found, "reconciled" if found == expected else "differs")
        held.counts.update(added=fed.added, updated=fed.updated, removed=fed.removed)
        with held.publishing():
            pass
    if found != expected:
        raise TargetChanged(
            f"target {target.target}: expected {expected[0]:,} members with checksum {expected[1]}, read back {found[0]:,} "
            f"with {found[1]}. Somebody else writes to {there.layout.audience.name}; nothing but the feed may. The next feed "
            "compares everything and repairs it."
        )
    return {
        "added": fed.added,
        "updated": fed.updated,
        "removed": fed.removed,
        "total": expected[0],
        "held_back": len(feed.holds),
        "events_read": len(feedback.events),
        "is_full": is_full,
        "has_view": has_view,
    }


def _check_environment(run: Run, target: Target, position: Position | None) -> None:
    mine = run.settings.company.environment
    if position is not None and position.environment != mine:
        raise TargetError(
            f"target {target.target}: it belongs to environment {position.environment}, the run is {mine}. Nothing was fed. "
            f"Check {target.variable}."
        )


def _stage(
    run: Run, home: Home, there: OpenTarget, held: Lease, position: Position | None, feedback: Feedback, *, is_full: bool
) -> Feed:
    since = position.sequence if position else 0
    return Feed(
        token=held.token,
        sequence=home.sequence if is_full else max(home.sequence, since),
        is_full=is_full,
        staged=stage(there, held.token, iter(home.members(since, is_full=is_full))),
        environment=run.settings.company.environment,
        campaigns=",".join(there.target.campaigns),
        stale_after=home.stale_after,
        fed_at=datetime.now(UTC),
        holds=tuple(row["send_key"] for row in home.holds()),
        contacts=tuple(home.contacts()) if there.target.contact_details else (),
        erased=tuple(home.erased(since, is_full=is_full)),
        feedback=feedback,
    )


def _needs_all(run: Run, target: Target, position: Position | None) -> bool:
    """Whether what changed since is not enough: never fed, other audiences, too long ago, or not what it should have been."""
    if position is None or position.campaigns != ",".join(target.campaigns):
        return True
    # Changes are kept for some time only.
    if datetime.now(UTC) - position.fed_at > timedelta(days=run.settings.keep.daily_slices_days) / 2:
        return True
    with run.warehouse.connect() as connection:
        newest = connection.execute(
            sa.text("select state from campaigns.target_receipt where target = :target order by token desc limit 1"),
            {"target": target.target},
        ).scalar_one_or_none()
    return newest != "reconciled"


def _read_back_due(run: Run, target: Target) -> bool:
    with run.warehouse.connect() as connection:
        last = connection.execute(
            sa.text("select max(fed_at) from campaigns.target_receipt where target = :target"), {"target": target.target}
        ).scalar_one()
    return last is None or datetime.now(UTC) - last > READ_BACK_EVERY


def _book(run: Run, held: Lease, target: Target, feed: Feed, fed: Fed, found: tuple[int, str], state: str) -> None:
    """Book what a feed changed and what was read back."""
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into campaigns.target_receipt (target, token, business_date, sequence, is_full, rows_added, "
                "rows_updated, rows_removed, rows_total, rows_held, checksum, state) values (:target, :token, :business_date, "
                ":sequence, :is_full, :added, :updated, :removed, :total, :held, :checksum, :state)"
            ),
            {
                "target": target.target,
                "token": held.token,
                "business_date": run.business_date,
                "sequence": feed.sequence,
                "is_full": feed.is_full,
                "added": fed.added,
                "updated": fed.updated,
                "removed": fed.removed,
                "total": found[0],
                "held": len(feed.holds),
                "checksum": found[1],
                "state": state,
            },
        )
