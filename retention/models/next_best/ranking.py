"""Next best: what a customer's next order most probably holds, of all that may be proposed.

The chance that the next order holds an item is the customer's own share of orders with it, recent ones counting for more,
drawn to the chance of anybody with the same habits: how usual the item is, times the mean lift that what the customer buys
gives it. On held-out baskets a learned ranking (logistic and boosting over recency against rhythm, counts and rules) was no
better than this, which needs no training and can be explained in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.next_best.histories import Histories, Market
from retention.settings_models import AssociationSettings

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

CUSTOMERS_AT_ONCE = 2_000
OWN_ITEMS = 60
"""Own items per customer that are looked at, the most usual first: what comes after is never among the first few."""
LEAST_LIFT = 1.1
"""A mean lift from which a proposal is owed to what else the customer buys."""

_COLUMNS = {
    "customer_key": "int64", "list": "object", "rank": "int32", "item_key": "int64", "probability": "float64", "why": "object",
    "because_of": "int64", "last_days_ago": "float64", "replenishable": "bool", "is_fallback": "bool",
}  # fmt: skip


def proposals(histories: Histories, market: Market, customers: Positions, settings: AssociationSettings) -> pd.DataFrame:
    """Rank what may be proposed to each customer.

    Parameters
    ----------
    histories : what these customers bought; some may have bought nothing that lines tell of.
    customers : customer keys, ascending.

    Returns
    -------
    DataFrame, one row per customer, list (`next`: anything; `new`: not bought within the window) and rank: item_key,
        probability, why (habit, association, popular), because_of (key of the item that raises it most, -1 for none),
        last_days_ago (nan if new), replenishable, is_fallback (nothing of the customer's own to go by).
    """
    parts = [
        _propose(histories, market, customers[start : start + CUSTOMERS_AT_ONCE], settings)
        for start in range(0, len(customers), CUSTOMERS_AT_ONCE)
    ]
    return pd.concat(parts, ignore_index=True) if parts else no_proposals()


def no_proposals() -> pd.DataFrame:
    """The columns of :func:`proposals` without a row."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in _COLUMNS.items()})


def _propose(histories: Histories, market: Market, customers: Positions, settings: AssociationSettings) -> pd.DataFrame:
    items, total = _own(histories, market, customers)
    prior, habits = _prior(items, total, market, len(customers))
    just_bought = items["last_days_ago"].to_numpy() <= settings.just_bought_days
    blocked = ~market.available[items["item"]] | (~market.replenishable[items["item"]] & just_bought)
    expected = market.share[items["item"]].copy()
    column = _columns(market)[items["item"]]
    known = column >= 0
    expected[known] = prior[items["customer"].to_numpy()[known], column[known]]
    chance = (items["weight"].to_numpy() + settings.prior_orders * expected) / (
        total[items["customer"]] + settings.prior_orders
    )
    own = items.assign(probability=chance)[~blocked & items["is_usual"].to_numpy()].drop(columns=["weight", "is_usual"])
    new = _new(items, prior, total, market, settings)
    new_list = _best(new, settings.new_count).assign(list="new")
    everything = pd.concat([own, new], ignore_index=True)
    chosen = pd.concat([_best(everything, settings.next_best_count).assign(list="next"), new_list], ignore_index=True)
    return _explained(chosen, customers, total, habits, market)


def _own(histories: Histories, market: Market, customers: Positions) -> tuple[pd.DataFrame, Floats]:
    """All own items of these customers by position, whether they are among the most usual, and the weight of all orders."""
    total = histories.orders["weight"].reindex(customers).fillna(0.0).to_numpy(dtype=np.float64)
    items = histories.items[histories.items["customer_key"].isin(customers)]
    position, known = market.positions(items["item_key"].to_numpy(dtype=np.int64))
    items = items.assign(item=position, customer=np.searchsorted(customers, items["customer_key"].to_numpy()))[known]
    items = items.sort_values(["customer", "weight", "item"], ascending=[True, False, True])
    items["is_usual"] = items.groupby("customer").cumcount() < OWN_ITEMS
    return items[["customer", "item", "weight", "last_days_ago", "is_usual"]].reset_index(drop=True), total


def _prior(items: pd.DataFrame, total: Floats, market: Market, customers: int) -> tuple[Floats, Floats]:
    """Chance of each frequent item for anybody with these habits; and the habits: share of orders with each of them."""
    column = _columns(market)[items["item"]]
    known = column >= 0
    habits = np.zeros((customers, len(market.frequent)))
    row = items["customer"].to_numpy()[known]
    habits[row, column[known]] = items["weight"].to_numpy()[known] / total[row]
    weight = habits.sum(axis=1, keepdims=True)
    lift = np.exp(np.divide(habits @ market.log_lift, weight, out=np.zeros_like(habits), where=weight > 0))
    return np.minimum(market.share[market.frequent] * lift, 1.0), habits


def _new(items: pd.DataFrame, prior: Floats, total: Floats, market: Market, settings: AssociationSettings) -> pd.DataFrame:
    """Of the frequent items that can be bought, those most probable for each customer who has not bought them."""
    chance = prior * (settings.prior_orders / (total + settings.prior_orders))[:, None]
    chance[:, ~market.available[market.frequent]] = -1.0
    column = _columns(market)[items["item"]]
    known = column >= 0
    chance[items["customer"].to_numpy()[known], column[known]] = -1.0
    wanted = min(max(settings.new_count, settings.next_best_count), chance.shape[1])
    # A stable sort, so that equal chances fall in the order of keys whatever the machine.
    best = np.argsort(-chance, axis=1, kind="stable")[:, :wanted]
    customer = np.repeat(np.arange(len(chance)), wanted)
    frame = pd.DataFrame(
        {
            "customer": customer,
            "item": market.frequent[best.ravel()],
            "probability": chance[customer, best.ravel()],
            "last_days_ago": np.nan,
        }
    )
    return frame[frame["probability"] >= 0]


def _best(candidates: pd.DataFrame, count: int) -> pd.DataFrame:
    # The database adds up in an order of its own: the last digits say nothing, and must not decide who comes first.
    candidates = candidates.assign(probability=candidates["probability"].round(9))
    ordered = candidates.sort_values(["customer", "probability", "item"], ascending=[True, False, True])
    rank = ordered.groupby("customer").cumcount() + 1
    return ordered.assign(rank=rank)[rank <= count]


def _explained(chosen: pd.DataFrame, customers: Positions, total: Floats, habits: Floats, market: Market) -> pd.DataFrame:
    """Name what each proposal rests on."""
    because, lift = np.full(len(chosen), -1, dtype=np.int64), np.ones(len(chosen))
    customer, item = chosen["customer"].to_numpy(), chosen["item"].to_numpy()
    column = _columns(market)[item]
    for part in _slices(len(chosen)):
        rows = np.flatnonzero(column[part] >= 0) + part.start
        if not len(rows):
            continue
        raised = habits[customer[rows]] * market.log_lift[:, column[rows]].T
        strongest = raised.argmax(axis=1)
        weight = habits[customer[rows]].sum(axis=1)
        lift[rows] = np.exp(np.divide(raised.sum(axis=1), weight, out=np.zeros(len(rows)), where=weight > 0))
        because[rows] = np.where(raised.max(axis=1) > 0, market.frequent[strongest], -1)
    is_own = chosen["last_days_ago"].notna().to_numpy()
    by_rule = ~is_own & (lift >= LEAST_LIFT) & (because >= 0)
    keys = market.keys[because] if len(market.keys) else because
    return pd.DataFrame(
        {
            "customer_key": customers[customer],
            "list": chosen["list"].to_numpy(),
            "rank": chosen["rank"].to_numpy(dtype=np.int32),
            "item_key": market.keys[item] if len(market.keys) else item,
            "probability": chosen["probability"].to_numpy(dtype=np.float64),
            "why": np.select([is_own, by_rule], ["habit", "association"], "popular"),
            "because_of": np.where(by_rule, keys, -1),
            "last_days_ago": chosen["last_days_ago"].to_numpy(dtype=np.float64),
            "replenishable": market.replenishable[item],
            "is_fallback": total[customer] <= 0,
        }
    )


def _columns(market: Market) -> Positions:
    """Column of each item among the frequent ones, -1 for the others."""
    columns = np.full(len(market.keys), -1, dtype=np.int64)
    columns[market.frequent] = np.arange(len(market.frequent))
    return columns


def _slices(rows: int, size: int = 20_000) -> Iterator[slice]:
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
