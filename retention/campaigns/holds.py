"""Promotion rests while a complaint is open and for some days after: who that is, and telling the marketing database.

Asked at the push, and carried over every ten minutes by the streams of consent and complaints: whoever complains after the
push is hidden from ``sendable`` at the next read, without another push, and comes back when the time of rest is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Row

from retention.campaigns.receipts import marketing_of
from retention.warehouse import Run, failpoint, sql_file

_REASON = "complaint"

_RELEASE = """
delete from marketing.contact_hold as hold
where hold.reason = :reason
    and not exists (select 1 from unnest(cast(:people as bigint[])) as person (customer_key)
        where person.customer_key = hold.customer_key)
"""

_HOLD = """
insert into marketing.contact_hold as hold (customer_key, reason, since, rests_until)
select person.customer_key, :reason, person.since, person.rests_until
from unnest(cast(:people as bigint[]), cast(:since as timestamptz[]), cast(:rests_until as timestamptz[]))
    as person (customer_key, since, rests_until)
on conflict (customer_key, reason) do update set
    since = excluded.since, rests_until = excluded.rests_until, updated_at = now()
where (hold.since, hold.rests_until) is distinct from (excluded.since, excluded.rests_until)
"""


@dataclass(frozen=True)
class Holds:
    """What a sync of the holds changed in the marketing database."""

    resting: int
    """People to whom no promotion goes now."""
    changed: int
    """Of them, those who are new or whose time changed."""
    released: int

    def counts(self) -> dict[str, int]:
        """Return what a step reports."""
        return {"promotion_rests": self.resting, "holds_changed": self.changed, "holds_released": self.released}


def resting_people(run: Run, now: datetime | None = None) -> list[Row[tuple[int, datetime, datetime | None]]]:
    """Return whom a complaint protects, from what the warehouse knows: rows of customer_key, since, rests_until.

    Parameters
    ----------
    run : Run
        Its settings say how long promotion rests after a complaint was resolved (``campaigns.complaint_hold_days``).
    now : datetime, optional
        The present instant, aware; default the clock of the warehouse.
    """
    with run.warehouse.connect() as connection:
        binds = {
            "now": now or connection.execute(sa.text("select now()")).scalar_one(),
            "business_timezone": run.settings.company.business_timezone,
            "complaint_hold_days": run.settings.campaigns.complaint_hold_days,
        }
        return list(connection.execute(sa.text(sql_file("marketing/_contact_holds")), binds))


def hold_promotion(run: Run, now: datetime | None = None) -> Holds:
    """Bring ``marketing.contact_hold`` to what the warehouse knows of complaints; safe to repeat and to run beside itself.

    Writers take turns, and each asks the warehouse after its turn has begun: whoever writes last has read last.

    Raises
    ------
    NoMarketingDatabase when the run has none.
    """
    with marketing_of(run).begin() as connection:
        connection.exec_driver_sql("lock table marketing.contact_hold in share row exclusive mode")
        rows = resting_people(run, now)
        failpoint("holds.read")
        people = [row.customer_key for row in rows]
        released = connection.execute(sa.text(_RELEASE), {"reason": _REASON, "people": people}).rowcount
        changed = connection.execute(
            sa.text(_HOLD),
            {
                "reason": _REASON,
                "people": people,
                "since": [row.since for row in rows],
                "rests_until": [row.rests_until for row in rows],
            },
        ).rowcount
        failpoint("holds.before_commit")
    return Holds(len(people), int(changed), int(released))
