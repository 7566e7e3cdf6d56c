"""Hit rates of proposals and errors of expected dates on what customers bought after a past date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.associations import assortment, open_range, rules, sample
from retention.models.metrics import Measured
from retention.models.next_best import ranking, replenishment
from retention.models.next_best.histories import Histories, Market, learn_market, own_gap_days, read_histories
from retention.warehouse import Run, read_frame, sql_file

Floats = NDArray[np.float64]
RESAMPLES = 300
SEED = 20260103


@dataclass(frozen=True)
class HitRates:
    """Share of customers whose next order held one of the first k proposals.

    Attributes
    ----------
    customers : who had bought before the date and ordered within the horizon.
    measured : candidate -> metric (`hit_rate_at_1`, `hit_rate_at_5`) -> value with 95 % bootstrap interval.
    new : the same for items that the customer had not bought within the window, among customers whose next order held one.
    new_customers : how many those are.
    expected_hits : mean stated probability of the first proposal, to set beside the hit rate at 1.
    """

    as_of: date
    level: str
    customers: int
    measured: dict[str, dict[str, Measured]]
    new: dict[str, dict[str, Measured]]
    new_customers: int
    expected_hits: float


def hit_rates(run: Run, as_of: date, level: str, horizon_days: int = 28) -> HitRates:
    """Propose as of a past date, and look at each customer's first order within the horizon after it.

    Beside the proposals stand popularity (what everybody buys most) and repeat-last (what the last order held, the most often
    bought of it first, then popularity); these two keep to no rule about stock and what was just bought.
    """
    histories, market = _read(run, as_of, level)
    bought = _next_orders(run, as_of, level, horizon_days)
    customers = np.intersect1d(histories.orders.index.to_numpy(), bought["customer_key"].unique())
    bought = bought[bought["customer_key"].isin(customers)]
    proposed = ranking.proposals(histories, market, customers, run.settings.associations)
    popular = market.keys[np.argsort(-market.share, kind="stable")]
    anything = proposed[proposed["list"] == "next"]
    candidates = {
        "challenger": anything,
        "popularity": _everybody(popular[:5], customers),
        "repeat_last": _repeat_last(histories, market, customers, popular),
    }
    owned = histories.items[["customer_key", "item_key"]]
    fresh = bought.merge(owned, how="left", indicator=True).query("_merge == 'left_only'")[["customer_key", "item_key"]]
    with_fresh = np.sort(fresh["customer_key"].unique())
    fresh_candidates = {
        "challenger": proposed[proposed["list"] == "new"],
        "popularity": _not_owned(_everybody(popular[:200], with_fresh), owned),
    }
    seed = SEED
    first = anything.loc[anything["rank"] == 1, "probability"]
    return HitRates(
        as_of=as_of,
        level=level,
        customers=len(customers),
        measured={name: _rates(rows, bought, customers, (1, 5), seed) for name, rows in candidates.items()},
        new={name: _rates(rows, fresh, with_fresh, (1, 3), seed) for name, rows in fresh_candidates.items()},
        new_customers=len(with_fresh),
        expected_hits=float(first.mean()) if len(first) else 0.0,
    )


def date_errors(run: Run, as_of: date, horizon_days: int) -> dict[str, float]:
    """Compare expected replenishment dates with when the products were bought next, within the horizon.

    Returns
    -------
    Pairs of customer and product; median absolute error in days of the expected date, of the own mean gap and of the
    product's gap alone; share inside the stated interval.
    """
    histories, market = _read(run, as_of, "product")
    settings = run.settings.associations
    rows = replenishment.due(histories, market, settings)
    with open_range(_later(run, horizon_days), as_of + timedelta(days=horizon_days)) as baskets:
        later = read_histories(baskets, "product").items
    after = later.assign(next_in_days=horizon_days - later["first_days_ago"])
    rows = rows.merge(after.loc[after["next_in_days"] >= 0, ["customer_key", "item_key", "next_in_days"]])
    happened = (rows["last_days_ago"] + rows["next_in_days"]).to_numpy(dtype=np.float64)
    # A date that has passed without a purchase is not expected any more: the earliest that can be is today.
    waited = rows["last_days_ago"].to_numpy(dtype=np.float64)

    def error(gap: Floats) -> float:
        return float(np.median(np.abs(np.maximum(gap, waited) - happened))) if len(rows) else float("nan")

    inside = (happened >= rows["earliest_gap_days"]) & (happened <= rows["latest_gap_days"])
    return {
        "pairs": float(len(rows)),
        "expected": error(rows["expected_gap_days"].to_numpy()),
        "own_mean_gap": error(own_gap_days(rows)),
        "product_gap": error(rows["item_gap_days"].to_numpy()),
        "inside_interval": float(inside.mean()) if len(rows) else float("nan"),
    }


def _read(run: Run, as_of: date, level: str) -> tuple[Histories, Market]:
    with open_range(run, as_of) as baskets:
        histories, together = read_histories(baskets, level), rules(baskets, level, "together")
    return histories, learn_market(run, level, histories, assortment(run, as_of), together)


def _next_orders(run: Run, as_of: date, level: str, horizon_days: int) -> pd.DataFrame:
    until = run.settings.day_start(as_of + timedelta(days=horizon_days))
    asked = {
        "level": level, "as_of": run.settings.day_start(as_of), "until": until,
        "business_timezone": run.settings.company.business_timezone, **sample(run),
    }  # fmt: skip
    return read_frame(run.warehouse, sql_file("scores/_next_orders"), asked)


def _later(run: Run, horizon_days: int) -> Run:
    """The run with a window that reaches back to the date and no further."""
    settings = replace(run.settings, associations=replace(run.settings.associations, window_days=horizon_days))
    return replace(run, settings=settings)


def _everybody(keys: NDArray[np.int64], customers: NDArray[np.int64]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_key": np.repeat(customers, len(keys)),
            "item_key": np.tile(keys, len(customers)),
            "rank": np.tile(np.arange(1, len(keys) + 1), len(customers)),
        }
    )


def _repeat_last(
    histories: Histories, market: Market, customers: NDArray[np.int64], popular: NDArray[np.int64]
) -> pd.DataFrame:
    items = histories.items[histories.items["customer_key"].isin(customers)]
    last = histories.orders["last_days_ago"].reindex(items["customer_key"]).to_numpy()
    share = pd.Series(market.share, index=market.keys)
    own = items[items["last_days_ago"].to_numpy() == last]
    own = own.assign(order=own["count_orders"] + own["item_key"].map(share).fillna(0.0))
    filler = _everybody(popular[:5], customers).assign(order=lambda rows: -rows["rank"].astype(float))
    both = pd.concat([own, filler]).sort_values(["customer_key", "order", "item_key"], ascending=[True, False, True])
    both = both.drop_duplicates(["customer_key", "item_key"])
    ranked: pd.DataFrame = both.assign(rank=both.groupby("customer_key").cumcount() + 1)
    return ranked


def _not_owned(rows: pd.DataFrame, owned: pd.DataFrame) -> pd.DataFrame:
    left = rows.merge(owned, how="left", indicator=True).query("_merge == 'left_only'").sort_values(["customer_key", "rank"])
    return left.assign(rank=left.groupby("customer_key").cumcount() + 1)


def _rates(
    rows: pd.DataFrame, bought: pd.DataFrame, customers: NDArray[np.int64], ranks: tuple[int, ...], seed: int
) -> dict[str, Measured]:
    hits = rows.merge(bought, on=["customer_key", "item_key"]).groupby("customer_key")["rank"].min().reindex(customers)
    rng = np.random.default_rng(seed)
    rates = {}
    for k in ranks:
        hit = (hits <= k).to_numpy(dtype=np.float64)
        if not len(hit):
            rates[f"hit_rate_at_{k}"] = Measured(None, None, None)
            continue
        # A share of independent customers: its bootstrap is binomial.
        drawn = rng.binomial(len(hit), hit.mean(), RESAMPLES) / len(hit)
        rates[f"hit_rate_at_{k}"] = Measured(float(hit.mean()), *(float(q) for q in np.quantile(drawn, (0.025, 0.975))))
    return rates
