"""The effects of every play as of a day, from sums that the warehouse adds up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from retention.measurement.effects.estimate import estimate
from retention.measurement.effects.moments import Moments
from retention.warehouse import Run, load_contract, sql_file

_WIDTH = 4
"""The outcome, and three covariates: spend of the year before, predicted value, whether that is known."""
_NOBODY = Moments.from_sums(0, [0] * _WIDTH, [[0] * _WIDTH] * _WIDTH)
_STATED = (
    "treated_mean", "control_mean", "difference", "unadjusted", "standard_error", "lower_95", "upper_95", "lower_any_95",
    "upper_any_95", "detectable", "variance_left", "verdict",
)  # fmt: skip


def play_effects(run: Run, binds: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of ``bi.play_effect`` as of the run's date.

    Parameters
    ----------
    run : Run
        Deliveries, control groups and orders before its ``as_of_date`` count.
    binds : mapping
        As of :func:`retention.measurement.measure.binds_of`.
    """
    with run.warehouse.connect() as connection:
        sums = connection.execute(sa.text(sql_file("bi/_play_effect_sums")), dict(binds)).all()
    arms: dict[tuple[str, str, str], dict[bool, Moments]] = {}
    for row in sums:
        arms.setdefault((row.play, row.service_tier, row.outcome), {})[row.is_treated] = _moments(row._asdict())
    rows = []
    for (play, tier, outcome), arm in arms.items():
        effect = estimate(arm.get(True, _NOBODY), arm.get(False, _NOBODY), run.settings.measurement.planned_customers)
        rows.append(
            {
                "as_of_date": run.as_of_date,
                "play": play,
                "service_tier": tier,
                "outcome": outcome,
                "outcome_days": run.settings.measurement.outcome_days,
                "treated_customers": effect.treated,
                "control_customers": effect.control,
                **{name: getattr(effect, name) for name in _STATED},
            }
        )
    frame = pd.DataFrame(rows, columns=load_contract("bi.play_effect").column_names)
    return frame.astype({"outcome_days": "int32", **dict.fromkeys(_STATED[:-1], "float64")})


def _moments(row: Mapping[str, Any]) -> Moments:
    sums = [row[f"sum_{column}"] for column in range(_WIDTH)]
    products = [[row[f"sum_{min(one, other)}{max(one, other)}"] for other in range(_WIDTH)] for one in range(_WIDTH)]
    return Moments.from_sums(row["count_customers"], sums, products)
