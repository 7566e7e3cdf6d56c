"""What every stage is handed: which day, which databases, which settings, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse.connections import Warehouse


@dataclass(frozen=True)
class Attempt:
    """One try of one task. A later try of the same task may take over its lease at once; another task waits."""

    dag_id: str
    run_id: str
    task_id: str
    try_number: int = 1


@dataclass(frozen=True)
class Run:
    """One business day being worked on.

    ``business_date`` (B) is the closed day that a run is for; ``as_of_date`` (D = B + 1) is the date as of which features,
    scores and segments hold: they use what happened before D began.
    """

    business_date: date
    warehouse: Warehouse
    settings: Settings
    attempt: Attempt
    secrets: Secrets = field(repr=False)
    marketing: Warehouse | None = None

    @property
    def as_of_date(self) -> date:
        """Date as of which results hold: the day after the business day."""
        return self.business_date + timedelta(days=1)

    @property
    def as_of(self) -> datetime:
        """Instant at which :attr:`as_of_date` begins in the business time zone."""
        return self.settings.day_start(self.as_of_date)

    def binds(self, **more: Any) -> dict[str, Any]:
        """Return the binds every query may use: ``as_of_date`` and ``as_of``, with more beside."""
        return {"as_of_date": self.as_of_date, "as_of": self.as_of, **more}
