"""What models read: features as of a date, and what became of customers after it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta

import numpy as np
import pandas as pd
import sqlalchemy as sa

from retention import features
from retention.models.learning import TrainingSet
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS
from retention.warehouse import RetentionError, Run

# Never learned from, whatever a contract says: decisions on people must not rest on these (DOMAIN: protected attributes).
PROTECTED = re.compile(
    r"(^|_)(gender|sex|age|birth|birthday|region|city|province|nationality|ethnicity|religion|marital|wedding)(_|$)",
    re.IGNORECASE,
)


# What the rules of thumb and the naive baselines read beside.
FALLBACK_COLUMNS = ("net_minor_365d", "net_minor_lifetime")

# Values kept while models are trained, 8 bytes each.
LARGEST_KEPT = 40_000_000
_KEPT: ContextVar[dict[date, pd.DataFrame] | None] = ContextVar("kept_features", default=None)


class FeaturesMissing(RetentionError):
    """A column that models need is not there."""

    runbook = "features-missing"


class ProtectedFeature(RetentionError):
    """A contract offers models an attribute that they must not use."""

    runbook = "protected-feature"


def model_columns() -> tuple[str, ...]:
    """Names of the columns that contracts mark as `model_feature`, in the order of the frame.

    Raises
    ------
    ProtectedFeature when one of them is, or names, a protected attribute.
    """
    names = tuple(features.model_features())
    protected = [name for name in names if PROTECTED.search(name)]
    if protected:
        raise ProtectedFeature(
            f"contracts of features: {', '.join(protected)} marked model_feature, but protected attributes are never features. "
            "Nothing was trained or scored."
        )
    return names


def past_features(run: Run, as_of: date) -> pd.DataFrame:
    """Features of every purchaser as of any date, computed from core by the same queries."""
    return _past(run, [as_of])[as_of]


@contextmanager
def kept_features() -> Iterator[None]:
    """Keep the features of past dates while several models are trained: their dates overlap, and nobody changes a frame.

    What does not fit below `LARGEST_KEPT` values is computed again.
    """
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def _past(run: Run, dates: Sequence[date]) -> dict[date, pd.DataFrame]:
    """Features of every purchaser as of each date, those that are kept and those that are missing."""
    kept = _KEPT.get()
    found = {day: kept[day] for day in dates if kept is not None and day in kept}
    missing = [day for day in dates if day not in found]
    if missing:
        computed = features.frames(run.warehouse, missing, settings=run.settings)
        for day in missing:
            found[day] = _purchasers(computed.pop(day), day)
            if kept is not None and sum(frame.size for frame in kept.values()) + found[day].size <= LARGEST_KEPT:
                kept[day] = found[day]
    return found


def outcomes(run: Run, as_of: date, horizon_days: int, customers: pd.Index) -> pd.DataFrame:
    """What became of these purchasers in the horizon after a date, in their order.

    Returns
    -------
    DataFrame: churned (1.0 where no order followed), orders (order days that did), net_minor (their money), days_to_next
        (business days until the first of them, 0 on the date itself; nan where none followed).
    """
    known = features.labels(run.warehouse, as_of, horizon_days, settings=run.settings).reindex(customers)
    return pd.DataFrame(
        {
            "churned": (~known["has_order_within"].fillna(False).astype(bool)).astype(np.float64),
            "orders": known["order_days"].fillna(0).astype(np.float64),
            "net_minor": known["net_minor"].fillna(0).astype(np.float64),
            "days_to_next": known["days_to_next"].astype(np.float64),
        },
        index=customers,
    )


def first_order_date(run: Run) -> date | None:
    """Business date of the first order there is, or None."""
    with run.warehouse.connect() as connection:
        first = connection.execute(
            sa.text(
                "select min(happened_at at time zone :zone) from core.order_entry where kind = 'paid' and happened_at < :as_of"
            ),
            {"zone": run.settings.company.business_timezone, "as_of": run.as_of},
        ).scalar()
    return None if first is None else first.date()


def training_dates(newest: date, first_order: date, *, step_days: int, count: int, minimum_history_days: int) -> list[date]:
    """Dates at which training sets are taken: back from `newest` in equal steps, while enough history lies before.

    Returns
    -------
    Ascending dates, at most `count`; empty when even the newest has too little history.
    """
    earliest = first_order + timedelta(days=minimum_history_days)
    dates = [newest - timedelta(days=step_days * step) for step in range(count)]
    return sorted(day for day in dates if day >= earliest)


def training_set(run: Run, dates: list[date], horizon_days: int, columns: tuple[str, ...]) -> TrainingSet:
    """Features as of each date with what happened in the horizon after it; all dates are read in one pass."""
    found = _past(run, dates)
    frames, tags, followed = [], [], []
    for day in dates:
        frame = found.pop(day)
        frames.append(frame[list(columns)])
        tags.append(np.full(len(frame), np.datetime64(day, "D")))
        followed.append(outcomes(run, day, horizon_days, frame.index))
    return TrainingSet(pd.concat(frames), np.concatenate(tags), pd.concat(followed))


def _purchasers(frame: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Rows of purchasers, by key; model columns as floats."""
    wanted = tuple(dict.fromkeys((*model_columns(), *PURCHASE_COLUMNS, *FALLBACK_COLUMNS)))
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise FeaturesMissing(
            f"features {as_of}: columns that models need are missing: {', '.join(missing)}. Nothing published. Have the "
            "contracts and the migrations been brought to the same version?"
        )
    # Of many customers each copy of the frame is large: it is handed on as it is where nothing has to be dropped.
    numbers = frame if list(frame.columns) == list(wanted) else frame[list(wanted)]
    bought = numbers["count_order_days_lifetime"].to_numpy() > 0
    numbers = numbers if bought.all() else numbers[bought]
    return numbers if numbers.index.is_monotonic_increasing else numbers.sort_index()
