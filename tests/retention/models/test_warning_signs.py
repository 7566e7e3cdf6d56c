"""Warning signs: each shows for the customer it is about, with its evidence, and not by chance or by season."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retention.models.warning_signs import warning_signs
from retention.settings import Settings

SETTINGS = Settings()
# A customer of three years who orders, complains and deals with the company as always.
STEADY = {
    "tenure_days": 1000, "recency_days": 10, "mean_days_between_orders": 30.0, "count_order_days_lifetime": 34,
    "count_orders_90d": 3, "count_orders_previous_90d": 3, "count_complaints_90d": 0, "complaints_change_90d": 0,
    "count_interactions_30d": 6, "count_interactions_previous_30d": 6,
}  # fmt: skip


def signs(settings: Settings = SETTINGS, crowd: int = 200, **people: dict[str, float]) -> pd.DataFrame:
    """Signs of the people named, each different from a steady customer in what is given, among `crowd` steady ones."""
    rows = [{**STEADY, **different} for different in people.values()] + [STEADY] * crowd
    names = [*people, *[f"steady {number}" for number in range(crowd)]]
    found = warning_signs(pd.DataFrame(rows, index=range(1, len(rows) + 1)), settings)
    return found.assign(who=[names[key - 1] for key in found["customer_key"]]).set_index("who")


def test_a_steady_customer_shows_no_sign() -> None:
    assert signs(Ana={}).empty


@pytest.mark.parametrize(
    ("different", "warning", "english", "chinese"),
    [
        pytest.param(
            {"count_orders_90d": 1, "count_orders_previous_90d": 6},
            "frequency_falling",
            "Orders fell: 1 in the last 90 days after 6 in the 90 days before; 6 were to be expected",
            "下单减少：近 90 天 1 单，之前 90 天 6 单，按常情应有 6 单",
            id="orders falling",
        ),
        pytest.param(
            {"count_complaints_90d": 4, "complaints_change_90d": 3},
            "complaints_rising",
            "Complaints rose: 4 in the last 90 days (orders: 3), 1 in the 90 days before (orders: 3)",
            "投诉增多：近 90 天 4 件（下单 3 单），之前 90 天 1 件（下单 3 单）",
            id="complaints rising",
        ),
        pytest.param(
            {"count_interactions_30d": 0, "count_interactions_previous_30d": 5},
            "interactions_falling",
            "No touch in the last 30 days after 5 in the 30 days before; 5 were to be expected",
            "近 30 天没有互动，之前 30 天 5 次，按常情应有 5 次",
            id="touches falling",
        ),
        pytest.param(
            {"recency_days": 75},
            "overdue",
            "No order for 75 days; the usual gap is 30 days",
            "已 75 天未下单，平时间隔约 30 天",
            id="overdue",
        ),
    ],
)
def test_each_sign_has_its_evidence(different: dict[str, float], warning: str, english: str, chinese: str) -> None:
    # A crowd so large that Bo does not move the company's own change: what is expected shows whole numbers.
    found = signs(crowd=20_000, Bo=different)
    assert list(found["warning"]) == [warning]
    sign = found.loc["Bo"]
    assert (sign["sentence_en"], sign["sentence_zh"]) == (english, chinese)
    assert 0 < sign["chance"] <= SETTINGS.warnings.chance_limit
    assert sign["change_ratio"] == pytest.approx(sign["value_now"] / sign["value_expected"])


def test_chance_is_no_sign() -> None:
    # One order after two, one complaint after none: that happens to people who have not changed.
    found = signs(
        Ana={"count_orders_90d": 1, "count_orders_previous_90d": 2},
        Bo={"count_complaints_90d": 1, "complaints_change_90d": 1},
        Cho={"count_interactions_30d": 3, "count_interactions_previous_30d": 5},
    )
    assert found.empty
    # Guard off: with any probability allowed, one order after three looks like a sign.
    few = {"count_orders_90d": 1, "count_orders_previous_90d": 3}
    assert signs(Ana=few).empty
    loose = replace(SETTINGS, warnings=replace(SETTINGS.warnings, falling_chance_limit=1.0))
    assert list(signs(loose, Ana=few)["warning"]) == ["frequency_falling"]


def test_who_orders_more_may_complain_more() -> None:
    # Ana and Bo have four complaints after one; Ana orders five times as much as before.
    rising = {"count_complaints_90d": 4, "complaints_change_90d": 3}
    found = signs(Ana={**rising, "count_orders_90d": 29, "count_orders_previous_90d": 5}, Bo=rising)
    assert list(found.index) == ["Bo"]
    # Dan complains as often as before, and orders a sixth: per order that is a rise.
    fewer = {"count_complaints_90d": 2, "complaints_change_90d": 0, "count_orders_90d": 0, "count_orders_previous_90d": 11}
    assert "complaints_rising" in set(signs(Dan=fewer).loc[["Dan"], "warning"])


def test_a_season_that_ends_for_everybody_is_nobodys_sign() -> None:
    # After the autumn sales everybody orders a third: Ana too, and only Bo has stopped.
    third = {"count_orders_90d": 2, "count_orders_previous_90d": 6}
    people = {f"like Ana {number}": third for number in range(300)}
    found = signs(crowd=0, **people, Bo={"count_orders_90d": 0, "count_orders_previous_90d": 9})
    assert list(found.index) == ["Bo"]
    assert found.loc["Bo", "value_expected"] == pytest.approx(9 * (600 + 100) / (1809 + 100), rel=1e-6)


def test_one_customer_of_few_is_not_the_season() -> None:
    # Ana and two steady customers: that she stopped is her own sign, though she is most of the company's fall.
    assert list(signs(crowd=2, Ana={"count_orders_90d": 0, "count_orders_previous_90d": 9})["warning"]) == ["frequency_falling"]


def test_a_first_order_is_not_read_as_a_rhythm() -> None:
    # Eva came 130 days ago: three orders in her first forty days, one of them the first. Two repeats in 39 days are a rate.
    new = {"tenure_days": 130, "count_orders_90d": 0, "count_orders_previous_90d": 3, "recency_days": 95}
    eva = signs(Eva=new).query("warning == 'frequency_falling'").loc["Eva"]
    assert (eva["value_before"], eva["value_now"]) == (2, 0)
    assert eva["value_expected"] == pytest.approx(2 * 90 / 39, rel=1e-2)
    # Fay came 110 days ago: 19 days are too short a window before.
    assert "frequency_falling" not in set(signs(Fay={**new, "tenure_days": 110})["warning"])


def test_one_gap_is_no_rhythm_to_be_overdue_against() -> None:
    late = {"recency_days": 65, "mean_days_between_orders": 30.0}
    found = signs(Ana={**late, "count_order_days_lifetime": 2}, Bo={**late, "count_order_days_lifetime": 12})
    assert list(found.index) == ["Bo"]
    # Who has been silent for more than a year is lost, not overdue.
    assert signs(Dan={**late, "recency_days": 366, "count_order_days_lifetime": 12}).empty
    assert len(signs(Dan={**late, "recency_days": 365, "count_order_days_lifetime": 12})) == 1
    once = {"recency_days": 300, "mean_days_between_orders": np.nan, "count_order_days_lifetime": 1}
    assert signs(Gus=once).empty


def test_signs_of_customers_who_do_not_change_are_rare() -> None:
    rng = np.random.default_rng(5)
    size = 20_000
    rate = rng.gamma(1.5, 2.0, size)
    people = pd.DataFrame([STEADY] * size).assign(
        count_orders_90d=rng.poisson(rate), count_orders_previous_90d=rng.poisson(rate),
        count_complaints_90d=rng.poisson(0.15 * rate), complaints_change_90d=0,
    )  # fmt: skip
    people["complaints_change_90d"] = people["count_complaints_90d"] - rng.poisson(0.15 * rate)
    false_alarms = warning_signs(people, SETTINGS)["warning"].value_counts() / size
    assert false_alarms["frequency_falling"] < 0.1
    assert false_alarms["complaints_rising"] < 0.05


def test_columns_that_are_not_there_show_for_nobody() -> None:
    people = pd.DataFrame([{**STEADY, "recency_days": 200}]).drop(columns=["count_interactions_30d", "count_complaints_90d"])
    assert list(warning_signs(people, SETTINGS)["warning"]) == ["overdue"]
    assert warning_signs(people.iloc[:0], SETTINGS).empty
