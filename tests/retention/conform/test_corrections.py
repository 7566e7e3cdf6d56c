"""What a correction leaves behind, what ties decide, and references that come before what they refer to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from retention.conform import publish_core
from retention.quality import validate
from retention.warehouse import Run, Warehouse
from tests.retention.quality.company import customer, land, line, order, product, rows_of

Row = dict[str, str | None]


def at(day: int) -> str:
    return f"2026-03-{day:02}T12:00:00+08:00"


def publish(run: Run, deliveries: dict[str, list[Row]]) -> None:
    for entity, rows in deliveries.items():
        land(run, "crm", entity, rows)
    validate(run)
    publish_core(run)


# What is said of Ana's answer as of a day: the last state before it, or the first one there is.
AS_OF = """
select distinct on (answer_key) score::integer
from (
    select answer_key, score, updated_at from core.survey_answer
    union all
    select answer_key, score, updated_at from core.survey_answer_version
) as states
order by answer_key, updated_at < :as_of desc, case when updated_at < :as_of then updated_at end desc, updated_at
"""


def test_a_corrected_fact_can_be_read_as_it_was(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    answer = {"answer_id": "s1", "customer_id": "ana", "instrument": "nps", "answered_at": at(2)}
    points = {"entry_id": "p1", "customer_id": "ana", "kind": "earned", "occurred_at": at(2)}
    for offset, (day, score, earned) in enumerate(
        [(9, "3", "70"), (2, "9", "100"), (5, "6", "80")]
    ):  # the last correction comes first
        publish(make_run(date(2026, 3, 20) + timedelta(days=offset)), {
            "customer": [customer("ana", updated_at=at(offset + 1))],
            "survey_answer": [{**answer, "score": score, "updated_at": at(day)}],
            "points_entry": [{**points, "points": earned, "updated_at": at(day)}],
        })  # fmt: skip
    assert rows_of(warehouse, "select score from core.survey_answer") == [(3,)]
    assert rows_of(warehouse, "select score from core.survey_answer_version order by updated_at") == [(9,), (6,)]
    assert rows_of(warehouse, "select points from core.points_entry_version order by updated_at") == [(100,), (80,)]
    for day, score in ((1, 9), (4, 9), (6, 6), (10, 3)):
        assert rows_of(warehouse, AS_OF, as_of=at(day)) == [(score,)], day


def test_ties_are_decided_by_what_is_said(make_run: Callable[..., Run], make_database: Callable[[str], str]) -> None:
    # Two deliveries give one time of change to two different states of a product, a customer and an order.
    kept = set()
    for arrival in ("a", "b"), ("b", "a"):
        database = Warehouse(make_database("warehouse"))
        for offset, said in enumerate(arrival):
            base = make_run(date(2026, 3, 20) + timedelta(days=offset))
            run = Run(base.business_date, database, base.settings, base.attempt, base.secrets)
            amount = {"a": "10", "b": "30"}[said]
            publish(run, {
                "customer": [customer("ana", city=said, email=f"{said}@example.com", updated_at=at(1))],
                "product": [product("milk", name=said, updated_at=at(1))],
                "order": [order("o1", "ana", at(1), amount, channel=said, updated_at=at(1))],
            })  # fmt: skip
        kept.add(
            tuple(
                tuple(rows_of(database, query))
                for query in (
                    "select city from core.customer_source", "select email from pii.contact", "select name from core.product",
                    "select channel, gross_original::text from core.order_header", "select gross_original::text from core.order_version",
                    "select net_minor from core.order_entry", "select count(*) from core.product_version",
                )
            )
        )  # fmt: skip
        database.dispose()
    assert len(kept) == 1
    assert kept.pop()[3:] == ((("b", "30"),), (("30",),), ((3000,),), ((0,),))


def test_references_may_come_before_what_they_refer_to(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    # Ana complains about an order, signs for a product and recommends Bo before the shop has delivered any of the three.
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    publish(first, {
        "customer": [customer("ana")],
        "complaint": [{"complaint_id": "k1", "customer_id": "ana", "order_id": "o1", "severity": "minor", "opened_at": at(2)}],
        "contract": [{"contract_id": "c1", "customer_id": "ana", "product_id": "plan", "started_at": at(2)}],
        "referral": [{"referral_id": "r1", "referrer_customer_id": "ana", "referred_customer_id": "bo", "referred_at": at(2)}],
        "external_mention": [{"mention_id": "m1", "text": "好", "product_id": "plan", "mentioned_at": at(2)}],
    })  # fmt: skip
    references = (
        "select complaint.order_key, contract.product_key, mention.product_key, referral.referred_customer_key from core.complaint "
        "cross join core.contract cross join core.referral cross join core.external_mention as mention"
    )
    assert rows_of(warehouse, references) == [(None, None, None, None)]
    publish(second, {
        "customer": [customer("bo")], "product": [product("plan")], "order": [order("o1", "ana", at(1), updated_at=at(1))],
    })  # fmt: skip
    assert rows_of(
        warehouse,
        "select header.order_key, product.product_key, product.product_key, person.customer_key from core.order_header as header "
        "cross join core.product cross join pii.source_customer as person where person.customer_id = 'bo'",
    ) == rows_of(warehouse, references)


def test_a_line_keeps_the_category_its_product_had(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    # Tea moves from food to drinks on the 5th; that it was a gift before the 3rd is delivered last.
    shelves = {1: "Gifts > Tea", 3: "Food > Tea", 5: "Drinks > Tea"}
    publish(make_run(date(2026, 3, 29)), {
        "customer": [customer("ana")],
        "product": [product("tea", category_path=shelves[3], updated_at=at(3))],
        "order": [order(f"o{day}", "ana", at(day), updated_at=at(day)) for day in (2, 4, 6)],
        "order_line": [line(f"o{day}", 1, "tea", updated_at=at(day)) for day in (2, 4, 6)],
    })  # fmt: skip
    bought = "select category_1 from core.order_line order by happened_at"
    assert rows_of(warehouse, bought) == [("Food",), ("Food",), ("Food",)]
    publish(make_run(date(2026, 3, 30)), {"product": [product("tea", category_path=shelves[5], updated_at=at(5))]})
    assert rows_of(warehouse, bought) == [("Food",), ("Food",), ("Drinks",)]
    publish(make_run(date(2026, 3, 31)), {"product": [product("tea", category_path=shelves[1], updated_at=at(1))]})
    assert rows_of(warehouse, bought) == [("Gifts",), ("Food",), ("Drinks",)]
