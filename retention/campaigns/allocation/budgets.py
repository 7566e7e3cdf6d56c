"""What may be used today: budgets of the plays and of the company less what was used, capacities, the rule of 80/20."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from datetime import date

import sqlalchemy as sa

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
    spent = {row.play: float(row.cost_minor) for row in rows}
    today = {row.play: float(row.today_minor) for row in rows}
    contacts = {row.play: int(row.today_contacts) for row in rows}
    return budgets_of(run.settings, run.as_of_date, plays, channels, spent, today, first_position, contacts)


def budgets_of(
    settings: Settings,
    day: date,
    plays: Sequence[Play],
    channels: Sequence[str],
    spent_minor: Mapping[str, float],
    today_minor: Mapping[str, float],
    first_position: int = 1,
    today_contacts: Mapping[str, int] | None = None,
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
    spent_minor : mapping
        By promotional play, what was used of the month before the day: touches and expected offers, minor units.
    today_minor : mapping
        By promotional play, what was handed out today to who is no contender any more: its tool may have sent it.
    first_position : int
        Position of the first play.
    today_contacts : mapping, optional
        By promotional play, how many those were.
    """
    unit = 10**settings.company.base_currency_minor_digits
    allocation = settings.allocation
    promotional = [(position, play) for position, play in enumerate(plays, first_position) if play.kind == "promotional"]
    play_minor: dict[int, float] = {}
    for position, play in promotional:
        left = _left(
            day, play.budget.day, play.budget.month, unit, spent_minor.get(play.name, 0.0), today_minor.get(play.name, 0.0)
        )
        if left is not None:
            play_minor[position] = left
    total = _left(
        day,
        allocation.day_budget or None,
        allocation.month_budget or None,
        unit,
        sum(spent_minor.values()),
        sum(today_minor.values()),
    )
    return Budgets(
        play_minor=play_minor,
        play_contacts={
            position: float(max(0, play.capacity_per_day - (today_contacts or {}).get(play.name, 0)))
            for position, play in promotional
            if play.capacity_per_day is not None
        },
        channel_contacts={
            number: allocation.channel_contacts_per_day[channel]
            for number, channel in enumerate(channels)
            if channel in allocation.channel_contacts_per_day
        },
        total_minor=total,
        rest_minor=_rest(allocation, total, play_minor, len(promotional)),
    )


def staff_capacities(plays: Sequence[Play], first_position: int = 1) -> Budgets:
    """Return how many tasks a day plays for staff and service may give out; they compete for nothing else."""
    return Budgets(
        play_contacts={
            position: float(play.capacity_per_day)
            for position, play in enumerate(plays, first_position)
            if play.kind != "promotional" and play.capacity_per_day is not None
        }
    )


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
