"""segments.value_matrix and segments.tier: cut-offs, the stated table, damping, moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from retention.segments import assign
from retention.settings import Settings, ValueSettings
from retention.warehouse import Run, read_frame
from tests.sql.features.company import KEYS, NAMES, WHO
from tests.sql.segments.slices import publish_inputs, read_slice

AS_OF = date(2026, 4, 1)


def _ten() -> dict[str, dict[str, Any]]:
    """Ten purchasers with current values 100 to 1000 and predicted values 1000 to 100, all otherwise alike, and a prospect."""
    people: dict[str, dict[str, Any]] = {
        who: {"recency_days": 5, "count_orders_365d": 1, "net_minor_365d": 100 * place, "clv_12m_minor": 1100 - 100 * place}
        for place, who in enumerate(NAMES[:10], start=1)
    }
    return people | {"Kai": {}}


def test_high_is_above_the_quantile_of_purchasers(run: Run) -> None:
    publish_inputs(run.warehouse, AS_OF, _ten())
    assign(run)

    rows = read_slice(run.warehouse, "segments.value_matrix", AS_OF)

    # The 0.7 quantile of ten values is the seventh: three are above it on either side, the ends being opposite people.
    assert {row["current_cutoff_minor"] for row in rows.values()} == {700}
    assert {row["potential_cutoff_minor"] for row in rows.values()} == {700}
    classes = {who: row["value_class"] for who, row in rows.items()}
    assert classes == {
        **dict.fromkeys(("Ana", "Bo", "Chen"), "growth"),
        **dict.fromkeys(("Dai", "Emma", "Fang", "Gao", "Kai"), "marginal"),
        **dict.fromkeys(("Hana", "Ivo", "Jin"), "base"),
    }
    assert {row["value_class_zh"] for row in rows.values()} == {"成长", "边缘", "基础"}


def test_what_a_customer_holds_counts_into_current_value(run: Run) -> None:
    publish_inputs(run.warehouse, AS_OF, _ten())
    key = KEYS["Ana"]
    with run.warehouse.begin() as connection:
        # Ana's deposit grew to 3,000; what she holds from the date on, and what the source deleted before it, do not count.
        connection.exec_driver_sql(
            "insert into core.holding (source_customer_key, customer_key, kind, balance_date, amount_minor, source, batch_id, "
            "deleted_at, is_simulated) values "
            + ", ".join(
                f"({key}, {key}, '{kind}', '{day}', {amount}, 'crm', 1, {deleted}, false)"
                for kind, day, amount, deleted in (
                    ("deposit", "2026-02-01", 2000, "null"),
                    ("deposit", "2026-03-31", 3000, "null"),
                    ("deposit", "2026-04-01", 9000, "null"),
                    ("gift_card", "2026-03-01", 500, "'2026-03-02'"),
                )
            )
        )
    assign(run)

    ana = read_slice(run.warehouse, "segments.value_matrix", AS_OF)["Ana"]

    # 100 spent and 3,000 held; with her at the top the seventh of the ten values is 800.
    assert (ana["current_value_minor"], ana["current_cutoff_minor"], ana["value_class"]) == (3100, 800, "strategic")


def test_both_values_high_is_strategic(run: Run) -> None:
    people = _ten()
    people["Jin"]["clv_12m_minor"] = 5000
    publish_inputs(run.warehouse, AS_OF, people)
    assign(run)

    rows = read_slice(run.warehouse, "segments.value_matrix", AS_OF)

    assert (rows["Jin"]["value_class"], rows["Jin"]["value_class_zh"]) == ("strategic", "战略")


def test_quantiles_are_settings(make_run: Callable[..., Run]) -> None:
    run = make_run(settings=Settings(value=ValueSettings(current_value_quantile=0.5, potential_value_quantile=0.9)))
    publish_inputs(run.warehouse, AS_OF, _ten())
    assign(run)

    rows = read_slice(run.warehouse, "segments.value_matrix", AS_OF)

    assert (rows["Ana"]["current_cutoff_minor"], rows["Ana"]["potential_cutoff_minor"]) == (500, 900)


def test_only_prospects_are_all_marginal(run: Run) -> None:
    publish_inputs(run.warehouse, AS_OF, {"Ana": {}, "Bo": {}})
    assign(run)

    assert {row["value_class"] for row in read_slice(run.warehouse, "segments.value_matrix", AS_OF).values()} == {"marginal"}
    assert {row["service_tier"] for row in read_slice(run.warehouse, "segments.tier", AS_OF).values()} == {"marginal"}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"churn_probability": 0.5}, True, id="probability at the threshold"),
        pytest.param({"churn_probability": 0.4999}, False, id="probability below"),
        pytest.param({"churn_probability": 0.1, "overdue_ratio": 2.0}, True, id="twice the own rhythm"),
        pytest.param({"churn_probability": 0.1, "overdue_ratio": 1.99}, False, id="not yet twice"),
    ],
)
def test_at_risk(run: Run, columns: dict[str, float], expected: bool) -> None:
    publish_inputs(run.warehouse, AS_OF, {"Ana": {"recency_days": 5, **columns}, "Bo": {}})
    assign(run)

    rows = read_slice(run.warehouse, "segments.tier", AS_OF)

    assert rows["Ana"]["is_at_risk"] is expected
    assert rows["Bo"]["is_at_risk"] is False


class _Days:
    """Runs consecutive days in which Ana alone changes: high or low predicted and current value."""

    def __init__(self, make_run: Callable[..., Run]) -> None:
        self.make_run = make_run

    def run(self, day: date, ana_is_high: bool, try_number: int = 1) -> dict[str, Any]:
        # Nine others with value 100; Ana above or below them. High: strategic, best of all in every score, so vip.
        people: dict[str, dict[str, Any]] = {
            who: {"recency_days": 50, "count_orders_365d": 2, "net_minor_365d": 100, "clv_12m_minor": 100}
            for who in NAMES[1:10]
        }
        people["Ana"] = (
            {"recency_days": 1, "count_orders_365d": 9, "net_minor_365d": 900, "clv_12m_minor": 900}
            if ana_is_high
            else {"recency_days": 90, "count_orders_365d": 1, "net_minor_365d": 1, "clv_12m_minor": 1}
        )
        run = self.make_run(day - timedelta(days=1), try_number=try_number)
        publish_inputs(run.warehouse, day, people)
        assign(run)
        return read_slice(run.warehouse, "segments.tier", day)["Ana"]

    def moves(self) -> list[tuple[str, date, str | None, str]]:
        """Moves of Ana, from the earliest."""
        rows = read_frame(self.make_run().warehouse, "select * from segments.tier_move order by as_of_date")
        rows = rows.astype(object).where(rows.notna(), None)
        return [
            (WHO[row.customer_key], row.as_of_date, row.from_tier, row.to_tier)
            for row in rows.itertuples()
            if WHO[row.customer_key] == "Ana"
        ]


@pytest.fixture
def days(make_run: Callable[..., Run]) -> _Days:
    return _Days(make_run)


def test_a_tier_falls_only_after_the_days_of_grace(days: _Days) -> None:
    first = days.run(AS_OF, ana_is_high=True)
    assert (first["service_tier"], first["service_tier_zh"], first["tier_since"]) == ("vip", "大客户", AS_OF)

    for offset in range(1, 8):  # lower on 2 to 8 April: seven days of grace begin on 2 April
        held = days.run(AS_OF + timedelta(days=offset), ana_is_high=False)
        assert (held["service_tier"], held["computed_tier"]) == ("vip", "marginal")
        assert (held["lower_since"], held["tier_since"]) == (date(2026, 4, 2), AS_OF)

    fallen = days.run(date(2026, 4, 9), ana_is_high=False)
    assert (fallen["service_tier"], fallen["previous_tier"], fallen["tier_since"]) == ("marginal", "vip", date(2026, 4, 9))
    assert fallen["lower_since"] is None
    assert days.moves() == [("Ana", AS_OF, None, "vip"), ("Ana", date(2026, 4, 9), "vip", "marginal")]


def test_one_good_day_starts_the_grace_anew(days: _Days) -> None:
    days.run(AS_OF, ana_is_high=True)
    days.run(date(2026, 4, 2), ana_is_high=False)
    days.run(date(2026, 4, 7), ana_is_high=True)
    held = days.run(date(2026, 4, 9), ana_is_high=False)

    assert (held["service_tier"], held["lower_since"]) == ("vip", date(2026, 4, 9))
    assert len(days.moves()) == 1


def test_a_tier_rises_at_once(days: _Days) -> None:
    days.run(AS_OF, ana_is_high=False)
    risen = days.run(date(2026, 4, 2), ana_is_high=True)

    assert (risen["service_tier"], risen["previous_tier"], risen["tier_since"]) == ("vip", "marginal", date(2026, 4, 2))
    assert days.moves() == [("Ana", AS_OF, None, "marginal"), ("Ana", date(2026, 4, 2), "marginal", "vip")]


def test_without_grace_the_tier_flips(make_run: Callable[..., Run]) -> None:
    settings = Settings(value=ValueSettings(tier_grace_days=0))
    days = _Days(lambda *args, **kwargs: make_run(*args, settings=settings, **kwargs))

    tiers = [days.run(AS_OF + timedelta(days=i), ana_is_high=i % 2 == 0)["service_tier"] for i in range(4)]

    assert tiers == ["vip", "marginal", "vip", "marginal"]
    assert len(days.moves()) == 4


def test_running_a_date_again_replaces_its_own_moves_only(days: _Days) -> None:
    days.run(AS_OF, ana_is_high=False)
    days.run(date(2026, 4, 2), ana_is_high=True)
    days.run(date(2026, 4, 2), ana_is_high=True, try_number=2)
    assert days.moves() == [("Ana", AS_OF, None, "marginal"), ("Ana", date(2026, 4, 2), "marginal", "vip")]

    days.run(date(2026, 4, 2), ana_is_high=False, try_number=3)
    assert days.moves() == [("Ana", AS_OF, None, "marginal")]
