"""Quiet hours and quiet days: when nobody is contacted, by the clock where the customer is."""

from __future__ import annotations

import json
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retention.settings import Settings, SettingsError

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def quiet_binds(settings: Settings, as_of_date: date) -> dict[str, Any]:
    """Return the binds of the quiet hours: the hours, whether the whole day is quiet, and the zones by region.

    Parameters
    ----------
    settings : Settings
        ``campaigns.quiet_from``, ``quiet_until``, ``quiet_days`` and ``region_time_zones``; the company's zone holds elsewhere.
    as_of_date : date
        The day.

    Raises
    ------
    SettingsError naming the setting that is no time, no day or no zone.
    """
    campaigns = settings.campaigns
    zones = [{"region": None, "time_zone": settings.company.business_timezone}]
    zones += [
        {"region": region, "time_zone": _zone(region, zone)} for region, zone in sorted(campaigns.region_time_zones.items())
    ]
    return {
        "quiet_from": _time("quiet_from", campaigns.quiet_from),
        "quiet_until": _time("quiet_until", campaigns.quiet_until),
        "is_quiet_day": any(_is_on(day, as_of_date) for day in campaigns.quiet_days),
        "zones": json.dumps(zones),
    }


def _time(name: str, text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"[campaigns] {name} must be a time of day like 21:00, is {text}") from None


def _zone(region: str, name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError):
        raise SettingsError(f"[campaigns] region_time_zones.{region} must be a time zone like Asia/Urumqi, is {name}") from None


def _is_on(day: str, as_of_date: date) -> bool:
    """Whether a setting like ``sunday`` or ``12-13`` means this day."""
    if day.lower() in _WEEKDAYS:
        return as_of_date.weekday() == _WEEKDAYS.index(day.lower())
    try:
        named = date.fromisoformat(f"2024-{day}")  # a leap year, so that 02-29 is a day
    except ValueError:
        raise SettingsError(f"[campaigns] quiet_days must name weekdays or days like 12-13, one is {day}") from None
    return (named.month, named.day) == (as_of_date.month, as_of_date.day)
