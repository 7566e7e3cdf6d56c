"""What may be used today: budgets of the plays and of the company less what was used, capacities, the rule of 80/20."""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa

from retention.campaigns.allocation.factors import with_factors
from retention.campaigns.allocation.problem import Budgets
from retention.campaigns.plays import Play
from retention.settings import Settings
from retention.settings_campaigns import AllocationSettings
from retention.warehouse import Run, sql_file


def read_budgets(
    run: Run,
    plays: Sequence[Play],
    channels: Sequence[str],
    first_position: int = 1,
    contender_table: str = "campaigns.contender",
) -> Budgets:
    """Return what promotional plays may use today.

    Parameters
    ----------
    run : Run
        The day.
    plays : sequence of Play
        All plays, in the order of their positions.
    channels : sequence of str
        Channels in the order of their numbers, from 0.
    first_position : int
        Position of the first play.
    contender_table : str
        Where the day's contenders are: the table, or its staging.
    """
    query = re.sub(r"\bcampaigns\.contender\b", contender_table, sql_file("campaigns/_spent"))
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(query),
            {"as_of_date": run.as_of_date, "month_start": run.as_of_date.replace(day=1)},
        ).all()
    used = Used()
    for row in rows:
        used.add(row.play, row.channel, row.cost_minor, row.today_minor, row.today_contacts, promotes=row.is_promotional)
    return budgets_of(run.settings, run.as_of_date, with_factors(run, plays), channels, used, first_position)


@dataclass
class Used:
    """What was used before a day's plan: of the month's money, and of the day's by who is no contender any more.

    A contact that was handed out today and taken back counts in full: its tool may have sent it, and a member of staff called.
    """

    month_minor: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By promotional play, of the month before the day: touches and expected offers, minor units."""
    today_minor: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By promotional play, of the day, by who is no contender any more."""
    today_contacts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By play of any kind, how many those were …"""
    today_by_channel: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """… and by channel, those of promotion."""

    def add(self, play: str, channel: str, month: float, today: float, contacts: int, *, promotes: bool) -> None:
        """Add what one play used through one channel."""
        self.month_minor[play] += month
        self.today_minor[play] += today
        self.today_contacts[play] += contacts
        if promotes:
            self.today_by_channel[channel] += contacts


def budgets_of(
    settings: Settings,
    day: date,
    plays: Sequence[Play],
    channels: Sequence[str],
    used: Used,
    first_position: int = 1,
) -> Budgets:
    """Return what may be used on a day, from what was used.

    A day's budget counts in whole. Of a month's budget a day may use what is left by the days that are left, so that the first
    day does not use it all; a play with both is held by the tighter one.

    Parameters
    ----------
    settings : Settings
        Budgets over all plays, the rule of 80/20, capacities of channels.
    day : date
        The as-of date.
    plays : sequence of Play
        All plays; only promotional ones have budgets here.
    channels : sequence of str
        Channels in the order of their numbers.
    used : Used
        What was used before.
    first_position : int
        Position of the first play.
    """
    unit = 10**settings.company.base_currency_minor_digits
    allocation = settings.allocation
    promotional = [(position, play) for position, play in enumerate(plays, first_position) if play.kind == "promotional"]
    play_minor: dict[int, float] = {}
    for position, play in promotional:
        left = _left(day, play.budget.day, play.budget.month, unit, used.month_minor[play.name], used.today_minor[play.name])
        if left is not None:
            play_minor[position] = left
    total = _left(
        day,
        allocation.day_budget or None,
        allocation.month_budget or None,
        unit,
        sum(used.month_minor.values()),
        sum(used.today_minor.values()),
    )
    return Budgets(
        play_minor=play_minor,
        play_contacts={
            position: float(max(0, play.capacity_per_day - used.today_contacts[play.name]))
            for position, play in promotional
            if play.capacity_per_day is not None
        },
        channel_contacts={
            number: max(0, allocation.channel_contacts_per_day[channel] - used.today_by_channel[channel])
            for number, channel in enumerate(channels)
            if channel in allocation.channel_contacts_per_day
        },
        total_minor=total,
        rest_minor=_rest(allocation, total, play_minor, len(promotional)),
        tasks=_tasks(plays, first_position, used),
    )


def _tasks(plays: Sequence[Play], first_position: int, used: Used) -> dict[int, float]:
    """Return how many more tasks plays for staff and service may give out today; they compete for nothing else."""
    return {
        position: float(max(0, play.capacity_per_day - used.today_contacts[play.name]))
        for position, play in enumerate(plays, first_position)
        if play.kind != "promotional" and play.capacity_per_day is not None
    }


def _left(day: date, of_day: float | None, of_month: float | None, unit: int, spent: float, today: float) -> float | None:
    """Return the money left for a day, minor units; None where there is no limit."""
    left = []
    if of_day is not None:
        left.append(of_day * unit - today)
    if of_month is not None:
        days_left = calendar.monthrange(day.year, day.month)[1] - day.day + 1
        left.append((of_month * unit - spent) / days_left - today)
    return max(0.0, min(left)) if left else None


def _rest(allocation: AllocationSettings, total: float | None, play_minor: Mapping[int, float], plays: int) -> float | None:
    """Return the money for customers outside the top: a share of the company's budget, or of the plays' where all have one."""
    if allocation.top_budget_share <= 0:
        return None
    if total is None:
        if not plays or len(play_minor) < plays:
            return None
        total = sum(play_minor.values())
    return (1 - allocation.top_budget_share) * total
