"""The rows of `scores.warning`: signs that a customer is drifting away, each with its evidence.

A sign compares a customer with himself. It counts when the change is large and chance is a poor explanation of it: windows are
weighed by what could have happened in them (days as a customer, orders complained about, the company's own change from one
window to the next), and a customer who has not changed would show as much only with a small probability.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from retention.models.reasons.wording import LANGUAGES, load_wording
from retention.settings import Settings

if TYPE_CHECKING:
    from retention.models.scoring import Given
    from retention.warehouse import Run

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WINDOW_DAYS = 90
INTERACTION_WINDOW_DAYS = 30
# A company's own change is taken off down to this factor: below it a feed broke, and everybody's fall is nobody's sign.
LOWEST_SEASON = 0.1
# The company's change is drawn to none as if by so many orders or touches: of few customers, one would set it for himself.
SEASON_PRIOR = 100.0
COLUMNS = (
    "as_of_date", "customer_key", "warning", "value_now", "value_before", "value_expected", "change_ratio", "chance",
    "sentence_en", "sentence_zh",
)  # fmt: skip


@dataclass(frozen=True)
class Sign:
    """One warning sign over all customers.

    Attributes
    ----------
    shows : customers who show it.
    now, before, expected : see the columns `value_now`, `value_before`, `value_expected` of `scores.warning`.
    chance : probability that a customer who has not changed shows as much.
    """

    shows: Flags
    now: Floats
    before: Floats
    expected: Floats
    chance: Floats


def rows(run: Run, given: Given) -> dict[str, pd.DataFrame]:
    """Rows of `scores.warning` for the purchasers of the run's as-of date."""
    found = warning_signs(given.features, run.settings)
    found.insert(0, "as_of_date", run.as_of_date)
    return {"scores.warning": found[list(COLUMNS)]}


def warning_signs(features: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Warning signs of every purchaser.

    Parameters
    ----------
    features : one row per purchaser, index `customer_key`; a sign whose columns are missing shows for nobody.

    Returns
    -------
    DataFrame: one row per customer and sign that shows, the columns of `scores.warning` without the date.
    """
    wording, frames = load_wording("warnings"), []
    for code, (look, needed) in _SIGNS.items():
        seen = features if set(needed) <= set(features.columns) else features.iloc[:0].reindex(columns=list(needed))
        sign = look(seen, settings)
        places = np.flatnonzero(sign.shows)
        figures = (
            seen.iloc[places]
            .rename(columns={"count_orders_90d": "orders_now", "count_orders_previous_90d": "orders_before"})
            .assign(value_now=sign.now[places], value_before=sign.before[places], value_expected=sign.expected[places])
        )
        sentences = wording.sentences(code, figures, settings.company)
        expected = sign.expected[places]
        frames.append(
            pd.DataFrame(
                {
                    "customer_key": seen.index.to_numpy(dtype=np.int64)[places],
                    "warning": pd.Series([code] * len(places), dtype="str"),
                    "value_now": sign.now[places],
                    "value_before": sign.before[places],
                    "value_expected": expected,
                    "change_ratio": pd.array(
                        np.where(expected > 0, sign.now[places] / np.where(expected > 0, expected, 1.0), np.nan),
                        dtype="Float64",
                    ),
                    "chance": sign.chance[places],
                    **{f"sentence_{name}": pd.Series(sentences[name], dtype="str") for name in LANGUAGES},
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _frequency_falling(features: pd.DataFrame, settings: Settings) -> Sign:
    """Orders of the last 90 days far below those of the 90 days before."""
    now, before, tenure = (_known(features, name) for name in ("count_orders_90d", "count_orders_previous_90d", "tenure_days"))
    # The first order is no repeat: where it fell into the window before, neither it nor the days up to it count there.
    is_new = tenure <= 2 * WINDOW_DAYS
    before = np.where(is_new, np.maximum(before - 1, 0.0), before)
    days_before = np.clip(np.where(is_new, tenure - 1 - WINDOW_DAYS, WINDOW_DAYS), 0.0, WINDOW_DAYS)
    season = _season(now[~is_new], before[~is_new])
    rules = settings.warnings
    comparable = (before >= rules.minimum_orders_before) & (days_before >= rules.minimum_window_days)
    return _falling(now, before, WINDOW_DAYS * season, days_before, comparable, settings)


def _interactions_falling(features: pd.DataFrame, settings: Settings) -> Sign:
    """Touches of the last 30 days far below those of the 30 days before."""
    now, before = _known(features, "count_interactions_30d"), _known(features, "count_interactions_previous_30d")
    settled = _known(features, "tenure_days") >= 2 * INTERACTION_WINDOW_DAYS
    season = _season(now[settled], before[settled])
    comparable = settled & (before >= settings.warnings.minimum_interactions_before)
    return _falling(now, before, season, np.ones(len(features)), comparable, settings)


def _complaints_rising(features: pd.DataFrame, settings: Settings) -> Sign:
    """Complaints of the last 90 days far above those of the 90 days before, per order: who buys more complains more."""
    now = _known(features, "count_complaints_90d")
    before = np.maximum(now - _known(features, "complaints_change_90d"), 0.0)
    # One order more in both windows: a complaint may be about an order from before its window.
    exposure_now = _known(features, "count_orders_90d") + 1
    exposure_before = _known(features, "count_orders_previous_90d") + 1
    expected = before * exposure_now / exposure_before
    chance = binom.sf(now - 1, now + before, exposure_now / (exposure_now + exposure_before))
    rules = settings.warnings
    shows = (
        (now >= rules.minimum_complaints)
        & (now >= (1 + rules.minimum_change) * expected)
        & (now > expected)
        & (chance <= rules.chance_limit)
    )
    return Sign(shows, now, before, expected, chance)


def _overdue(features: pd.DataFrame, settings: Settings) -> Sign:
    """No order for a multiple of the own mean gap; who counts as lost is past warning.

    The chance is that of an exponential gap whose mean is known from as many gaps as there were (a Lomax tail): after a single
    gap twice its length is no surprise, after ten it is.
    """
    silent, gap = _known(features, "recency_days"), _known(features, "mean_days_between_orders")
    gaps = np.maximum(_known(features, "count_order_days_lifetime") - 1, 0.0)
    has_rhythm = (gaps > 0) & (gap > 0)
    gap_or_one, gaps_or_one = np.where(has_rhythm, gap, 1.0), np.where(has_rhythm, gaps, 1.0)
    chance = np.where(has_rhythm, (1 + silent / (gaps_or_one * gap_or_one)) ** -gaps_or_one, 1.0)
    shows = (
        has_rhythm
        & (silent <= settings.lifecycle.lost_days)
        & (silent >= settings.lifecycle.at_risk_overdue_ratio * gap_or_one)
        & (chance <= settings.warnings.chance_limit)
    )
    return Sign(shows, silent, gap, gap, chance)


def _falling(
    now: Floats, before: Floats, exposure_now: float, exposure_before: Floats, comparable: Flags, settings: Settings
) -> Sign:
    """A count that fell: how likely so few are, given both counts, when the rate has not changed (binomial test)."""
    expected = np.where(exposure_before > 0, before * exposure_now / np.where(exposure_before > 0, exposure_before, 1.0), 0.0)
    chance = binom.cdf(now, now + before, exposure_now / (exposure_now + exposure_before))
    rules = settings.warnings
    shows = comparable & (now <= (1 - rules.minimum_change) * expected) & (chance <= rules.falling_chance_limit)
    return Sign(shows, now, before, expected, chance)


def _season(now: Floats, before: Floats) -> float:
    """The company's own change from the window before to the last one; a rise is not taken off."""
    change = (now.sum() + SEASON_PRIOR) / (before.sum() + SEASON_PRIOR)
    return float(np.clip(change, LOWEST_SEASON, 1.0))


def _known(features: pd.DataFrame, name: str) -> Floats:
    """A column, with 0 where it says nothing."""
    return np.asarray(np.nan_to_num(features[name].to_numpy(dtype=np.float64), nan=0.0))


# Each sign: who looks for it, and the columns that it needs.
_SIGNS: dict[str, tuple[Callable[[pd.DataFrame, Settings], Sign], tuple[str, ...]]] = {
    "frequency_falling": (_frequency_falling, ("count_orders_90d", "count_orders_previous_90d", "tenure_days")),
    "complaints_rising": (
        _complaints_rising,
        ("count_complaints_90d", "complaints_change_90d", "count_orders_90d", "count_orders_previous_90d"),
    ),
    "interactions_falling": (
        _interactions_falling,
        ("count_interactions_30d", "count_interactions_previous_30d", "tenure_days"),
    ),
    "overdue": (_overdue, ("recency_days", "mean_days_between_orders", "count_order_days_lifetime")),
}
READS = tuple(dict.fromkeys(name for _, needed in _SIGNS.values() for name in needed))
