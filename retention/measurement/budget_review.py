"""Plays that show no effect lose budget, by a rule that is stated, with a record of why.

At most once in ``allocation.budget_review_days`` the effect of a promotional play on net revenue, as margin, is held against
what a contact costs and against what the play states. The interval that may be looked at daily decides:

======================  ==================================================================  =================
the play …              when                                                                its budget
======================  ==================================================================  =================
is harmful              the whole interval lies below zero                                  goes to the floor
does not pay            the whole interval lies below what a touch costs                    loses a step
shows no effect         0 lies in the interval, and what a contact should bring             loses a step
                        would have been seen in four of five comparisons
pays                    the whole interval lies above zero, the effect above the cost       gets a step back
is not known            otherwise: the comparison is too small to tell                      stays
======================  ==================================================================  =================

A budget that was lowered also comes back when the people contacted since then show that the play pays, and when those compared
have become too few to say anything. The floor keeps enough contacts to go on measuring. Pinned plays are left alone, on record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.measurement.effects import Effect, Units, effects_since
from retention.measurement.words import LANGUAGES, money, sentence
from retention.settings_campaigns import AllocationSettings
from retention.warehouse import Run

_OUTCOME = "net_revenue_minor"


@dataclass(frozen=True)
class Reviewed:
    """What is known of a play at its review."""

    play: str
    factor: float
    """Share of its budget that it has."""
    changed_on: date | None
    """When that was last decided; None while it has all of it."""
    baseline_contacts: float
    cost_minor: float
    """What a touch costs."""
    aim_minor: float
    """Margin that a contact should bring."""


def judged(effect: Effect | None, margin_share: float, cost_minor: float, aim_minor: float) -> str:
    """Return what an effect says about a play: harmful, does_not_pay, no_effect, pays, not_known or too_few.

    Parameters
    ----------
    effect : Effect, optional
        On net revenue per contact; None where the play was not measured.
    margin_share : float
        Share of revenue that is margin.
    cost_minor : float
        What a touch costs.
    aim_minor : float
        Margin that a contact should bring.
    """
    if effect is None or effect.lower_any_95 is None or effect.upper_any_95 is None or effect.difference is None:
        return "too_few"
    if effect.upper_any_95 < 0:
        return "harmful"
    if effect.upper_any_95 * margin_share < cost_minor:
        return "does_not_pay"
    if effect.lower_any_95 > 0:
        return "pays" if effect.difference * margin_share >= cost_minor else "not_known"
    if effect.detectable is not None and effect.detectable * margin_share <= aim_minor:
        return "no_effect"
    return "not_known"


def decided(code: str, recent: str, factor: float, allocation: AllocationSettings) -> tuple[float, str] | None:
    """Return the new factor and the reason; None where nothing changes.

    Parameters
    ----------
    code : str
        What all people compared say.
    recent : str
        What those say who were contacted since the last change.
    factor : float
        Share of the budget that the play has.
    allocation : AllocationSettings
        Step and floor.
    """
    floor, step = allocation.budget_floor, allocation.budget_step
    raised = min(1.0, factor / step) if step > 0 else 1.0
    if factor < 1 and (code == "pays" or recent == "pays"):
        return raised, "raised_pays"
    lowered = {"harmful": floor, "does_not_pay": max(floor, factor * step), "no_effect": max(floor, factor * step)}
    if code in lowered:
        return (lowered[code], f"lowered_{code}") if lowered[code] < factor else None
    if code == "too_few" and factor < 1:
        return raised, "raised_evidence_gone"
    return None


def review_budgets(run: Run, units: Units, margin_share: float) -> list[dict[str, Any]]:
    """Return the rows of ``campaigns.budget_change`` that the day decides; none on a date before the newest one decided.

    Parameters
    ----------
    run : Run
        The day; the effects of its date are reckoned from ``units``.
    units : Units
        As of that date.
    margin_share : float
        Share of revenue that is margin.
    """
    allocation = run.settings.allocation
    since = run.as_of_date - timedelta(days=run.settings.measurement.effect_history_days)
    with run.warehouse.connect() as connection:
        if connection.execute(sa.text(_LATER), {"as_of_date": run.as_of_date}).scalar_one():
            return []
        plays = [
            Reviewed(**row._mapping)
            for row in connection.execute(sa.text(_REVIEWED), {"as_of_date": run.as_of_date, "since": since})
        ]
    due = [
        play
        for play in plays
        if play.changed_on is None or (run.as_of_date - play.changed_on).days >= allocation.budget_review_days
    ]
    if not due:
        return []
    effects = effects_since(run, units, since)
    rows = []
    for play in due:
        effect, first = effects.get((play.play, "all", _OUTCOME)), since
        code, recent = judged(effect, margin_share, play.cost_minor, play.aim_minor), "too_few"
        if play.changed_on is not None and play.factor < 1:
            newer = effects_since(run, units, play.changed_on, play.play).get((play.play, "all", _OUTCOME))
            recent = judged(newer, margin_share, play.cost_minor, play.aim_minor)
            if recent == "pays" and code != "pays":
                effect, first = newer, play.changed_on
        change = decided(code, recent, play.factor, allocation)
        if change is not None:
            rows.append(_row(run, play, effect, first, change, margin_share))
    return rows


_LATER = "select exists (select 1 from campaigns.budget_change where decided_on > :as_of_date)"
_REVIEWED = """
with newest as (
    select distinct on (play) play, kind, holdout_share
    from campaigns.play
    order by play, registered_at desc
),
changes as (
    select distinct on (play) play, new_factor, decided_on, baseline_contacts
    from campaigns.budget_change
    where decided_on < :as_of_date
    order by play, decided_on desc
),
spent as (
    select
        play,
        sum(touch_minor) / sum(touches) as cost_minor,
        sum(spend_minor - touch_minor) / sum(touches) as offer_minor,
        coalesce(sum(touches) filter (where as_of_date >= cast(:as_of_date as date) - 28), 0) / 28.0 as contacts
    from campaigns.effect_spend
    where as_of_date >= :since and as_of_date < :as_of_date
    group by play
),
stated as (
    select play, sum(stated_value_minor) / sum(stated_chosen) as stated_minor
    from campaigns.allocation_play
    where stated_chosen > 0 and as_of_date >= :since and as_of_date < :as_of_date
    group by play
)
select
    newest.play,
    coalesce(changes.new_factor, 1.0) as factor,
    changes.decided_on as changed_on,
    cast(case when changes.new_factor < 1 then changes.baseline_contacts else spent.contacts end as double precision)
        as baseline_contacts,
    cast(spent.cost_minor as double precision) as cost_minor,
    cast(greatest(coalesce(stated.stated_minor - spent.offer_minor, 0), spent.cost_minor) as double precision) as aim_minor
from newest
inner join spent on newest.play = spent.play
left join changes on newest.play = changes.play
left join stated on newest.play = stated.play
where newest.kind = 'promotional' and newest.holdout_share > 0
order by newest.play
"""


def _row(
    run: Run, play: Reviewed, effect: Effect | None, first: date, change: tuple[float, str], margin_share: float
) -> dict[str, Any]:
    wanted, reason = change
    is_pinned = play.play in run.settings.allocation.budget_pinned
    factor = play.factor if is_pinned else wanted
    figures = _figures(run, play, effect, margin_share)
    shares = {"old": f"{play.factor:.0%}", "new": f"{factor:.0%}", "wanted": f"{wanted:.0%}"}
    key = "pinned" if is_pinned else reason
    return {
        "play": play.play,
        "decided_on": run.as_of_date,
        "old_factor": play.factor,
        "new_factor": factor,
        "reason": key,
        "evidence_since": first,
        "treated_customers": effect.treated if effect else 0,
        "control_customers": effect.control if effect else 0,
        "difference_minor": effect.difference if effect else None,
        "lower_any_95": effect.lower_any_95 if effect else None,
        "upper_any_95": effect.upper_any_95 if effect else None,
        "detectable_minor": effect.detectable if effect else None,
        "margin_share": margin_share,
        "cost_minor": play.cost_minor,
        "aim_minor": play.aim_minor,
        "baseline_contacts": play.baseline_contacts,
        **{f"sentence_{language}": sentence("budget", key, language, **shares, **figures) for language in LANGUAGES},
    }


def _figures(run: Run, play: Reviewed, effect: Effect | None, margin_share: float) -> dict[str, str]:
    """Return the amounts that the sentences name."""
    told = {"cost": play.cost_minor, "aim": play.aim_minor}
    if effect is not None and effect.difference is not None:
        told |= {"difference": effect.difference, "brought": effect.difference * margin_share}
    if effect is not None and effect.lower_any_95 is not None and effect.upper_any_95 is not None:
        told |= {"lower": effect.lower_any_95, "upper": effect.upper_any_95, "best": effect.upper_any_95 * margin_share}
    people = f"{effect.treated + effect.control:,}" if effect is not None else "0"
    return {**{name: money(value, run.settings) for name, value in told.items()}, "people": people}


def keep_changes(connection: Connection, run: Run, rows: Iterable[dict[str, Any]]) -> None:
    """Replace what the date decided, in the transaction that publishes its measurement."""
    connection.execute(sa.text("delete from campaigns.budget_change where decided_on = :day"), {"day": run.as_of_date})
    for row in rows:
        names = ", ".join(row)
        binds = ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(f"insert into campaigns.budget_change ({names}) values ({binds})"), row)
