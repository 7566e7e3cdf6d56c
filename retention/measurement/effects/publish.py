"""The effects of every play as of a day, from sums that the warehouse keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from retention.measurement.effects.estimate import Effect, estimate
from retention.measurement.effects.moments import Moments
from retention.measurement.effects.units import Units
from retention.warehouse import Run, load_contract

STATED = (
    "treated_mean", "control_mean", "difference", "unadjusted", "standard_error", "lower_95", "upper_95", "lower_any_95",
    "upper_any_95", "detectable", "variance_left", "verdict",
)  # fmt: skip
"""What is stated of an effect, in the names of its columns."""
OUTCOMES = {"net_revenue_minor": "net", "bought": "bought"}
"""Outcome by name, with the name of its sums."""
SUMS = (
    "customers", "sum_net", "sum_bought", "sum_spend", "sum_value", "sum_known", "net_net", "net_spend", "net_value",
    "net_known", "bought_spend", "bought_value", "bought_known", "spend_spend", "spend_value", "spend_known", "value_value",
)  # fmt: skip
_WIDTH = 4
"""The outcome, and three covariates: spend of the year before, predicted value, whether that is known."""
NOBODY = Moments.from_sums(0, [0] * _WIDTH, [[0] * _WIDTH] * _WIDTH)

Arms = dict[tuple[str, str, str], dict[bool, Moments]]
"""By play, tier and outcome: treated (True) and control (False)."""


def play_effects(run: Run, units: Units) -> pd.DataFrame:
    """Return the rows of ``bi.play_effect`` as of the run's date.

    Parameters
    ----------
    run : Run
        Deliveries, control groups and orders before its ``as_of_date`` count.
    units : Units
        As of that date (:func:`retention.measurement.effects.units.units_as_of`).
    """
    earliest = run.as_of_date - timedelta(days=run.settings.measurement.effect_history_days)
    rows = [
        {
            "as_of_date": run.as_of_date,
            "play": play,
            "service_tier": tier,
            "outcome": outcome,
            "outcome_days": run.settings.measurement.outcome_days,
            "treated_customers": effect.treated,
            "control_customers": effect.control,
            **{name: getattr(effect, name) for name in STATED},
        }
        for (play, tier, outcome), effect in effects_since(run, units, earliest).items()
    ]
    frame = pd.DataFrame(rows, columns=load_contract("bi.play_effect").column_names)
    return frame.astype({"outcome_days": "int32", **dict.fromkeys(STATED[:-1], "float64")})


def effects_since(run: Run, units: Units, since: date, play: str | None = None) -> dict[tuple[str, str, str], Effect]:
    """Return effects by play, tier and outcome, of the people who began on a day or later.

    Parameters
    ----------
    run : Run
        The day.
    units : Units
        As of that date.
    since : date
        First day counted.
    play : str, optional
        Of this play alone.
    """
    planned = run.settings.measurement.planned_customers
    return {
        key: estimate(arm.get(True, NOBODY), arm.get(False, NOBODY), planned, is_share=key[2] == "bought")
        for key, arm in _arms(run, units, since, play).items()
    }


def _arms(run: Run, units: Units, since: date, play: str | None) -> Arms:
    """Read the sums by play and tier, and of all tiers together."""
    summed = ", ".join(f"sum({name}) as {name}" for name in SUMS)
    query = (
        "select play, case when grouping(service_tier) = 1 then 'all' else service_tier end as service_tier, is_treated, "
        # The table's name is ours: the one kept, or the one made for a date in the past.
        f"{summed} from {units.sum_table} where play <> '*' and started_on >= :since and started_on < :until "
        "and (:play is null or play = :play) "
        "group by grouping sets ((play, is_treated), (play, is_treated, service_tier)) order by 1, 2, 3"
    )
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(query).bindparams(sa.bindparam("play", type_=sa.Text)),
            {"since": since, "until": run.as_of_date, "play": play},
        )
        found = [row._asdict() for row in rows if row.service_tier != "none"]
    arms: Arms = {}
    for row in found:
        for outcome, name in OUTCOMES.items():
            arms.setdefault((row["play"], row["service_tier"], outcome), {})[row["is_treated"]] = moments_of(row, name)
    return arms


def moments_of(row: Mapping[str, Any], outcome: str) -> Moments:
    """Return the moments of one arm.

    Parameters
    ----------
    row : mapping
        Sums by the names of :data:`SUMS`. Whether a value is known is 0 or 1: its products are sums of the other column.
    outcome : str
        net or bought.
    """
    squared = row["net_net"] if outcome == "net" else row["sum_bought"]
    spend, value, known = (row[f"{outcome}_{name}"] for name in ("spend", "value", "known"))
    return Moments.from_sums(
        int(row["customers"]),
        [row[f"sum_{outcome}"], row["sum_spend"], row["sum_value"], row["sum_known"]],
        [
            [squared, spend, value, known],
            [spend, row["spend_spend"], row["spend_value"], row["spend_known"]],
            [value, row["spend_value"], row["value_value"], row["sum_value"]],
            [known, row["spend_known"], row["sum_value"], row["sum_known"]],
        ],
    )
