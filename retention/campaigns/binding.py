"""What the queries of a plan are given: the plays' numbers, their channels, their tasks, and the limits over all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from retention.campaigns.eligibility import CHANNELS, channel_bits, place, plays_version
from retention.campaigns.holdout import universal_period
from retention.campaigns.holidays import holiday_binds
from retention.campaigns.plays import Play
from retention.campaigns.quiet import quiet_binds
from retention.campaigns.suppression import suppressed_people
from retention.settings import CompanySettings
from retention.warehouse import Run


def plan_binds(run: Run, plays: Sequence[Play]) -> dict[str, Any]:
    """Return the binds of all queries of a plan.

    Parameters
    ----------
    run : Run
        The day.
    plays : sequence of Play
        In the order of their positions.
    """
    campaigns, company = run.settings.campaigns, run.settings.company
    return {
        **run.binds(),
        **holiday_binds(run.as_of_date),
        **quiet_binds(run.settings, run.as_of_date),
        "business_timezone": company.business_timezone,
        "default_language": company.default_language,
        "currency": company.base_currency,
        "minor_units": 10**company.base_currency_minor_digits,
        "suppressed": suppressed_people(run),
        "plays": play_records(plays),
        "plays_version": plays_version(plays),
        "channels": channel_records(plays, company),
        "tasks": task_records(plays),
        "holdout_salt": campaigns.holdout_salt,
        "universal_control_share": campaigns.universal_control_share,
        "universal_period": universal_period(run.as_of_date),
        "contact_cap": campaigns.contact_cap,
        "contact_cap_days": campaigns.contact_cap_days,
        "contact_cap_per_channel": campaigns.contact_cap_per_channel,
        "complaint_hold_days": campaigns.complaint_hold_days,
    }


def play_records(plays: Sequence[Play]) -> str:
    """Return the plays' numbers as a JSON array, with position and place of each."""
    return json.dumps(
        [
            {
                "position": position,
                "word": place(position)[0],
                "bit": place(position)[1],
                "play": play.name,
                "kind": play.kind,
                "purpose": play.purpose,
                "channels": channel_bits(play.channels),
                "priority": play.priority,
                "holdout_share": play.holdout_share,
                "is_capped": play.is_capped,
                "uses_profiling": play.uses_profiling,
                "valid_days": membership_days(play),
                "max_tries": play.max_tries,
                "tries_since": play.tries_since,
                "keeps_quiet_hours": play.keeps_quiet_hours,
                "content_key": play.content_key,
                "content_hash": play.content_hash,
            }
            for position, play in enumerate(plays, 1)
        ]
    )


def membership_days(play: Play) -> int:
    """Return how long a membership lasts: a task only until it is due, so that it is the same before its push and after."""
    due_days = play.task.due_days if play.task is not None else None
    return play.valid_days if due_days is None else min(play.valid_days, due_days)


def channel_records(plays: Sequence[Play], company: CompanySettings) -> str:
    """Return the channels of each play with the cost of a touch, as a JSON array.

    Channels that a play has no longer are among them, without cost: who is a member by one keeps it.
    """
    unit = 10**company.base_currency_minor_digits
    return json.dumps(
        [
            {
                "position": position,
                "number": number,
                "channel": channel,
                "cost_minor": round(play.cost_per_touch.get(channel, 0.0) * unit),
            }
            for position, play in enumerate(plays, 1)
            for number, channel in enumerate(CHANNELS)
        ]
    )


def task_records(plays: Sequence[Play]) -> str:
    """Return what staff plays ask of people, as a JSON array."""
    return json.dumps(
        [
            {
                "play": play.name,
                "title_en": play.task.title_en,
                "title_zh": play.task.title_zh,
                "talking_points_en": play.task.talking_points_en,
                "talking_points_zh": play.task.talking_points_zh,
                "due_days": play.task.due_days,
                "assign_to": play.task.assign_to,
            }
            for play in plays
            if play.task is not None
        ]
    )
