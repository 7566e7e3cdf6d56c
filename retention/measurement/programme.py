"""What all promotion together brought: everybody who may get it against the universal control group of the year.

The same comparison as that of a play (:mod:`retention.measurement.effects`), over a window of days instead of an outcome
window: customers count from the first pushed day of the year on which they were known, in both groups alike. What was spent
is taken off what the effect is worth.

The daily interval holds at all looks of a year or quarter together: the estimate of revenue per day has independent
increments of information from look to look. A window that moves forgets what it has seen, so that its looks are more nearly
separate ones; its daily interval is reckoned at two in a hundred (by simulation of 4,000 years without effect, 3.2 % hold a
false alarm; at five in a hundred it would be 8.3 %).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from retention.measurement.effects import Effect, Moments, Units, estimate, mixture_variance
from retention.measurement.effects.publish import NOBODY, STATED, SUMS, moments_of
from retention.warehouse import Run, load_contract, sql_file, statement

MOVING_DAYS = 90
MOVING_ALPHA = 0.02
"""Chance with which the daily interval of the moving window is reckoned, so that 95 % hold over a year of looks."""


@dataclass(frozen=True)
class Window:
    """Days over which everybody is compared."""

    name: str
    start: date
    days: int
    planned_days: int
    """Days of the whole window: the daily interval is narrowest at its end."""
    alpha_any: float = 0.05


def windows_of(day: date, first: date) -> list[Window]:
    """Return the windows that end with a business day, where the year's comparison began on ``first``."""
    quarter = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    end = day + timedelta(days=1)

    def window(name: str, start: date, planned_days: int, alpha_any: float = 0.05) -> Window:
        start = max(start, first)
        return Window(name, start, (end - start).days, planned_days, alpha_any)

    return [
        window("year", date(day.year, 1, 1), 365),
        window("quarter", quarter, 91),
        window("last_90_days", end - timedelta(days=MOVING_DAYS), MOVING_DAYS, MOVING_ALPHA),
    ]


def programme_effects(run: Run, units: Units, margin_share: float) -> pd.DataFrame:
    """Return the rows of ``bi.programme_effect`` as of the run's date; none before the universal group was first pushed around.

    Parameters
    ----------
    run : Run
        The day.
    units : Units
        As of that date.
    margin_share : float
        Share of revenue that is margin.
    """
    columns = load_contract("bi.programme_effect").column_names
    known = _kept_sums(run, units)
    first = min((row["first_on"] for row in known), default=None)
    rows: list[dict[str, Any]] = []
    if first is not None:
        windows = windows_of(run.business_date, first)
        brought = _brought(run, units, sorted({window.start for window in windows} - {first}))
        for window in windows:
            spent = _spent(run, window)
            for tier, arms in _arms(known, brought.get(window.start)).items():
                rows.append(_row(run, window, tier, _effect(arms, window), margin_share, spent.get(tier, (0.0, 0.0))))
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"window_days": "int32", **{name: "float64" for name in columns if name in _FLOATS}})


_FLOATS = frozenset(
    (*STATED[:-1], "revenue_minor", "margin_minor", "touch_minor", "spend_minor", "net_minor", "net_lower_minor",
     "net_upper_minor", "return_on_spend")
)  # fmt: skip


def _kept_sums(run: Run, units: Units) -> list[dict[str, Any]]:
    """Read what is kept of everybody of the year, by tier and group: sums over the year and of what was known before."""
    summed = ", ".join(f"sum({name}) as {name}" for name in SUMS)
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                # The table's name is ours: the one kept, or the one made for a date in the past.
                f"select service_tier, is_treated, min(started_on) as first_on, {summed} from {units.sum_table} "
                "where play = '*' and started_on >= :since and started_on < :until and customers > 0 "
                "group by service_tier, is_treated order by service_tier, is_treated"
            ),
            {"since": date(run.business_date.year, 1, 1), "until": run.as_of_date},
        )
        return [row._asdict() for row in rows]


def _brought(run: Run, units: Units, starts: list[date]) -> dict[date, dict[tuple[str, bool], dict[str, Any]]]:
    """Read what the year's people brought from each day on, as sums by tier and group: only those who ordered are read."""
    if not starts:
        return {}
    query = sql_file("campaigns/_programme_windows").replace("effect.unit", units.unit_table)
    found: dict[date, dict[tuple[str, bool], dict[str, Any]]] = {}
    with run.warehouse.connect() as connection:
        for row in connection.execute(
            *statement(
                query,
                run.binds(
                    year=str(run.business_date.year),
                    business_timezone=run.settings.company.business_timezone,
                    starts=starts,
                    recent_start=run.settings.day_start(starts[0]),
                ),
            )
        ):
            found.setdefault(row.start, {})[row.service_tier, row.is_treated] = row._asdict()
    return found


def _arms(
    known: list[dict[str, Any]], brought: dict[tuple[str, bool], dict[str, Any]] | None
) -> dict[str, tuple[Moments, Moments]]:
    """Return treated and control of everybody (tier ``all``) and of each tier; who has no tier counts in the former.

    Parameters
    ----------
    known : list
        Sums of the year.
    brought : dict, optional
        Sums of what was brought in a shorter window; None for that of the year.
    """
    nothing = dict.fromkeys(("sum_net", "net_net", "net_spend", "net_value", "net_known"), 0)
    arms: dict[str, dict[bool, Moments]] = {"all": {}}
    for row in known:
        tier, is_treated = row["service_tier"], row["is_treated"]
        sums = row if brought is None else {**row, **nothing, **brought.get((tier, is_treated), {})}
        found = moments_of(sums, "net")
        arms["all"][is_treated] = arms["all"].get(is_treated, NOBODY) + found
        if tier != "none":
            arms.setdefault(tier, {})[is_treated] = found
    return {tier: (groups.get(True, NOBODY), groups.get(False, NOBODY)) for tier, groups in arms.items()}


def _effect(arms: tuple[Moments, Moments], window: Window) -> Effect:
    counts = [arm.count for arm in arms]
    mixture = None
    if all(counts):
        together = arms[0] + arms[1]
        spread = float(together.scatter[1, 1]) / together.count
        # Fixed before the first look: the spread of the year before, per day, as it will be at the end of the window.
        per_day = spread / 365**2 * (1 / counts[0] + 1 / counts[1]) * 365 / window.planned_days
        mixture = mixture_variance(per_day, window.alpha_any) * window.days**2 if spread > 0 else None
    return estimate(*arms, planned=max(sum(counts), 1), mixture=mixture, alpha_any=window.alpha_any)


def _spent(run: Run, window: Window) -> dict[str, tuple[float, float]]:
    """Return what touches cost, and touches with offers, by tier and of all."""
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select case when grouping(service_tier) = 1 then 'all' else service_tier end as tier, "
                "sum(touch_minor) as touch, sum(spend_minor) as spend from campaigns.effect_spend "
                "where as_of_date >= :start and as_of_date < :until group by grouping sets ((), (service_tier))"
            ),
            {"start": window.start, "until": run.as_of_date},
        )
        return {row.tier: (float(row.touch or 0), float(row.spend or 0)) for row in rows}


def _row(
    run: Run, window: Window, tier: str, effect: Effect, margin_share: float, spent: tuple[float, float]
) -> dict[str, Any]:
    touch, spend = spent

    def worth(difference: float | None) -> float | None:
        return None if difference is None else difference * effect.treated * margin_share

    def net(difference: float | None) -> float | None:
        margin = worth(difference)
        return None if margin is None else margin - touch

    margin = worth(effect.difference)
    return {
        "as_of_date": run.as_of_date,
        "play_window": window.name,
        "service_tier": tier,
        "window_start": window.start,
        "window_days": window.days,
        "treated_customers": effect.treated,
        "control_customers": effect.control,
        **{name: getattr(effect, name) for name in STATED},
        "revenue_minor": None if effect.difference is None else effect.difference * effect.treated,
        "margin_minor": margin,
        "touch_minor": touch,
        "spend_minor": spend,
        "net_minor": net(effect.difference),
        "net_lower_minor": net(effect.lower_any_95),
        "net_upper_minor": net(effect.upper_any_95),
        "return_on_spend": None if margin is None or spend <= 0 else (margin + spend - touch) / spend,
    }
