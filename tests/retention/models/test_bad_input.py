"""Companies whose data no model can learn from, or that a broken source would deliver: a plain message and marked scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from retention import features, models
from retention.models import fallback
from retention.models.metrics import logit
from retention.warehouse import Run, read_frame
from tests.retention.models.company import SHORT, load_orders, orders_of
from tests.retention.privacy.conftest import insert

Row = tuple[int, date, int]
CUSTOMERS = 240
pytestmark = pytest.mark.usefixtures("two_kinds")


def nobody_comes_back(as_of: date) -> Sequence[Row]:
    """Everybody ordered once."""
    return [(who, as_of - timedelta(days=1 + who % 400), 5_000) for who in range(1, CUSTOMERS + 1)]


def everybody_alike(as_of: date) -> Sequence[Row]:
    """All features are constant: everybody ordered the same on the same two days."""
    days = (as_of - timedelta(days=300), as_of - timedelta(days=100))
    return [(who, day, 5_000) for who in range(1, CUSTOMERS + 1) for day in days]


def nothing_is_paid(as_of: date) -> Sequence[Row]:
    """Ordinary days, zero money."""
    return [(row.customer_key, row.date, 0) for row in orders_of(as_of, customers=CUSTOMERS).itertuples()]


def more_is_refunded(as_of: date) -> Sequence[Row]:
    """Ordinary days, and all amounts negative."""
    return [(row.customer_key, row.date, -row.net_minor) for row in orders_of(as_of, customers=CUSTOMERS).itertuples()]


def one_customer(as_of: date) -> Sequence[Row]:
    """Ana, every month."""
    return [(1, as_of - timedelta(days=30 * month), 5_000) for month in range(1, 13)]


def all_in_the_future(as_of: date) -> Sequence[Row]:
    """A source with a wrong clock: nothing has happened yet."""
    return [(who, as_of + timedelta(days=who), 5_000) for who in range(1, 30)]


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        pytest.param(
            nobody_comes_back, "nobody has bought again|bought again with a positive net value|0 stayed", id="no repeat"
        ),
        pytest.param(
            everybody_alike, "0 churned and|0 stayed|churned and 0", id="constant features, one class", marks=pytest.mark.slow
        ),
        pytest.param(nothing_is_paid, "bought again with a positive net value", id="zero spend", marks=pytest.mark.slow),
        pytest.param(more_is_refunded, "bought again with a positive net value", id="negative spend", marks=pytest.mark.slow),
        pytest.param(one_customer, "purchasers: 1, 200 are needed", id="one customer", marks=pytest.mark.slow),
        pytest.param(all_in_the_future, "there are 0", id="dates in the future"),
    ],
)
def test_what_cannot_be_learned_is_said_and_scored_by_a_marked_rule(
    orders: Callable[[date], Sequence[Row]], words: str, make_run: Callable[..., Run], home: Path
) -> None:
    run = make_run(settings=SHORT)
    load_orders(run, pd.DataFrame(orders(run.as_of_date), columns=["customer_key", "date", "net_minor"]))
    result = models.train(run)
    assert pd.Series([kind["decision"] for kind in result.values()]).str.contains(words).any(), result
    features.build(run)
    models.score(run)
    churn = read_frame(run.warehouse, "select * from scores.churn")
    value = read_frame(run.warehouse, "select * from scores.clv")
    purchasers = {who for who, day, _ in orders(run.as_of_date) if day < run.as_of_date}
    assert set(churn["customer_key"]) == set(value["customer_key"]) == purchasers
    for table, kind in ((churn, "churn"), (value, "clv")):
        assert (table["is_fallback"] == (result[kind]["state"] != "champion")).all()
    assert churn["churn_probability"].between(0, 1).all()
    if orders is nobody_comes_back:
        # No model can learn from one class; the level is known all the same.
        assert churn["churn_probability"].min() > 0.9
    assert np.isfinite(value[["clv_12m_minor", "expected_orders_12m"]].to_numpy(dtype=float)).all()


def test_the_rule_of_thumb_takes_the_level_of_what_came() -> None:
    rule = np.array([0.1, 0.4, 0.7, 0.9])
    shift = fallback.shift_to(0.25, rule)
    moved = expit(logit(rule) + shift)
    assert moved.mean() == pytest.approx(0.25)
    assert (np.diff(moved) > 0).all()


@pytest.mark.slow
@pytest.mark.usefixtures("two_scores")
def test_a_monstrous_order_cancelled_within_minutes_moves_nobody(make_run: Callable[..., Run], home: Path) -> None:
    """80,000 pieces ordered and cancelled after 12 minutes: everybody's value is what it would be without."""
    run = make_run(settings=SHORT)
    orders = orders_of(run.as_of_date, customers=400)
    load_orders(run, orders)

    def values() -> pd.Series:
        result = models.train(run)
        assert result["clv"]["state"] == "champion" or "no better than champion" in result["clv"]["decision"]
        features.build(run)
        models.score(run)
        value = read_frame(run.warehouse, "select customer_key, clv_12m_minor, is_fallback from scores.clv")
        assert not value["is_fallback"].any()
        return value.set_index("customer_key")["clv_12m_minor"]

    before = values()
    when = run.settings.day_start(run.as_of_date - timedelta(days=20)) + timedelta(hours=9)
    for kind, sequence, minutes, sign in (("paid", 1, 0, 1), ("cancelled", 2, 12, -1)):
        insert(
            run.warehouse,
            "core.order_entry",
            {
                "order_key": 9_999_999, "kind": kind, "sequence": sequence, "customer_key": int(orders["customer_key"].iloc[0]),
                "happened_at": when + timedelta(minutes=minutes), "order_count": sign, "gross_minor": sign * 800_000_000,
                "net_minor": sign * 800_000_000,
            },
        )  # fmt: skip
    after = values()
    assert after.sum() == pytest.approx(before.sum(), rel=0.02)
    assert after.max() < 1.5 * before.max()
