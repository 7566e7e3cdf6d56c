"""Checks of control groups after the fact: sample ratio and contamination."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from retention.campaigns.holdout import universal_period
from retention.warehouse import Run, sql_file
from retention.warehouse.writer import StageWriter

ALARM = 0.001
"""Probability by chance below which a sample ratio is called wrong: it is looked at daily, for many plays and tiers."""
LEAST_EXPECTED = 5.0
"""Fewer expected in a group and chi-square promises more than it keeps."""
_CHECKED_DAYS = 90


@dataclass(frozen=True)
class SampleRatio:
    """How the sizes of two groups compare with the draw."""

    expected_control: float
    chi_square: float
    p_value: float
    verdict: str
    """balanced, imbalanced or too_few."""


def sample_ratio(treated: Sequence[int], control: Sequence[int], share: Sequence[float]) -> SampleRatio:
    """Return whether as many customers are control as the draw says.

    Parameters
    ----------
    treated, control : sequence of int
        Customers of each group by stratum.
    share : sequence of float
        Probability of control by stratum.

    Returns
    -------
    SampleRatio: the squared deviation of the number of control customers from the expected number over its binomial variance,
        with one degree of freedom. ``include/sql/bi/control_balance.sql`` does the same.

    Raises
    ------
    ValueError when the sequences differ in length or a share is not a probability.
    """
    if not len(treated) == len(control) == len(share):
        raise ValueError(f"sample ratio: {len(treated)} treated, {len(control)} control and {len(share)} shares.")
    if any(not 0 <= one <= 1 for one in share):
        raise ValueError("sample ratio: a share is not between 0 and 1.")
    sizes = [t + c for t, c in zip(treated, control, strict=True)]
    expected = sum(size * one for size, one in zip(sizes, share, strict=True))
    variance = sum(size * one * (1 - one) for size, one in zip(sizes, share, strict=True))
    chi_square = (sum(control) - expected) ** 2 / variance if variance > 0 else 0.0
    p_value = math.erfc(math.sqrt(chi_square / 2))
    if min(expected, sum(sizes) - expected) < LEAST_EXPECTED:
        verdict = "too_few"
    else:
        verdict = "imbalanced" if p_value < ALARM else "balanced"
    return SampleRatio(expected, chi_square, p_value, verdict)


def fill_control_checks(writer: StageWriter, run: Run, unit_table: str) -> None:
    """Fill the day's slices of ``bi.control_balance`` and ``bi.control_contamination``.

    Parameters
    ----------
    writer : StageWriter
        Of the ``bi`` schema.
    run : Run
        The day; its plan must be published for the universal group to be counted.
    unit_table : str
        Who is compared with whom as of that date (:func:`retention.measurement.effects.units_as_of`).
    """
    binds = {
        "business_timezone": run.settings.company.business_timezone,
        "earliest_date": run.as_of_date - timedelta(days=_CHECKED_DAYS),
        "outcome_days": run.settings.measurement.outcome_days,
        "universal_period": universal_period(run.as_of_date),
        "universal_control_share": run.settings.campaigns.universal_control_share,
    }
    for table in ("bi.control_balance", "bi.control_contamination"):
        query = sql_file(table.replace(".", "/")).replace("effect.unit", unit_table)
        writer.fill_select(table, query, binds)
