"""Shares of habits (categories, channels of orders, hours, weekdays), drawn to the company's by the evidence there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.settings_models import PreferenceSettings

Floats = NDArray[np.float64]

HOURS, WEEKDAYS = tuple(str(hour) for hour in range(24)), tuple(str(day) for day in range(1, 8))
ONE_HOUR = 0.95
"""Where more of the visits than this fall into one hour, times were not recorded and no hour is best."""
NEIGHBOUR = 0.5
"""A visit at ten past eight says half as much for nine o'clock: hours next to each other are smoothed."""


@dataclass(frozen=True)
class Shares:
    """How often each value of a habit occurs in the company, and as how many occurrences that counts for a customer."""

    kind: str
    values: tuple[str, ...]
    share: Floats
    prior: float


def learn_shares(habits: pd.DataFrame, settings: PreferenceSettings) -> dict[str, Shares]:
    """Learn the company's shares from the habits of a random share of its customers."""
    priors = {
        "category": settings.prior_lines, "order_channel": settings.prior_visits, "hour": settings.prior_visits,
        "weekday": settings.prior_visits,
    }  # fmt: skip
    fixed = {"hour": HOURS, "weekday": WEEKDAYS}
    learned = {}
    for kind, prior in priors.items():
        counted = habits[habits["kind"] == kind].groupby("habit")["count_times"].sum()
        values = fixed.get(kind, tuple(sorted(counted.index)))
        counts = counted.reindex(values).fillna(0).to_numpy(dtype=np.float64)
        total = counts.sum()
        learned[kind] = Shares(kind, values, counts / total if total else counts, prior)
    return learned


def favourites(habits: pd.DataFrame, shares: Shares, customers: pd.Index) -> pd.DataFrame:
    """The most and the second most frequent value of each customer by shrunk share.

    Returns
    -------
    DataFrame, index `customers`: first, second (null where the company shows none), share of the first, count_times.
    """
    counts = _counts(habits, shares, customers)
    return _ranked(counts, shares, customers)


def best_moment(habits: pd.DataFrame, shares: Shares, customers: pd.Index) -> pd.DataFrame:
    """The best hour or weekday of each customer, like :func:`favourites`; none where times were not recorded."""
    counts = _counts(habits, shares, customers)
    if shares.kind == "hour":
        counts = _smoothed(counts)
        shares = Shares(shares.kind, shares.values, _smoothed(shares.share[None])[0], shares.prior)
        if learned_without_times(shares):
            shares = Shares(shares.kind, (), np.zeros(0), shares.prior)
            counts = counts[:, :0]
    return _ranked(counts, shares, customers)


def learned_without_times(shares: Shares) -> bool:
    """Whether all visits fall into one hour (smoothed: half of it and a quarter on each side), so that none is told."""
    return bool(shares.share.size) and float(shares.share.max()) > ONE_HOUR / (1 + 2 * NEIGHBOUR)


def _counts(habits: pd.DataFrame, shares: Shares, customers: pd.Index) -> Floats:
    mine = habits[
        (habits["kind"] == shares.kind) & habits["customer_key"].isin(customers) & habits["habit"].isin(shares.values)
    ]
    column = pd.Index(list(shares.values)).get_indexer(pd.Index(mine["habit"].to_list()))
    row = customers.get_indexer(pd.Index(mine["customer_key"]))
    counts = np.zeros((len(customers), len(shares.values)))
    np.add.at(counts, (row, column), mine["count_times"].to_numpy(dtype=np.float64))
    return counts


def _smoothed(counts: Floats) -> Floats:
    around = counts + NEIGHBOUR * (np.roll(counts, 1, axis=1) + np.roll(counts, -1, axis=1))
    return np.asarray(around / (1 + 2 * NEIGHBOUR))


def _ranked(counts: Floats, shares: Shares, customers: pd.Index) -> pd.DataFrame:
    total = counts.sum(axis=1, keepdims=True)
    chance = (counts + shares.prior * shares.share) / (total + shares.prior)
    # Stable: of equally frequent values the first by name.
    order = np.argsort(-chance, axis=1, kind="stable")
    names = np.array([*shares.values, None], dtype=object)
    nothing = np.full(len(customers), len(shares.values))
    known = float(shares.share.sum()) > 0
    first = order[:, 0] if known else nothing
    second = order[:, 1] if known and len(shares.values) > 1 else nothing
    share = chance.max(axis=1) if known else np.full(len(customers), np.nan)
    return pd.DataFrame(
        {"first": names[first], "second": names[second], "share": share, "count_times": total[:, 0].round()}, index=customers
    )
