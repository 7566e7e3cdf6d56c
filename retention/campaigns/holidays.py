"""The company's holidays: ``include/calendar/holidays.yml`` turned into dates, Chinese lunar days included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from retention.settings import PROJECT_ROOT
from retention.yaml_text import load_yaml

CALENDAR = PROJECT_ROOT / "include" / "calendar" / "holidays.yml"
KINDS = ("gregorian", "lunar", "weekday", "statutory")


@dataclass(frozen=True)
class Holiday:
    """One holiday on the date it falls on next."""

    code: str
    on: date

    @property
    def key(self) -> str:
        """The event that tells this year's from the next: nobody is greeted twice on one holiday."""
        return f"{self.code}/{self.on}"


@cache
def calendar(path: Path = CALENDAR) -> Mapping[str, Mapping[str, Any]]:
    """Return the entries of the calendar by code.

    Raises
    ------
    ValueError naming the entry that is no day of one of the four kinds, or lacks its names in both languages.
    """
    entries: dict[str, Mapping[str, Any]] = load_yaml(path.read_text(encoding="utf-8")) or {}
    for code, entry in entries.items():
        kinds = [kind for kind in KINDS if kind in entry]
        if len(kinds) != 1 or not {"en", "zh"} <= set(entry) or len(entry) != 3:
            raise ValueError(
                f"{path.name}: {code} needs en, zh and one of {', '.join(KINDS)}; found {', '.join(map(str, entry))}. "
                "Nothing can be planned until it is right."
            )
    return entries


def next_holiday(today: date, path: Path = CALENDAR) -> Holiday | None:
    """Return the holiday that comes next, today's included; None where the calendar has none.

    Parameters
    ----------
    today : date
        Business date; of two on one day, the first in the calendar is taken.
    """
    coming = [
        Holiday(code, on)
        for code, entry in calendar(path).items()
        for year in (today.year, today.year + 1)
        if (on := _falls_on(entry, year)) is not None and on >= today
    ]
    return min(coming, key=lambda holiday: holiday.on, default=None)


def holiday_binds(today: date, path: Path = CALENDAR) -> dict[str, Any]:
    """Return what ``campaigns/customer_attributes.sql`` is told about the calendar."""
    coming = next_holiday(today, path)
    return {
        "holiday": coming.code if coming else None,
        "holiday_on": coming.on if coming else None,
        "holiday_key": coming.key if coming else None,
    }


def _falls_on(entry: Mapping[str, Any], year: int) -> date | None:
    """Return the day in a year; None where it has none (29 February, a holiday that was abolished)."""
    if "gregorian" in entry:
        month, day = _month_day(entry["gregorian"])
        return date(year, month, day) if (month, day) != (2, 29) or _is_leap(year) else None
    if "lunar" in entry:
        from lunardate import LunarDate

        # The days of the last lunar months fall into the next year of the common calendar.
        month, day = _month_day(entry["lunar"])
        days = [LunarDate(lunar_year, month, day).to_solar_date() for lunar_year in (year - 1, year)]
        return next((on for on in days if on.year == year), None)
    if "weekday" in entry:
        rule = entry["weekday"]
        first = date(year, rule["month"], 1)
        return first + timedelta(days=(rule["day"] - first.isoweekday()) % 7 + 7 * (rule["number"] - 1))
    from holidays import country_holidays

    days_off = country_holidays(entry["statutory"]["country"], years=year, language="en_US", observed=False)
    return min(days_off.get_named(entry["statutory"]["name"], lookup="iexact"), default=None)


def _month_day(text: str) -> tuple[int, int]:
    month, day = text.split("-")
    return int(month), int(day)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
