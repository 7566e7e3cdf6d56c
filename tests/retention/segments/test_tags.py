"""Tags: by rule from what is known of a customer, from the CRM as it stands, and refused where a rule makes no sense."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from retention.segments import assign
from retention.segments.evidence import evidence
from retention.segments.reference import REFERENCE_DIR, ReferenceTableError, read_reference
from retention.segments.tags import attributes, tag_rules
from retention.settings import Settings
from retention.warehouse import Run, load_contract
from tests.sql.features.company import KEYS, Company
from tests.sql.segments.slices import publish_inputs, read_slice

AS_OF = date(2026, 4, 1)


@pytest.fixture
def tagged(make_run: Callable[..., Run]) -> Run:
    """Ana buys often and at a discount; Bo looks and does not buy; Chen is in a legal matter and wants no promotion."""
    run = make_run()
    company = Company(run.warehouse)
    people = {
        "Ana": ("female", 1996, "Shanghai", "East"),
        "Bo": ("male", 2009, "成都", "West"),
        "Chen": (None, None, None, None),
    }
    for who, (gender, born, city, region) in people.items():
        company.add_people(who)
        company.execute(
            "update core.customer set gender = :gender, birth_year = :born, city = :city, region = :region "
            "where customer_key = :key",
            gender=gender, born=born, city=city, region=region, key=KEYS[who],
        )  # fmt: skip
    for who, tag, since, until in [
        ("Chen", " Legal Hold", "2026-03-01", None),
        ("Chen", "勿扰", "2026-03-01", None),
        ("Chen", "Tea lover", "2026-03-01", None),
        ("Chen", "VIP", "2026-03-01", "2026-03-20"),  # taken off
        ("Ana", "do not promote", "2026-04-01", None),  # from the date on: not yet
    ]:
        company.insert(
            "core.customer_tag", source_customer_key=KEYS[who], customer_key=KEYS[who], tag=tag,
            set_at=f"{since} 00:00+08:00", removed_at=until and f"{until} 00:00+08:00",
        )  # fmt: skip
    publish_inputs(
        run.warehouse,
        AS_OF,
        {
            "Ana": {
                "recency_days": 3, "count_orders_365d": 5, "count_orders_90d": 3, "discount_share_365d": 0.3, "latest_nps": 9.0,
                "count_orders_lifetime": 5,
            },
            "Bo": {"count_page_views_90d": 5, "latest_nps": 6.0},
            "Chen": {},
        },
    )  # fmt: skip
    assign(run)
    return run


def test_tags_by_rule(tagged: Run) -> None:
    rows = read_slice(tagged.warehouse, "segments.tag", AS_OF)

    assert list(rows["Ana"]["tags"]) == ["frequent_buyer", "discount_seeker", "promoter"]
    assert list(rows["Ana"]["demographic_tags"]) == ["gender:female", "age_25_34", "kind:consumer"]
    assert list(rows["Ana"]["geographic_tags"]) == ["region:East", "city:Shanghai", "city_tier_1"]
    # A prospect has no orders: that is none, and not something unknown.
    assert list(rows["Bo"]["tags"]) == ["browsing_not_buying", "detractor"]
    assert list(rows["Bo"]["demographic_tags"]) == ["gender:male", "age_under_18", "kind:consumer"]
    assert list(rows["Bo"]["geographic_tags"]) == ["region:West", "city:成都", "city_new_tier_1"]
    assert list(rows["Chen"]["tags"]) == []


def test_tags_of_the_crm_as_of_the_date(tagged: Run) -> None:
    rows = read_slice(tagged.warehouse, "segments.tag", AS_OF)

    assert list(rows["Chen"]["crm_tags"]) == ["legal hold", "tea lover", "勿扰"]
    assert (rows["Chen"]["is_legal_hold"], rows["Chen"]["is_promotion_barred"]) == (True, True)
    assert list(rows["Ana"]["crm_tags"]) == []
    assert (rows["Ana"]["is_legal_hold"], rows["Ana"]["is_promotion_barred"]) == (False, False)
    assert rows["Chen"]["tier_tag"] is None


def test_evidence_names_rule_and_value(tagged: Run) -> None:
    found = {one.tag: one for one in evidence(tagged.warehouse, KEYS["Ana"], AS_OF, Settings())}

    assert found["discount_seeker"].because == "discount_share_365d >= 0.3: 0.3; count_orders_365d >= 2: 5"
    assert (found["city:Shanghai"].label_en, found["city:Shanghai"].label_zh) == ("City Shanghai", "城市 Shanghai")
    assert found["promoter"].kind == "behavioural"
    chen = {one.tag: one.because for one in evidence(tagged.warehouse, KEYS["Chen"], AS_OF, Settings())}
    assert chen["勿扰"] == "set in the CRM: no_promotion"
    assert chen["tea lover"] == "set in the CRM"
    assert evidence(tagged.warehouse, KEYS["Jin"], AS_OF, Settings()) == []


def test_shipped_rules_hold_and_attributes_have_one_meaning() -> None:
    assert {rule.kind for rule in tag_rules()} == {"geographic", "demographic", "behavioural"}
    names = [
        column.name
        for table in ("features.customer_orders", "features.customer_engagement", "features.customer_service")
        for column in load_contract(table).columns
        if column.name not in ("as_of_date", "customer_key")
    ]
    assert len(names) == len(set(names))
    assert set(names) - set(attributes()) <= {
        "first_order_at", "last_order_at", "won_back_at", "last_complaint_resolved_at",
    }  # fmt: skip


GOOD = "frequent_buyer,behavioural,Frequent buyer,高频购买,count_orders_90d,at_least,3"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(GOOD.replace("count_orders_90d", "count_order_90d"), "line 23: 'count_order_90d' is no attribute; did you "
                     "mean count_orders_90d?", id="a typo"),
        pytest.param(GOOD.replace("behavioural", "behavioral"), "is no kind of tag; did you mean behavioural", id="a kind"),
        pytest.param(GOOD.replace("at_least", "least"), "'least' is no operator", id="an operator"),
        pytest.param(GOOD.replace(",3", ",three"), r"count_orders_90d needs a number \(bigint\), found 'three'", id="no number"),
        pytest.param(GOOD.replace(",3", ","), "only the operator each goes without a value", id="no value"),
        pytest.param(GOOD.replace("count_orders_90d,at_least,3", "city,equals,Wuhan"), "city is protected", id="protected"),
        pytest.param(GOOD.replace("frequent_buyer", "Frequent'; drop"), "is no code", id="SQL in a code"),
        pytest.param(GOOD.replace("count_orders_90d,at_least,3", "count_orders_90d,each,"), "each needs a text", id="each number"),
        pytest.param(GOOD + "\n" + GOOD.replace("at_least,3", "at_most,2"), "cannot be at least 3 and at most 2", id="impossible"),
        pytest.param(GOOD + "\n" + GOOD, "is listed more than once", id="twice"),
        pytest.param(GOOD + "\n" + GOOD.replace("Frequent", "Very frequent").replace("at_least", "at_most"),
                     "another kind or label", id="two labels"),
    ],
)  # fmt: skip
def test_a_rule_without_sense_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "tags.csv"
    shutil.copy(REFERENCE_DIR / "tags.csv", path)
    text = path.read_text(encoding="utf-8")
    assert GOOD in text
    path.write_text(text.replace(GOOD, line), encoding="utf-8")

    with pytest.raises(ReferenceTableError, match=message):
        tag_rules(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("vip,tier_at_least,gold,VIP,大客户", "line 2: the effect tier_at_least takes .*vip as service_tier, found 'gold'"),
        ("vip,tier_at_last,vip,VIP,大客户", "line 2: 'tier_at_last' is no effect; known are tier_at_least"),
        ("VIP,tier_at_least,vip,VIP,大客户", "line 2: 'VIP' must be in lower case"),
        ("vip,no_promotion,vip,VIP,大客户", "the effect no_promotion takes None as service_tier"),
    ],
    ids=["no tier", "no effect", "capitals", "a tier too many"],
)
def test_a_tag_of_the_crm_that_decides_nothing_is_refused(tmp_path: Path, line: str, message: str) -> None:
    header = (REFERENCE_DIR / "crm_tags.csv").read_text(encoding="utf-8").splitlines()[0]
    (tmp_path / "crm_tags.csv").write_text(f"{header}\n{line}\n", encoding="utf-8")

    with pytest.raises(ReferenceTableError, match=message):
        read_reference("segments.crm_tag_rule", tmp_path)
