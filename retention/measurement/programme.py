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

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from retention.measurement.effects import Effect, Moments, Units, estimate, mixture_variance
from retention.measurement.effects.publish import STATED
from retention.warehouse import Run, load_contract, read_arrow

MOVING_DAYS = 90
MOVING_ALPHA = 0.02
"""Chance with which the daily interval of the moving window is reckoned, so that 95 % hold over a year of looks."""
Floats = NDArray[np.float64]


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
    first = _first_day(run, units)
    rows: list[dict[str, Any]] = []
    if first is not None:
        windows = windows_of(run.business_date, first)
        people = _people(run, units, windows)
        tiers = people.column("service_tier").combine_chunks().dictionary_encode()
        names = [*tiers.dictionary.to_pylist(), None]
        codes = tiers.indices.fill_null(len(names) - 1).to_numpy()
        for window in windows:
            spent = _spent(run, window)
            for tier, arms in _arms(people, codes, names, window):
                if tier is not None:
                    rows.append(_row(run, window, tier, _effect(arms, window), margin_share, spent.get(tier, (0.0, 0.0))))
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"window_days": "int32", **{name: "float64" for name in columns if name in _FLOATS}})


_FLOATS = frozenset(
    (*STATED[:-1], "revenue_minor", "margin_minor", "touch_minor", "spend_minor", "net_minor", "net_lower_minor",
     "net_upper_minor", "return_on_spend")
)  # fmt: skip


def _first_day(run: Run, units: Units) -> date | None:
    with run.warehouse.connect() as connection:
        first: date | None = connection.execute(
            sa.text(f"select min(started_on) from {units.unit_table} where play = '*' and period_key = :year"),
            {"year": str(run.business_date.year)},
        ).scalar()
    return first


def _people(run: Run, units: Units, windows: list[Window]) -> pa.Table:
    """Read everybody of the year: group, tier, what was known before, and what they brought in each window."""
    shorter = [window for window in windows if window.name != "year"]
    sums = ", ".join(
        f"sum(entry.net_minor) filter (where entry.happened_at >= :start_{number}) as net_{number}"
        for number in range(len(shorter))
    )
    named = ", ".join(
        f"cast(coalesce(recent.net_{number}, 0) as double precision) as {window.name}" for number, window in enumerate(shorter)
    )
    query = f"""
        with people as (
            select customer_key, is_treated, service_tier, started_on, net_minor, spend_before_minor, value_before_minor
            from {units.unit_table}
            where play = '*' and period_key = :year
        ),
        recent as (
            select entry.customer_key, {sums}
            from core.order_entry as entry
            inner join people on entry.customer_key = people.customer_key
            where
                entry.happened_at >= :recent_start
                and entry.happened_at < :as_of
                and entry.happened_at >= cast(people.started_on as timestamp) at time zone :business_timezone
                and (entry.deleted_at is null or entry.deleted_at >= :as_of)
            group by entry.customer_key
        )
        select
            people.is_treated,
            people.service_tier,
            cast(people.net_minor as double precision) as year,
            {named},
            cast(people.spend_before_minor as double precision) as spend_before,
            cast(coalesce(people.value_before_minor, 0) as double precision) as value_before,
            cast(people.value_before_minor is not null as integer) as is_value_known
        from people
        left join recent on people.customer_key = recent.customer_key
    """
    day_start = run.settings.day_start
    binds = {
        "year": str(run.business_date.year),
        "business_timezone": run.settings.company.business_timezone,
        "recent_start": day_start(min(window.start for window in shorter)),
        **{f"start_{number}": day_start(window.start) for number, window in enumerate(shorter)},
    }
    return read_arrow(run.warehouse, query, run.binds(**binds))


def _arms(
    people: pa.Table, codes: NDArray[np.int32], tiers: list[str | None], window: Window
) -> Iterator[tuple[str | None, tuple[Moments, Moments]]]:
    """Yield treated and control of everybody (tier ``all``) and of each tier; None stands for those without one."""
    names = (window.name, "spend_before", "value_before", "is_value_known")
    values: Floats = np.column_stack([people.column(name).to_numpy().astype(float) for name in names])
    group = codes * 2 + people.column("is_treated").to_numpy(zero_copy_only=False).astype(np.int32)
    found = [
        (tier, (Moments.of(values[group == 2 * number + 1]), Moments.of(values[group == 2 * number])))
        for number, tier in enumerate(tiers)
    ]
    nobody = Moments.of(values[:0])
    yield "all", (sum((arms[0] for _, arms in found), nobody), sum((arms[1] for _, arms in found), nobody))
    yield from found


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
