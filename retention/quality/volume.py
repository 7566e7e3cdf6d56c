"""How many rows a delivery should bring: between a share and a multiple of what its weekday usually brings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.deliveries import Delivery
from retention.settings import IngestSettings
from retention.warehouse import Contract, Run


@dataclass(frozen=True)
class Volume:
    """The rows to be believed, and what that comes from.

    Attributes
    ----------
    floor, ceiling
        Fewest and most rows; 0 and None where nothing is asked.
    median
        Of the earlier deliveries looked at.
    compared
        Those deliveries in words, for messages; empty where there is nothing to compare with.
    """

    floor: int = 0
    ceiling: int | None = None
    median: int = 0
    compared: str = ""

    @property
    def words(self) -> str:
        """What is asked, for people."""
        if not self.compared:
            return "at least one row"
        most = f" and at most {self.ceiling:,}" if self.ceiling is not None else ""
        return f"at least {self.floor:,}{most} rows (median {self.median:,} of {self.compared})"

    def holds(self, rows: int) -> bool:
        """Return whether a number of rows is believed."""
        return self.floor <= rows and (self.ceiling is None or rows <= self.ceiling)


def expected_volume(connection: Connection, run: Run, delivery: Delivery, contract: Contract) -> Volume:
    """Return how many rows a delivery should have, by the median of its published forerunners.

    Deliveries of the same weekday count where there are at least ``volume_weekday_batches`` of them, because Sundays differ
    from Mondays; before that all do. Full loads are compared with full loads, changes with changes; replays of repaired rows
    with nothing.
    """
    settings = run.settings.ingest
    if delivery.is_replay or not any(check.rule == "volume" for check in contract.checks):
        return Volume()
    earlier = connection.execute(
        sa.text(
            "select rows_extracted, is_same_weekday, nth, nth_of_weekday from (select rows_extracted, is_same_weekday, "
            "row_number() over (order by business_date desc, batch_id desc) as nth, "
            "row_number() over (partition by is_same_weekday order by business_date desc, batch_id desc) as nth_of_weekday "
            "from (select rows_extracted, business_date, batch_id, "
            "extract(isodow from business_date) = extract(isodow from cast(:business_date as date)) as is_same_weekday "
            "from ops.batch where source = :source and entity = :entity and state = 'published' and is_full = :is_full "
            "and business_date < :business_date and message is distinct from 'replay') as delivered) as ranked "
            "where nth <= :history or (is_same_weekday and nth_of_weekday <= :history) order by nth"
        ),
        {
            "source": delivery.source,
            "entity": delivery.entity,
            "is_full": delivery.is_full,
            "business_date": delivery.business_date,
            "history": settings.volume_history_batches,
        },
    ).all()
    every = [int(row.rows_extracted) for row in earlier if row.nth <= settings.volume_history_batches]
    same = [int(row.rows_extracted) for row in earlier if row.is_same_weekday]
    return judge_by(every, same, f"{delivery.business_date:%A}s", settings)


def judge_by(every: list[int], same: list[int], weekday: str, settings: IngestSettings) -> Volume:
    """Return what is asked of a delivery, given the rows of earlier ones, the newest first.

    Parameters
    ----------
    every, same : list of int
        Rows of all earlier deliveries, and of those of the same weekday.
    weekday : str
        Its name in the plural, for messages.
    settings : IngestSettings
        Shares and sizes.
    """
    if not every:
        return Volume()
    by_weekday = len(same) >= settings.volume_weekday_batches
    compared = f"the last {len(same)} {weekday}" if by_weekday else f"the last {len(every)} deliveries"
    low = high = _median(same if by_weekday else every)
    if same and not by_weekday:
        # Too few to judge by, but enough to doubt with: a quiet Sunday is none the less like the Sunday before.
        low, high = min(low, _median(same)), max(high, _median(same))
    if high < settings.volume_minimum_rows:
        return Volume(median=int(high))
    floor = math.ceil(low * settings.volume_floor_share) if low >= settings.volume_minimum_rows else 0
    ceiling = math.floor(high * settings.volume_ceiling_share) if settings.volume_ceiling_share > 0 else None
    return Volume(floor, ceiling, int(low), compared)


def _median(rows: list[int]) -> float:
    ordered, middle = sorted(rows), len(rows) // 2
    return float(ordered[middle]) if len(rows) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
