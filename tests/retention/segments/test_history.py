"""What is kept for ever: the migration matrix, who flapped, the borders; and views that give nobody away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.segments import assign
from retention.segments.binds import segment_binds
from retention.settings import LifecycleSettings, MembershipLevel, MembershipSettings, Settings, SettingsError, ValueSettings
from retention.warehouse import Run, Warehouse, read_frame
from tests.retention.privacy.conftest import insert
from tests.sql.features.company import KEYS, NAMES, Company
from tests.sql.segments.slices import publish_inputs

AS_OF = date(2026, 4, 1)
SETTINGS = Settings(value=ValueSettings(current_value_cutoff=10, potential_value_cutoff=10, tier_grace_days=0, flap_days=2))
HIGH = {"recency_days": 5, "clv_12m_minor": 5000, "count_orders_lifetime": 1}
LOW = {"recency_days": 5, "clv_12m_minor": 100, "count_orders_lifetime": 1}


def _run(make_run: Callable[..., Run], offset: int, people: dict[str, dict[str, Any]], try_number: int = 1) -> Run:
    day = AS_OF + timedelta(days=offset)
    run = make_run(day - timedelta(days=1), settings=SETTINGS, try_number=try_number)
    publish_inputs(run.warehouse, day, people)
    assign(run)
    return run


def _rows(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    rows = read_frame(warehouse, sql)
    return [tuple(row) for row in rows.astype(object).where(rows.notna(), None).itertuples(index=False)]


def test_the_matrix_counts_everybody_once_and_flappers_by_the_window(make_run: Callable[..., Run]) -> None:
    # Ana goes up and down; Bo goes down and comes back after three days, which is no flapping within two; Chen comes and goes.
    days: list[dict[str, dict[str, Any]]] = [
        {"Ana": LOW, "Bo": HIGH, "Dai": LOW},
        {"Ana": HIGH, "Bo": LOW, "Dai": LOW, "Chen": HIGH},
        {"Ana": LOW, "Bo": LOW, "Dai": LOW, "Chen": HIGH},
        {"Ana": LOW, "Bo": LOW, "Dai": LOW},
        {"Ana": LOW, "Bo": HIGH, "Dai": LOW},
    ]
    for offset, people in enumerate(days):
        run = _run(make_run, offset, people)
    run = _run(make_run, 4, days[4], try_number=2)  # again: nothing is counted twice

    matrix = (
        "select as_of_date, from_member, to_member, customers from segments.migration where dimension = 'tier' order by 1, 2, 3"
    )
    second, third, fourth, fifth = (AS_OF + timedelta(days=offset) for offset in range(1, 5))
    assert _rows(run.warehouse, matrix) == [
        (second, "marginal", "marginal", 1),
        (second, "marginal", "potential", 1),
        (second, "none", "potential", 1),
        (second, "potential", "marginal", 1),
        (third, "marginal", "marginal", 2),
        (third, "potential", "marginal", 1),
        (third, "potential", "potential", 1),
        (fourth, "marginal", "marginal", 3),
        (fourth, "potential", "none", 1),
        (fifth, "marginal", "marginal", 2),
        (fifth, "marginal", "potential", 1),
    ]
    steady = "select as_of_date, customers, movers, flappers from segments.stability where dimension = 'tier' order by 1"
    assert _rows(run.warehouse, steady) == [
        (second, 3, 2, 0),
        (third, 4, 1, 1),  # Ana is back after one day
        (fourth, 3, 0, 1),
        (fifth, 3, 1, 0),  # hers is two days ago
    ]
    everybody = "select dimension, cast(sum(customers) as bigint) from segments.migration where as_of_date = '2026-04-02' group by 1 order by 1"
    assert {customers for _, customers in _rows(run.warehouse, everybody)} == {4}


def test_a_month_is_compared_with_the_newest_slice_old_enough(make_run: Callable[..., Run]) -> None:
    for offset in (0, 2, 30):
        run = _run(make_run, offset, {"Ana": HIGH if offset == 30 else LOW})

    spans = (
        "select span, since_date, from_member from segments.migration where dimension = 'tier' and as_of_date = '2026-05-01'"
    )
    assert sorted(_rows(run.warehouse, spans)) == [
        ("month", date(2026, 4, 3), "marginal"),
        ("previous", date(2026, 4, 3), "marginal"),
    ]


def test_borders_explain_the_scores(make_run: Callable[..., Run]) -> None:
    people = {
        who: {"recency_days": 10 * place, "count_orders_365d": 6 - place, "net_minor_365d": 100 * (6 - place)}
        for place, who in enumerate(NAMES[:5], start=1)
    }
    run = _run(make_run, 0, people)

    borders = "select measure, level, border, customers from segments.cutoff where rule = 'fifths' order by 1, 2"
    assert _rows(run.warehouse, borders) == [
        *(("frequency", level, level, 1) for level in range(1, 6)),
        *(("monetary", level, 100 * level, 1) for level in range(1, 6)),
        *(("recency", level, 60 - 10 * level, 1) for level in range(1, 6)),
    ]


def test_small_numbers_are_hidden_and_sums_give_nothing_away(warehouse: Warehouse) -> None:
    for to_member, customers in (("vip", 104), ("ordinary", 3), ("potential", 17)):
        insert(
            warehouse,
            "segments.migration",
            {
                "as_of_date": AS_OF, "span": "previous", "since_date": AS_OF - timedelta(days=1), "dimension": "tier",
                "from_member": "vip", "to_member": to_member, "customers": customers,
            },
        )  # fmt: skip
    insert(
        warehouse,
        "segments.stability",
        {
            "as_of_date": AS_OF, "dimension": "tier", "since_date": AS_OF - timedelta(days=1), "customers": 124, "movers": 20,
            "undamped_movers": 0, "flap_days": 28, "flappers": 4, "flap_rate": 4 / 124,
        },
    )  # fmt: skip

    with warehouse.connect() as connection:
        shown = connection.execute(sa.text("select to_member, customers, is_suppressed from bi.segment_migration")).all()
        steady = connection.execute(
            sa.text("select customers, movers, undamped_movers, flappers, flap_rate from bi.segment_stability")
        ).one()

    assert {tuple(row) for row in shown} == {("vip", 100, False), ("ordinary", None, True), ("potential", 20, False)}
    assert tuple(steady) == (124, 20, 0, None, None)


def test_tags_that_few_have_are_left_out_text_and_all(make_run: Callable[..., Run]) -> None:
    promoters = {who: {"latest_nps": 9.0} for who in NAMES[:10]}
    run = _run(make_run, 0, {**promoters, "Kai": {"latest_nps": 6.0}})
    company = Company(run.warehouse)
    for who, tag in [*((who, "Legal hold") for who in NAMES[:10]), ("Kai", "lives above the bakery")]:
        company.insert(
            "core.customer_tag", source_customer_key=KEYS[who], customer_key=KEYS[who], tag=tag,
            set_at="2026-03-01 00:00+08:00",
        )  # fmt: skip
    _run(make_run, 0, {**promoters, "Kai": {"latest_nps": 6.0}}, try_number=2)

    assert _rows(run.warehouse, "select kind, tag, label_en, label_zh, customers from bi.segment_tag order by kind") == [
        ("behavioural", "promoter", "Promoter", "推荐者", 10),
        ("crm", "legal hold", "Legal hold", "法律保全", 10),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(value=ValueSettings(potential_value_quantile=1.1)), "quantiles must lie between 0 and 1"),
        (Settings(value=ValueSettings(current_value_cutoff=-1)), "cut-offs must not be negative"),
        (Settings(value=ValueSettings(tier_down_probability=0.6)), "tier_down_probability must be at most 0.5"),
        (Settings(value=ValueSettings(tier_grace_days=-1)), "must not be negative"),
        (Settings(lifecycle=LifecycleSettings(at_risk_release_probability=0.6)), "must not be above at_risk_probability"),
        (Settings(lifecycle=LifecycleSettings(at_risk_release_overdue_ratio=3)), "must not be above at_risk_overdue_ratio"),
        (Settings(membership=MembershipSettings((MembershipLevel("silver", "银", 5),))), "a level from 0 on"),
        (
            Settings(membership=MembershipSettings((MembershipLevel("a", "甲", 0), MembershipLevel("a", "乙", 5)))),
            "different names and amounts",
        ),
    ],
)
def test_settings_that_contradict_each_other_stop(settings: Settings, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        segment_binds(settings)
