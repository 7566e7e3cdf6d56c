"""KPIs of a company small enough to measure by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from retention.measurement import measure
from retention.warehouse import Run, load_contract
from tests.retention.measurement.conftest import ANA, BO, DAY, at, entry, measured_welcome
from tests.retention.privacy.conftest import insert


def value(run: Run, kpi: str, period: str, dimension: str = "all", member: str = "all") -> float | None:
    with run.warehouse.connect() as connection:
        return connection.execute(
            sa.text(
                "select value from bi.kpi_value where as_of_date = :day and kpi = :kpi and period = :period "
                "and dimension = :dimension and member = :member"
            ),
            {"day": DAY, "kpi": kpi, "period": period, "dimension": dimension, "member": member},
        ).scalar_one()


EXPECTED = [
    # Ana and Dai ordered, Bo cancelled an earlier order; the test account and tomorrow's order do not count.
    ("orders", "day", 1),
    ("orders", "month", 2),
    ("net_revenue", "day", 20_000),
    ("net_revenue", "month", 40_000),
    ("member_revenue_share", "month", 0.75),  # Ana's 30,000 of 40,000
    ("repurchase_rate", "day", 1 / 2),  # Ana of Ana, Dai
    ("repurchase_rate", "month", 2 / 3),  # Ana, Bo of Ana, Bo, Dai
    ("mean_repurchase_interval", "day", 70),
    ("mean_repurchase_interval", "month", (70 + 99) / 2),
    # Bought 3 October to 31 December: Ana, Bo, Chen. Since: Ana; Bo's order was cancelled again.
    ("retention_rate", "day", 1 / 3),
    ("churn_rate", "month", 2 / 3),
    ("mean_clv_12m", "day", 1025),
    ("nps", "day", 100),
    ("nps", "month", 0),  # Ana promotes, Bo detracts, Chen is passive
    ("csat", "month", 4),
    ("complaint_rate", "day", 1 / 2),
    ("complaint_rate", "month", 2 / 3),
    ("complaints_inside_clock", "day", 1),
    ("complaints_inside_clock", "month", 1 / 2),
    ("referral_rate", "day", 0),
    ("referral_rate", "month", 1 / 4),
    ("reach", "day", 2),
    ("response_rate", "day", 1 / 2),
    ("cost_per_touch", "month", 6),
    ("value_at_risk", "day", 2_050),  # half of 1,010, 1,020, 1,030 and 1,040
    ("spend", "day", 32),  # two touches of 5 and 7, and an offer of 20 expected to be used
    ("top_spend_share", "month", 25 / 32),
    # Welcome: thirty of February brought 1,500 each, Ana 30,000, Bo -20,000; those held back 500. No effect can be seen in that.
    ("return_on_spend", "day", 0),
]


def test_every_kpi_by_hand(company: Run) -> None:
    measured_welcome(company)
    measure(company)
    measured = {(kpi, period): value(company, kpi, period) for kpi, period, _ in EXPECTED}
    assert measured == pytest.approx({(kpi, period): expected for kpi, period, expected in EXPECTED})


def test_what_is_seen_returns_and_what_is_not_does_not(company: Run) -> None:
    """Of a thousand nobody doubts it: five hundred of February brought 1,500 each, Ana 30,000, Bo -20,000; others 500.

    A contact brings a thousand of revenue, at 35 % margin, twice on the day, with the offer added back.
    """
    measured_welcome(company, people=1_000)
    measure(company)
    brought = 2 * 0.35 * ((500 * 1_500 + 30_000 - 20_000) / 502 - 500) + 20
    assert value(company, "return_on_spend", "day") == pytest.approx(brought / 32)


def test_under_every_heading_by_hand(company: Run) -> None:
    measure(company)
    assert value(company, "net_revenue", "month", "tier", "vip") == 30_000
    assert value(company, "net_revenue", "month", "tier", "ordinary") == 10_000
    assert value(company, "orders", "day", "stage", "repeat") == -1
    assert value(company, "orders", "day", "stage", "prospect") == 0, "nothing bought is a number, not a gap"
    assert value(company, "nps", "month", "stage", "loyal") == 100
    assert value(company, "reach", "day", "play", "welcome") == 2
    assert value(company, "cost_per_touch", "day", "channel", "email") == 6
    assert value(company, "net_revenue", "month", "segment", "champions") == 30_000, "Kai's test account is nobody"
    assert value(company, "net_revenue", "month", "membership", "gold") == 30_000
    assert value(company, "net_revenue", "month", "region", "Sichuan") == 10_000
    assert value(company, "net_revenue", "month", "acquisition_channel", "fair") == 10_000
    # Ana's 30,000 and Bo's order bought and cancelled again; Dai in the store.
    assert value(company, "net_revenue", "month", "order_channel", "app") == 30_000
    assert value(company, "orders", "month", "order_channel", "store") == 1
    assert value(company, "retention_rate", "month", "region", "Zhejiang") == 1 / 2, "Ana of Ana and Bo"
    assert value(company, "complaint_rate", "month", "region", "Sichuan") == 1, "Chen's complaint over Dai's order"
    assert value(company, "response_rate", "day", "tier", "vip") == 1
    assert value(company, "reach", "day", "region", "Zhejiang") == 2
    assert value(company, "spend", "day", "tier", "vip") == 25
    assert value(company, "spend", "month", "play", "welcome") == 32
    assert value(company, "value_at_risk", "day", "tier", "vip") == 505


def test_headings_of_customers_add_up_to_everybody(company: Run) -> None:
    measure(company)
    with company.warehouse.connect() as connection:
        sums = connection.execute(
            sa.text(
                "select kpi, period, dimension, sum(numerator) as numerator, sum(customers) as customers from bi.kpi_value "
                "where dimension in ('all', 'tier', 'stage', 'membership', 'region') group by 1, 2, 3"
            )
        ).all()
    everybody = {(row.kpi, row.period): (row.numerator, row.customers) for row in sums if row.dimension == "all"}
    assert everybody
    for row in sums:
        assert (row.numerator, row.customers) == everybody[row.kpi, row.period], (row.kpi, row.period, row.dimension)


def test_every_defined_kpi_is_measured_and_every_measured_one_defined(company: Run) -> None:
    measured_welcome(company)
    measure(company)
    defined = set(load_contract("bi.kpi_value").column("kpi").extra["values"])
    with company.warehouse.connect() as connection:
        measured = set(connection.execute(sa.text("select distinct kpi from bi.kpi_value")).scalars())
        dictionary = set(connection.execute(sa.text("select kpi from bi.kpi_definition")).scalars())
        undescribed = connection.execute(
            sa.text(
                "select count(*) from bi.kpi where label is null or label_zh is null or unit is null "
                "or formula is null or formula_zh is null"
            )
        ).scalar_one()
    assert measured == defined == dictionary
    assert undescribed == 0


def test_measuring_again_gives_the_same_rows(company: Run) -> None:
    first = measure(company)
    with company.warehouse.connect() as connection:
        before = connection.execute(sa.text("select table_name, checksum from ops.published order by 1")).all()
    second = measure(company)
    with company.warehouse.connect() as connection:
        after = connection.execute(sa.text("select table_name, checksum from ops.published order by 1")).all()
        events = connection.execute(sa.text("select count(*) from core.campaign_event")).scalar_one()
    assert before == after
    assert (first["events_added"], second["events_added"], events) == (5, 0, 5)


def test_what_happens_later_changes_no_past_day(company: Run) -> None:
    measured_welcome(company)
    measure(company)
    before = {kpi: value(company, kpi, "month") for kpi, _, _ in EXPECTED}
    entry(company.warehouse, ANA, 3, "cancelled", "2026-04-02 09:00", -1, -30_000)
    entry(company.warehouse, BO, 11, "paid", "2026-04-03 09:00", 1, 5_000, order_number=3, days_since_previous_order=24)
    insert(
        company.warehouse,
        "core.survey_answer",
        {"customer_key": BO, "happened_at": at("2026-04-01 00:00"), "instrument": "nps", "score": 9},
    )
    with company.warehouse.begin() as connection:
        connection.execute(
            sa.text("update core.order_entry set deleted_at = :when where order_key = 7"), {"when": at("2026-04-05 00:00")}
        )
    measure(company)
    assert {kpi: value(company, kpi, "month") for kpi, _, _ in EXPECTED} == before


def test_feedback_of_an_erased_person_is_dropped(company: Run) -> None:
    with company.warehouse.begin() as connection:
        connection.execute(
            sa.text("insert into privacy.tombstone (source_customer_key, request_id, erased_at) values (:key, 'r', now())"),
            {"key": BO},
        )
    counts = measure(company)
    assert (counts["events_read"], counts["events_added"], counts["events_of_erased"]) == (5, 3, 2)


def test_scores_wait_for_their_horizon_and_say_until_when(company: Run) -> None:
    measure(company)
    with company.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text("select model, state, scored_as_of, matures_on, customers from bi.score_reliability order by model")
        ).all()
    assert [tuple(row) for row in rows] == [
        ("churn", "waiting", DAY, DAY + timedelta(days=90), 0),
        ("clv", "waiting", DAY, DAY + timedelta(days=365), 0),
        ("repurchase_30d", "waiting", None, None, 0),
        ("repurchase_90d", "waiting", None, None, 0),
    ]


def test_matured_scores_are_compared_with_what_happened(company: Run) -> None:
    scored = DAY - timedelta(days=90)  # 1 January
    for who, probability in ((ANA, 0.1), (BO, 0.72), (103, 0.78)):
        insert(
            company.warehouse,
            "scores.churn",
            {"as_of_date": scored, "customer_key": who, "churn_probability": probability, "horizon_days": 90},
        )
    measure(company)
    with company.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select bucket, customers, predicted_mean, realised_mean from bi.score_reliability "
                "where model = 'churn' and state = 'matured' order by bucket"
            )
        ).all()
    # Ana bought again; Bo paid in March (cancelled on the last day), Chen did not.
    assert [(row.bucket, row.customers) for row in rows] == [(1, 1), (7, 2)]
    assert [row.predicted_mean for row in rows] == pytest.approx([0.1, 0.75])
    assert [row.realised_mean for row in rows] == [0, 1.0]


@pytest.mark.parametrize(("knew_until", "state"), [(DAY, "waiting"), (DAY - timedelta(days=90), "matured")])
def test_scores_by_a_model_that_knew_the_outcome_prove_nothing(company: Run, knew_until: date, state: str) -> None:
    """A past day backfilled with today's champion: it has learned from the very orders it would be judged by."""
    scored = {"as_of_date": DAY - timedelta(days=90), "customer_key": ANA, "churn_probability": 0.1, "horizon_days": 90}
    insert(company.warehouse, "scores.churn", {**scored, "model_version": "churn-1"})
    insert(
        company.warehouse,
        "ops.model",
        {"model_version": "churn-1", "kind": "churn", "state": "champion", "labels_until": knew_until},
    )
    measure(company)
    with company.warehouse.connect() as connection:
        found = connection.execute(sa.text("select distinct state from bi.score_reliability where model = 'churn'")).scalars()
        assert list(found) == [state]
