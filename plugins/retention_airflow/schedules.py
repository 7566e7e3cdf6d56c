"""When DAGs run: the kinds of schedule the product uses, each defined once.

`RETENTION_SCHEDULE_FROM` (a date in the business time zone) is the first day on which the clock may start a daily or
weekly run. Without it the schedule is live: unpausing starts the run of the day just closed and nothing older. The sample
company sets a date that never comes, because its days are released by hand; runs started by hand, by a backfill or by an
asset are not held back by it.
"""

import os
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import Asset, CronPartitionTimetable, CronTriggerTimetable, PartitionedAssetTimetable

from retention.settings import load_settings

KEY_FORMAT = "%Y-%m-%d"
TIMEZONE = load_settings().company.business_timezone
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
"""Start date of DAGs that nothing needs to hold back."""


def schedule_start() -> datetime:
    """Return the first instant at which the clock may start a daily or weekly run."""
    text = os.environ.get("RETENTION_SCHEDULE_FROM", "").strip()
    if not text:
        return ALWAYS
    try:
        day = date.fromisoformat(text)
    except ValueError as exc:
        raise ValueError(
            f"RETENTION_SCHEDULE_FROM is {text!r}: expected a date like 2026-11-23, or nothing for a live schedule"
        ) from exc
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(TIMEZONE))


def daily() -> CronPartitionTimetable:
    """Run at midnight of the business time zone for the day that just closed, which is the partition key.

    Midnight and no other hour: a backfill compares the tick itself with its range of dates, and would drop the last day
    of the range if the tick came later in that day.
    """
    return CronPartitionTimetable("0 0 * * *", timezone=TIMEZONE, run_offset=-1, key_format=KEY_FORMAT)


def weekly() -> CronTriggerTimetable:
    """Run on Monday at four in the morning, when the daily chain has long finished."""
    return CronTriggerTimetable("0 4 * * 1", timezone=TIMEZONE)


def every(interval: timedelta) -> CronTriggerTimetable:
    """Run every so many minutes of the hour (the interval must divide an hour)."""
    minutes = int(interval.total_seconds() // 60)
    if minutes < 1 or 60 % minutes:
        raise ValueError(f"an interval of {interval} does not divide an hour into whole minutes")
    return CronTriggerTimetable("0 * * * *" if minutes == 60 else f"*/{minutes} * * * *", timezone=TIMEZONE)


def handed_over_by(assets: Asset | list[Asset]) -> PartitionedAssetTimetable:
    """Run for a business date as soon as all these assets were published for it."""
    if isinstance(assets, Asset):
        return PartitionedAssetTimetable(assets=assets)
    condition = assets[0]
    for asset in assets[1:]:
        condition = condition & asset
    return PartitionedAssetTimetable(assets=condition)
