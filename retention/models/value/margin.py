"""From net revenue to net margin: what goods cost where that is known, and what it takes to serve the customer.

A customer's own margin and own cost to serve are pulled towards everybody's: a few orders say little. The result is a
factor per customer, so a high value stays explained by orders and order value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from scipy.special import ndtri

from retention.models.associations import ranges
from retention.models.baskets import open_baskets
from retention.settings import ClvSettings
from retention.warehouse import Run, read_arrow, sql_file

Floats = NDArray[np.float64]

NET_MARGIN, NET_REVENUE = "net_margin", "net_revenue"
# Business days of order lines that margins are read from.
WINDOW_DAYS = 365
# Everybody's margin weighs as much as this many mean order days of the customer's own.
PRIOR_ORDERS = 5.0
# Everybody's cost to serve likewise: complaints are rare, so more orders are needed to tell luck from habit.
PRIOR_SERVED_ORDERS = 20.0
# A share beyond this is a wrong cost in the product data and not a margin.
SHARE_LIMITS = (-1.0, 1.0)


# Features that costs to serve, margins and the rule of thumb are worked out from.
READS = (
    "count_orders_365d", "baskets_with_return_share_365d", "count_baskets_365d", "count_complaints_365d",
    "compensation_minor_365d", "count_order_days_lifetime", "net_minor_lifetime", "net_minor_365d", "recency_days",
    "tenure_days",
)  # fmt: skip


@dataclass(frozen=True)
class Margins:
    """What of each purchaser's net revenue is left.

    Attributes
    ----------
    basis : `net_margin` where unit costs are known for enough of the revenue, else `net_revenue`. One for all customers of
        a date, so that values can be compared.
    share : share of net revenue left after the cost of goods; 1 by net revenue.
    serve_minor : cost of complaints (handling and compensation) and returns per order day, minor units.
    costed_share : share of the last year's revenue with a known unit cost.
    share_spread : standard deviation of what the customer's share may really be; None where it is known (by net revenue).
    """

    basis: str
    share: Floats
    serve_minor: Floats
    costed_share: float
    share_spread: Floats | None = None


def margins(run: Run, features: pd.DataFrame) -> Margins:
    """Margin share and cost to serve of each purchaser as of the run's date, in the order of `features`."""
    settings = run.settings.clv
    serve = cost_to_serve(features, settings)
    lines = _costs(run)
    total = float(lines["net_minor"].clip(lower=0).sum())
    costed_share = float(lines["costed_net_minor"].clip(lower=0).sum()) / total if total > 0 else 0.0
    if costed_share < max(settings.least_costed_share, 1e-9):
        return Margins(NET_REVENUE, np.ones(len(features)), serve, costed_share)
    mine = lines.reindex(features.index).fillna(0.0)
    return Margins(NET_MARGIN, margin_share(mine, features), serve, costed_share, margin_spread(mine, features))


def margin_share(lines: pd.DataFrame, features: pd.DataFrame) -> Floats:
    """Share of net revenue left after the cost of goods, pulled towards that of all customers.

    Parameters
    ----------
    lines : `costed_net_minor` and `cost_minor` of each customer of `features`, in their order.
    """
    net, cost, usual, prior = _costs_seen(lines, features)
    share = 1 - (cost + prior * usual) / np.maximum(net + prior, 1.0)
    return np.asarray(np.clip(share, *SHARE_LIMITS))


def margin_spread(lines: pd.DataFrame, features: pd.DataFrame) -> Floats:
    """Standard deviation of what each customer's share may really be, given what was seen.

    Customers' shares differ by a variance v; revenue n shows one with the variance v * prior / n, which is what pulling by the
    prior takes for granted. So shares seen differ by v (1 + prior / n), which gives v, and what is left of it after having
    seen n is v * prior / (n + prior).
    """
    net, cost, usual, prior = _costs_seen(lines, features)
    seen = net > 0
    if not seen.any() or prior <= 0:
        return np.zeros(len(net))
    apart = np.clip(cost[seen] / net[seen], 1 - SHARE_LIMITS[1], 1 - SHARE_LIMITS[0]) - usual
    variance = float(np.average(apart**2 / (1 + prior / net[seen]), weights=net[seen] / (net[seen] + prior)))
    return np.asarray(np.sqrt(variance * prior / (net + prior)))


def _costs_seen(lines: pd.DataFrame, features: pd.DataFrame) -> tuple[Floats, Floats, float, float]:
    """Revenue with a known cost and its cost by customer, everybody's share of costs, and the revenue it weighs as much as."""
    net, cost = (np.maximum(lines[name].to_numpy(dtype=np.float64), 0.0) for name in ("costed_net_minor", "cost_minor"))
    usual = min(float(cost.sum() / net.sum()), 1 - SHARE_LIMITS[0]) if net.sum() > 0 else 0.0
    orders = features["count_order_days_lifetime"].to_numpy(dtype=np.float64).sum()
    prior = PRIOR_ORDERS * float(features["net_minor_lifetime"].clip(lower=0).sum()) / max(orders, 1.0)
    return net, cost, usual, prior


def cost_to_serve(features: pd.DataFrame, settings: ClvSettings) -> Floats:
    """Cost of complaints and returns per order day of each customer, minor units; counted per order, never per customer."""
    orders = _column(features, "count_orders_365d")
    returned = _column(features, "baskets_with_return_share_365d") * _column(features, "count_baskets_365d")
    cost = (
        _column(features, "count_complaints_365d") * settings.complaint_cost_minor
        + _column(features, "compensation_minor_365d")
        + returned * settings.return_cost_minor
    )
    usual = float(cost.sum() / orders.sum()) if orders.sum() > 0 else 0.0
    return np.asarray((cost + PRIOR_SERVED_ORDERS * usual) / (orders + PRIOR_SERVED_ORDERS))


def net_of_costs(predicted: pd.DataFrame, found: Margins, interval: float = 0.8) -> pd.DataFrame:
    """Turn predicted net revenue into what is left of it.

    The ends of the interval move outwards by what is not known of the margin, taken to be independent of how much is bought.

    Parameters
    ----------
    predicted : as :meth:`ValueModel.predict` answers.
    interval : probability that the intervals are meant to cover.

    Returns
    -------
    The same columns with `clv_minor` and its interval in the basis found (a customer who costs more than they bring has a
    negative value), and beside them `net_revenue_minor`, `margin_share` and `cost_to_serve_minor`.
    """
    revenue = predicted["clv_minor"].to_numpy(dtype=np.float64)
    value_per_order = predicted["expected_order_value_minor"].to_numpy(dtype=np.float64)
    # Orders are discounted as their money is: revenue over the value of an order is the number of discounted orders.
    orders = np.divide(revenue, value_per_order, out=np.zeros(len(revenue)), where=value_per_order > 0)
    serve = orders * found.serve_minor
    factor = np.divide(revenue * found.share - serve, revenue, out=found.share.copy(), where=revenue > 0)
    value = revenue * found.share - serve
    bought = np.column_stack([predicted[name].to_numpy(dtype=np.float64) for name in ("clv_lower_minor", "clv_upper_minor")])
    ends = bought * factor[:, None]
    if found.share_spread is not None:
        # Whoever buys nothing has no margin either: the margin matters as much as is bought at that end.
        far = np.abs(ends - value[:, None])
        wider = np.hypot(far, ndtri((1 + interval) / 2) * bought * found.share_spread[:, None]) - far
        ends = np.sort(ends, axis=1) + np.where(factor[:, None] < 0, wider[:, ::-1], wider) * np.array([-1.0, 1.0])
    return predicted.assign(
        clv_minor=value,
        clv_lower_minor=ends.min(axis=1),
        clv_upper_minor=ends.max(axis=1),
        net_revenue_minor=revenue,
        margin_share=found.share,
        cost_to_serve_minor=serve,
    )


def _column(features: pd.DataFrame, name: str) -> Floats:
    if name not in features.columns:
        return np.zeros(len(features))
    return np.asarray(np.nan_to_num(features[name].to_numpy(dtype=np.float64, na_value=np.nan)))


def _costs(run: Run) -> pd.DataFrame:
    """Net value and cost of each customer's lines; empty without a single unit cost, which spares reading all lines."""
    with run.warehouse.connect() as connection:
        any_cost = connection.execute(sa.text("select exists (select from core.product where unit_cost_minor is not null)"))
        if not any_cost.scalar():
            return pd.DataFrame({"net_minor": [], "costed_net_minor": [], "cost_minor": []}, dtype=np.float64)
    costs, parts = read_arrow(run.warehouse, sql_file("scores/_costs"), {"as_of": run.as_of}), []
    for keys in ranges(run):
        with open_baskets(run, run.as_of_date, keys, WINDOW_DAYS) as baskets:
            baskets.table("costs", costs)
            parts.append(baskets.count("_margin"))
    return pd.concat(parts).set_index("customer_key").astype(np.float64)
