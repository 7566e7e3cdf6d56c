"""Value in net margin: what goods cost as of the date, what it takes to serve a customer, and rows that say which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from retention import features
from retention.models.btyd import BetaGeoNBD, GammaGamma
from retention.models.registry import RegisteredModel
from retention.models.scoring import given
from retention.models.value import ValueModel
from retention.models.value.intervals import Levels
from retention.models.value.margin import (
    NET_MARGIN,
    NET_REVENUE,
    Margins,
    cost_to_serve,
    margin_share,
    margin_spread,
    margins,
    net_of_costs,
)
from retention.models.value.process import ProcessPart
from retention.models.value.scores import clv_rows
from retention.settings import ClvSettings, Settings
from retention.warehouse import Run
from tests.retention.models.day import published_features
from tests.sql.features.company import KEYS, Company, moment

AS_OF = date(2026, 4, 1)
PEOPLE = {
    "people": ["Ana", "Bo", "Chen"],
    "orders": [
        # Ana buys milk (cost 6.00 of 10.00) and brings half of one order back; the cancelled order counts nothing.
        {"who": "Ana", "paid": "2026-01-10", "gross": 4000, "lines": [
            {"product": 1, "gross": 4000, "quantity": 4, "returned": {"quantity": 2, "at": "2026-01-20"}}]},
        {"who": "Ana", "paid": "2026-02-10", "gross": 2000, "lines": [{"product": 1, "gross": 2000, "quantity": 2}]},
        {"who": "Ana", "paid": "2026-03-01", "gross": 9000, "cancelled": "2026-03-02",
         "lines": [{"product": 1, "gross": 9000, "quantity": 9}]},
        # Bo buys wine, which costs 1.00 of 20.00; Chen something whose cost nobody knows.
        {"who": "Bo", "paid": "2026-03-05", "gross": 6000, "lines": [{"product": 2, "gross": 6000, "quantity": 3}]},
        {"who": "Chen", "paid": "2026-03-06", "gross": 500, "lines": [{"product": 3, "gross": 500}]},
    ],
}  # fmt: skip


def product(company: Company, key: int, cost: int | None, table: str = "core.product", **values: object) -> None:
    row = {
        "product_key": key, "product_id": f"P{key}", "currency": "CNY", "is_replenishable": False,
        "unit_cost_original": None if cost is None else cost / 100, "updated_at": moment("2025-01-01"), **values,
    }  # fmt: skip
    if table == "core.product":
        row |= {"valid": True, "unit_cost_minor": cost}
    company.insert(table, **row)


@pytest.fixture
def make_company(make_run: Callable[..., Run]) -> Callable[..., Run]:
    def make(costs: dict[int, int | None], settings: Settings | None = None) -> Run:
        run = make_run(settings=settings)
        company = Company(run.warehouse)
        company.tell(PEOPLE)
        for key, cost in costs.items():
            product(company, key, cost)
        features.build(run)
        return run

    return make


def by_name(frame: pd.DataFrame, values: np.ndarray) -> dict[str, float]:
    found = dict(zip(frame.index, values, strict=True))
    return {name: float(found[KEYS[name]]) for name in ("Ana", "Bo", "Chen")}


def test_margin_is_that_of_what_was_kept(make_company: Callable[..., Run]) -> None:
    run = make_company({1: 600, 2: 100, 3: None})
    frame = published_features(run)
    found = margins(run, frame)
    assert found.basis == NET_MARGIN
    # Kept with a known cost: Ana 20.00 + 20.00, Bo 60.00; of all 105.00.
    assert found.costed_share == pytest.approx(100 / 105)
    share = by_name(frame, found.share)
    # Ana keeps 40 %, Bo 95 %, together 73 %; few orders, so both are pulled towards that, and Chen is there.
    usual = 1 - (24 + 3) / 100
    assert share["Chen"] == pytest.approx(usual)
    assert 0.4 < share["Ana"] < usual < share["Bo"] < 0.95


def test_costs_are_those_before_the_date(make_company: Callable[..., Run]) -> None:
    run = make_company({1: 900, 2: 100, 3: None})
    company = Company(run.warehouse)
    company.execute("update core.product set updated_at = :at where product_key = 1", at=moment("2026-04-05"))
    product(company, 1, 600, "core.product_version")
    before = margins(run, published_features(run))
    # Without the version the cost of after the date would count.
    company.execute("delete from core.product_version")
    assert before.share.sum() > margins(run, published_features(run)).share.sum() + 0.1


def test_without_known_costs_value_is_net_revenue_and_says_so(make_company: Callable[..., Run]) -> None:
    run = make_company({1: None, 2: None, 3: 10})
    frame = published_features(run)
    found = margins(run, frame)
    assert found.basis == NET_REVENUE  # 5.00 of 105.00 have a cost, half is asked for
    assert (found.share == 1).all()
    lenient = replace(run, settings=replace(run.settings, clv=replace(run.settings.clv, least_costed_share=0.01)))
    assert margins(lenient, frame).basis == NET_MARGIN


def test_rows_of_the_scores_add_up(make_company: Callable[..., Run]) -> None:
    run = make_company({1: 600, 2: 100, 3: None})
    process = BetaGeoNBD.from_params({"r": 0.5, "alpha": 8.0, "a": 0.5, "b": 3.0})
    part = ProcessPart(process, GammaGamma.from_params({"p": 5.0, "q": 4.0, "v": 3000.0}), float("inf"), 0, {})
    champion = cast("RegisteredModel", SimpleNamespace(model_version="clv-of-the-test", profile={"null_share": {}}))
    frame = published_features(run)
    value = ValueModel(part, None, Levels.plain()).predict(frame, 365, 0.1, 0.8)
    rows = clv_rows(run, frame, value, champion)
    assert set(rows["basis"]) == {NET_MARGIN}
    left = rows["net_revenue_12m_minor"] * rows["margin_share"] - rows["cost_to_serve_12m_minor"]
    np.testing.assert_allclose(rows["clv_12m_minor"].astype(float), left.astype(float), atol=1.01)
    assert (rows["cost_to_serve_12m_minor"] > 0).all()  # Ana's return costs, and everybody carries a little of it
    assert (rows["clv_12m_lower_minor"] <= rows["clv_12m_minor"]).all()
    assert (rows["clv_12m_minor"] <= rows["clv_12m_upper_minor"]).all()


def test_the_rule_of_thumb_is_net_revenue_even_where_costs_are_known(make_company: Callable[..., Run]) -> None:
    rows = given(make_company({1: 600, 2: 100, 3: None})).clv
    assert rows["is_fallback"].all()
    assert set(rows["basis"]) == {NET_REVENUE}
    assert (rows["clv_12m_minor"] == rows["net_revenue_12m_minor"]).all()
    assert (rows["cost_to_serve_12m_minor"] == 0).all()


def served(orders: list[float], complaints: list[float], compensation: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"count_orders_365d": orders, "count_complaints_365d": complaints, "compensation_minor_365d": compensation}
    )


def test_complaints_are_counted_per_order() -> None:
    # Dai orders ten times as often as Emma and complains ten times as often: both cost the same to serve, per order.
    settings = ClvSettings()
    assert cost_to_serve(served([100, 10], [10, 1], [0, 0]), settings).tolist() == pytest.approx([0.1 * 5_000] * 2)
    # Compensation comes on top; who never complains carries a little of everybody's only.
    dai, emma, fang = cost_to_serve(served([100, 10, 100], [10, 1, 0], [40_000, 0, 0]), settings)
    assert dai > emma > fang > 0


def test_a_customer_who_costs_more_than_they_bring_has_a_negative_value() -> None:
    predicted = pd.DataFrame(
        {
            "expected_orders": [4.0, 4.0], "expected_order_value_minor": [1000.0, 1000.0], "clv_minor": [3900.0, 3900.0],
            "clv_lower_minor": [0.0, 0.0], "clv_upper_minor": [9000.0, 9000.0],
        }
    )  # fmt: skip
    left = net_of_costs(predicted, Margins(NET_MARGIN, np.array([0.3, 0.3]), np.array([10.0, 500.0]), 1.0))
    assert left["clv_minor"].tolist() == pytest.approx([3900 * 0.3 - 39, 3900 * 0.3 - 3.9 * 500])
    assert (left["clv_lower_minor"] <= left["clv_minor"]).all()
    assert (left["clv_minor"] <= left["clv_upper_minor"]).all()


def test_a_wrong_cost_is_no_margin() -> None:
    # A unit cost in the wrong unit: a hundred times the price.
    lines = pd.DataFrame({"costed_net_minor": [1e6, 1e6], "cost_minor": [1e8, 5e5]})
    frame = pd.DataFrame({"count_order_days_lifetime": [10.0, 10.0], "net_minor_lifetime": [1e6, 1e6]})
    share = margin_share(lines, frame)
    assert share[0] == -1
    assert -1 <= share[1] <= 1


def test_what_is_not_known_of_the_margin_widens_the_interval() -> None:
    rng = np.random.default_rng(5)
    size = 4_000
    days = rng.poisson(4.0, size) + 1.0
    net = days * 10_000.0
    # Shares of costs differ by 0.1 from customer to customer, and each order by more.
    truth = np.clip(rng.normal(0.6, 0.1, size), 0.05, 1.2)
    seen = truth + rng.normal(0.0, 0.1 * np.sqrt(5 / days), size)
    frame = pd.DataFrame({"count_order_days_lifetime": days, "net_minor_lifetime": net})
    lines = pd.DataFrame({"costed_net_minor": net, "cost_minor": seen * net})
    share, spread = margin_share(lines, frame), margin_spread(lines, frame)
    off = np.abs((1 - truth) - share) / spread
    assert (off < 1.2816).mean() == pytest.approx(0.8, abs=0.03)
    few, many = days == 1, days >= 7
    assert spread[few].mean() > 1.2 * spread[many].mean()

    predicted = pd.DataFrame(
        {
            "clv_minor": 10_000.0, "expected_order_value_minor": 5_000.0, "clv_lower_minor": [0.0, 6_000.0],
            "clv_upper_minor": [30_000.0, 14_000.0],
        }
    )  # fmt: skip
    known = Margins(NET_MARGIN, np.array([0.4, 0.4]), np.zeros(2), 1.0)
    plain, wide = net_of_costs(predicted, known), net_of_costs(predicted, replace(known, share_spread=np.array([0.1, 0.1])))
    assert wide["clv_lower_minor"].iloc[0] == 0.0  # nobody who buys nothing has a margin
    assert (wide["clv_upper_minor"] > plain["clv_upper_minor"]).all()
    assert wide["clv_lower_minor"].iloc[1] < plain["clv_lower_minor"].iloc[1]
    assert (wide["clv_minor"] == plain["clv_minor"]).all()
