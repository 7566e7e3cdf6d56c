"""The console's answers, each computed once per publication."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from retention.console import customer as one_customer
from retention.console import pushes as approvals
from retention.console.customers import customers
from retention.console.kpis import over_time
from retention.console.labels import Labels
from retention.console.models import models
from retention.console.overview import overview
from retention.console.plays import play, plays
from retention.console.programme import programme
from retention.console.quality import health, quality
from retention.console.reading import Reader
from retention.console.remembering import Memory
from retention.console.service import complaints
from retention.console.shapes import Refused, Shape, empty
from retention.settings import Settings

T = TypeVar("T")
LOOKS_PER_HOUR = 60
"""Customers one person may look at in an hour: enough to answer calls, too few to read through a customer base."""
PERIODS = ("day", "month")
MEASURED = "bi.kpi_value"
"""What is measured last: its newest date is that of the answers."""


@dataclass(frozen=True)
class Answered:
    """One answer: the newest measured date, and what is known as of it."""

    as_of_date: date | None
    data: Shape

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return self.data.get("state") == "empty"


class Console:
    """Everything the console can be asked.

    Parameters
    ----------
    url : str
        Of the warehouse.
    settings : Settings
        Currency, time zone, suppression size and objectives.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self.settings = settings
        self.reader = Reader(url, settings)
        self._memory = Memory(self.reader.version)

    def close(self) -> None:
        """Close the connections."""
        self.reader.dispose()

    def waiting(self) -> list[Shape]:
        """Return pushes that wait; what Airflow knows of them is not in here."""
        return self._kept("waiting", lambda: approvals.waiting(self.reader, self._labels()))

    def overview(self, waiting: list[Shape]) -> Answered:
        """Return the first view, with what waits as Airflow sees it for whoever asks."""
        newest = self._newest()
        told = tuple((item["id"], bool(item.get("is_settled"))) for item in waiting)
        data = self._kept(("overview", told), lambda: overview(self.reader, self._labels(), newest, waiting))
        pushes = data["pushes"]
        if "items" in pushes:  # what somebody may answer differs from person to person
            data = {**data, "pushes": {**pushes, "items": waiting[:3]}}
        return Answered(newest, data)

    def kpis(
        self,
        dimension: str = "all",
        period: str = "day",
        from_date: date | None = None,
        to_date: date | None = None,
        kpis: tuple[str, ...] = (),
        member: str | None = None,
    ) -> Answered:
        """Return KPIs over time.

        Raises
        ------
        Refused for a period that there is not.
        """
        if period not in PERIODS:
            raise Refused("wrong_parameter", 400)
        key = ("kpis", dimension, period, from_date, to_date, kpis, member)
        return self._as_of(
            key,
            lambda day: over_time(
                self.reader, self._labels(), day,
                dimension=dimension, period=period, from_date=from_date, to_date=to_date, kpis=kpis or None, member=member,
            ),
        )  # fmt: skip

    def customers(self) -> Answered:
        """Return customers as groups."""
        return self._as_of("customers", lambda day: customers(self.reader, self._labels(), day), "bi.group_profile_value")

    def plays(self) -> Answered:
        """Return every play."""
        return self._as_of("plays", lambda day: plays(self.reader, self._labels(), day), "campaigns.play_run")

    def play(self, name: str) -> Answered:
        """Return one play.

        Raises
        ------
        Refused when there is none of that name.
        """
        if name not in self._labels().plays:
            raise Refused("unknown_play", 404)
        return self._as_of(("play", name), lambda day: play(self.reader, self._labels(), day, name), "campaigns.play_run")

    def programme(self) -> Answered:
        """Return the programme as a whole."""
        return self._as_of("programme", lambda day: programme(self.reader, self._labels(), day))

    def models(self) -> Answered:
        """Return every model."""
        return self._as_of("models", lambda day: models(self.reader, day), "scores.churn")

    def quality(self) -> Answered:
        """Return checks, quarantine and deliveries; there before anything was measured."""
        return Answered(self._newest(), self._kept("quality", lambda: quality(self.reader)))

    def health(self) -> Answered:
        """Return the health of pipeline and audiences; there before anything was measured."""
        zone = ZoneInfo(self.settings.company.business_timezone)
        closed = self.reader.now().astimezone(zone).date() - timedelta(days=1)
        return Answered(self._newest(), self._kept(("health", closed), lambda: health(self.reader, closed)))

    def complaints(self) -> Answered:
        """Return the complaint clock, causes and the weekly review; the clock is there before anything was measured."""
        return Answered(self._newest(), self._kept("complaints", lambda: complaints(self.reader, self._labels())))

    def pushes(self) -> Answered:
        """Return pushes that went out and approvals; ``items`` are added by whoever asks Airflow."""

        def compute() -> Shape:
            return {"history": approvals.history(self.reader), "approvals": approvals.approvals(self.reader)}

        return Answered(self._newest(), self._kept("pushes", compute))

    def customer(self, text: str, actor: str) -> Answered:
        """Return one customer, after putting on record who looks.

        Parameters
        ----------
        text : str
            The key, as it was asked for.
        actor : str
            Login of who looks.

        Raises
        ------
        Refused for what is no key, an unknown one, or too many in an hour.
        """
        key = one_customer.key_of(text)
        left = one_customer.looks_left(self.reader, actor, LOOKS_PER_HOUR)
        one_customer.note(self.reader, actor, text, allowed=left > 0)
        if not left:
            raise Refused("too_many_customers", 429, retry_after_seconds=600)
        day = self._segmented()
        if day is None:
            return Answered(None, empty("nothing_segmented"))
        data = one_customer.customer(self.reader, self._labels(), day, key)
        now = self.reader.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return Answered(day, {**data, "logged": {"at": now, "actor": actor, "looks_left": left - 1}})

    def refused_customer(self, text: str, actor: str) -> None:
        """Put on record that somebody without the right asked for a customer."""
        one_customer.note(self.reader, actor, text, allowed=False)

    # -- what answers rest on -------------------------------------------------------------------------------------------
    def _as_of(self, key: Hashable, compute: Callable[[date], Shape], table: str = MEASURED) -> Answered:
        newest = self._dates().get(table)
        if newest is None:
            return Answered(None, empty("nothing_measured"))
        return Answered(newest, self._kept((key, newest), lambda: compute(newest)))

    def _newest(self) -> date | None:
        return self._dates().get(MEASURED)

    def _segmented(self) -> date | None:
        return self._dates().get("segments.tier")

    def _dates(self) -> dict[str, date]:
        found: dict[str, date] = self._kept(
            "dates", lambda: {row["table_name"]: row["as_of_date"] for row in self.reader.rows("newest")}
        )
        return found

    def _labels(self) -> Labels:
        labels: Labels = self._kept("labels", lambda: Labels(self.reader))
        return labels

    def _kept(self, key: Hashable, compute: Callable[[], T]) -> T:
        return self._memory.get(key, compute)
