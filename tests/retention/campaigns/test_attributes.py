"""What plays may ask about a customer: each attribute from the facts of a named person, as of the day and not later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from retention.campaigns.attributes import attributes_query
from retention.campaigns.binding import plan_binds
from tests.retention.campaigns.conftest import KEYS, Company


def attributes(company: Company, buckets: int = 1) -> dict[str, Any]:
    """Compute the attributes of everybody, by name; in so many statements."""
    query = attributes_query()
    names = {key: name for name, key in KEYS.items()}
    run = company.run(task_id="attributes")
    found: dict[str, Any] = {}
    with company.warehouse.connect() as connection:
        for bucket in range(buckets):
            binds = {**plan_binds(run, []), "bucket": bucket, "bucket_count": buckets}
            clause = sa.text(query.sql)
            known = {name: value for name, value in binds.items() if name in clause._bindparams}
            for row in connection.execute(clause, known):
                assert names[row.customer_key] not in found, "in two buckets"
                found[names[row.customer_key]] = row
    return found


def test_complaints_answers_and_referrals(company: Company) -> None:
    """Gao gave 3 of 10 yesterday, Li 10 forty days ago; Li's referral converted two days ago, Chen's tomorrow; Fang is content."""
    for name in ("Ana", "Chen", "Fang", "Gao"):
        company.customer(name)
    company.complaint("Fang", "severe", opened=6, resolved=4)
    company.do("update core.complaint set satisfaction = 4, satisfaction_at = :at", at=company.days_ago(2))
    company.complaint("Ana", "minor", opened=6, resolved=4)
    company.insert(
        "core.survey_answer", answer_key=1, customer_key=KEYS["Gao"], instrument="nps", score=3, happened_at=company.days_ago(1)
    )
    company.insert(
        "core.survey_answer",
        answer_key=2,
        customer_key=KEYS["Chen"],
        instrument="nps",
        score=9,
        happened_at=company.days_ago(40),
    )
    company.insert(
        "core.survey_answer",
        answer_key=3,
        customer_key=KEYS["Ana"],
        instrument="csat",
        score=1,
        happened_at=company.days_ago(1),
    )
    for name, score, days in (("Chen", 5, 1), ("Gao", 2, 9)):  # in the survey after the complaint; before it was resolved
        company.complaint(name, "minor", opened=20, resolved=4)
        company.insert(
            "core.survey_answer", answer_key=3 + days, customer_key=KEYS[name], instrument="csat", score=score,
            about_kind="complaint", happened_at=company.days_ago(days),
        )  # fmt: skip
    company.insert(
        "core.referral",
        referral_key=7,
        customer_key=KEYS["Ana"],
        referred_at=company.days_ago(9),
        converted_at=company.days_ago(2),
    )
    company.insert(
        "core.referral",
        referral_key=8,
        customer_key=KEYS["Chen"],
        referred_at=company.days_ago(9),
        converted_at=company.days_ago(-1),
    )
    found = attributes(company)
    assert [found[name].nps_answer_key for name in ("Gao", "Chen", "Ana")] == [1, None, None]
    assert (found["Ana"].converted_referral_key, found["Ana"].days_since_referral_converted) == (7, 2)
    assert found["Chen"].converted_referral_key is None
    assert [found[name].resolved_complaint_satisfaction for name in ("Fang", "Ana", "Chen", "Gao")] == [4, None, 5, None]
    assert [found[name].days_since_csat for name in ("Fang", "Ana", "Chen", "Gao")] == [None, 1, 1, 9]


def test_what_models_say(company: Company) -> None:
    """Dai's nearest refill is the overdue tea, not the rice; what is new to him goes with what he buys; his contract is up."""
    dai = company.customer("Dai")
    company.customer("Emma")
    company.customer("Ivo", orders=0, stage="prospect")
    today = company.as_of_date
    for rank, (product, days) in enumerate((("rice", 9), ("tea", -2)), 1):
        company.insert(
            "scores.replenishment", customer_key=dai, product_key=rank, product=product, rank=rank, last_bought_on=today - timedelta(30),
            days_until_expected=days, expected_on=today + timedelta(days), expected_earliest_on=today - timedelta(5),
        )  # fmt: skip
    for level, which, rank, item in (("product", "next", 1, "rice"), ("product", "new", 1, "honey"), ("product", "new", 2, "milk"),
                                     ("category", "new", 1, "Food")):  # fmt: skip
        company.insert(
            "scores.next_best", customer_key=dai, level=level, list=which, rank=rank, item=item,
            why="association" if which == "new" else "habit", order_probability=0.2,
        )  # fmt: skip
    company.insert("core.contract", contract_key=5, customer_key=dai, fee_minor=19_900)
    company.insert(
        "scores.renewal", contract_key=5, customer_key=dai, renewal_date=today + timedelta(30), non_renewal_probability=0.7
    )
    for warning in ("overdue", "frequency_falling"):
        company.insert("scores.warning", customer_key=dai, warning=warning)
    company.insert("scores.preference", customer_key=dai, preferred_channel="wechat", is_reachable=True)
    company.insert(
        "segments.tag",
        customer_key=dai,
        tags=["overdue"],
        geographic_tags=["region:East"],
        crm_tags=["vip"],
        is_legal_hold=True,
    )
    found = attributes(company)
    row = found["Dai"]
    assert (row.replenishment_product, row.days_to_replenishment, row.is_replenishment_window_open) == ("tea", -2, True)
    assert row.replenishment_key == f"2/{today - timedelta(30)}"
    assert (row.next_product, row.next_product_why, row.new_product, row.new_product_why) == (
        "rice",
        "habit",
        "honey",
        "association",
    )
    assert (row.days_to_renewal, row.contract_fee_minor, row.non_renewal_probability) == (30, 19_900, 0.7)
    assert row.contract_renewal_key == f"5/{today + timedelta(30)}"
    assert row.warnings == ["frequency_falling", "overdue"]
    assert (row.preferred_channel, row.is_reachable, row.tags, row.crm_tags, row.is_legal_hold) == (
        "wechat",
        True,
        ["overdue"],
        ["vip"],
        True,
    )
    empty = found["Emma"]
    assert (empty.warnings, empty.tags, empty.is_reachable, empty.is_legal_hold, empty.new_product) == (
        [],
        [],
        False,
        False,
        None,
    )
    assert found["Ivo"].count_orders_lifetime is None


def test_views_of_a_higher_range(company: Company) -> None:
    """All pay 100.00 for a bottle, of which there are for 50.00 and 450.00, 250.00 in the mean, and look at something three times.

    Hana looks at wine, Ana at the cheap bottle, Bo at sofas, of which he has bought none, and Chen looked at wine long ago.
    """
    looks = {
        "Hana": ("product", "Wine", 3),
        "Ana": ("Cheap red", "Wine", 3),
        "Bo": ("product", "Home", 3),
        "Chen": ("product", "Wine", 15),
    }
    for number, (name, of, price) in enumerate(
        (("Cheap red", "Wine", 5_000), ("Grand cru", "Wine", 45_000), ("Sofa", "Home", 900_000))
    ):
        company.insert(
            "core.product", product_key=number, product_id=f"P{number}", valid=True, name=name, category_1=of, category_path=of,
            list_price_minor=price,
        )  # fmt: skip
    for person, (subject, category, days) in looks.items():
        key = company.customer(person)
        company.insert(
            "core.order_line", order_key=key, line_number=1, customer_key=key, category_1="Wine", quantity=2, gross_minor=20_000,
            happened_at=company.days_ago(50),
        )  # fmt: skip
        for number in range(3):
            company.insert(
                "core.interaction", interaction_key=10 * key + number, customer_key=key, kind="page_view", direction="in",
                channel="app", subject=subject, category=category, happened_at=company.days_ago(days),
            )  # fmt: skip
    views = {name: row.count_higher_range_views_14d for name, row in attributes(company).items()}
    assert views == {"Hana": 3, "Ana": 0, "Bo": 0, "Chen": 0}


def test_buckets_are_everybody_once(company: Company) -> None:
    """Four people in one statement or in seven: the same rows, nobody twice, keys of both signs and at both ends."""
    for name in ("Ana", "Bo", "Chen", "Dai"):
        company.customer(name)
    ends = {"Bo": -(2**63), "Chen": 2**63 - 1, "Dai": -1}
    for name, key in ends.items():
        for table in ("core.customer", "features.customer_orders", "features.customer_engagement", "segments.tier"):
            company.do(f"update {table} set customer_key = :key where customer_key = :old", key=key, old=KEYS[name])
    names = {key: name for name, key in KEYS.items()} | {key: name for name, key in ends.items()}
    rows: dict[int, list[Any]] = {}
    query, run = sa.text(attributes_query().sql), company.run(task_id="attributes")
    with company.warehouse.connect() as connection:
        for count in (1, 7):
            for bucket in range(count):
                binds = {**plan_binds(run, []), "bucket": bucket, "bucket_count": count}
                known = {name: value for name, value in binds.items() if name in query._bindparams}
                rows.setdefault(count, []).extend(tuple(row) for row in connection.execute(query, known))
    assert sorted(rows[1], key=str) == sorted(rows[7], key=str)
    assert sorted(names[row[1]] for row in rows[7]) == ["Ana", "Bo", "Chen", "Dai"]
