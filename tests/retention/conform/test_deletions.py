"""What a deletion at the source does, entity by entity: from then on and not before, whichever of the two rows comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from retention.conform import publish_core
from retention.deployment import Secrets
from retention.quality import validate
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, load_contract
from retention.warehouse.embedded import EmbeddedPostgres
from tests.conftest import PEPPER
from tests.databases import clone, drop
from tests.retention.quality.company import customer, land, line, order, product, rows_of

Row = dict[str, str | None]


def at(day: int) -> str:
    return f"2026-03-{day:02}T12:00:00+08:00"


# One row of Ana's per entity, and where it ends up.
ROWS: dict[str, tuple[Row, str]] = {
    "order": (order("o9", "ana", at(2)), "core.order_header"),
    "order_line": (line("o1", 7), "core.order_line"),
    "complaint": ({"complaint_id": "k1", "customer_id": "ana", "severity": "minor", "opened_at": at(2)}, "core.complaint"),
    "interaction": ({"interaction_id": "i1", "customer_id": "ana", "kind": "visit", "occurred_at": at(2)}, "core.interaction"),
    "survey_answer": (
        {"answer_id": "s1", "customer_id": "ana", "instrument": "nps", "score": "9", "answered_at": at(2)}, "core.survey_answer",
    ),
    "points_entry": (
        {"entry_id": "p1", "customer_id": "ana", "kind": "earned", "points": "5", "occurred_at": at(2)}, "core.points_entry",
    ),
    "customer_tag": ({"customer_id": "ana", "tag": "vip", "set_at": at(2)}, "core.customer_tag"),
    "referral": ({"referral_id": "r1", "referrer_customer_id": "ana", "referred_at": at(2)}, "core.referral"),
    "holding": ({"customer_id": "ana", "kind": "deposit", "balance_date": "2026-03-02", "amount": "5"}, "core.holding"),
    "contract": ({"contract_id": "c1", "customer_id": "ana", "started_at": at(2), "fee": "5"}, "core.contract"),
    "campaign_event": ({"event_id": "e1", "customer_id": "ana", "kind": "opened", "occurred_at": at(2)}, "core.campaign_event"),
    "product": (product("tea"), "core.product"),
    "external_mention": ({"mention_id": "m1", "text": "好", "mentioned_at": at(2)}, "core.external_mention"),
    "market_indicator": ({"series": "confidence", "region": "all", "indicator_date": "2026-03-02", "value": "99"}, "core.market_indicator"),
}  # fmt: skip
# Made on the 2nd, deleted on the 5th, back on the 9th.
STATES: dict[str, Row] = {
    "made": {"updated_at": at(2)},
    "deleted": {"updated_at": at(5), "deleted_at": at(5)},
    "back": {"updated_at": at(9)},
}
# How each of three rows of an entity arrives, day by day, and whether it is gone in the end.
ARRIVALS = {
    "deleted": (("made", "deleted", None), True),
    "deletion first": (("deleted", "made", None), True),
    "back again": (("back", "deleted", "made"), False),
}


def numbered(entity: str, arrival: str) -> Row:
    """Return the entity's row under a number of its own for each way of arriving."""
    row, _ = ROWS[entity]
    position = list(ARRIVALS).index(arrival) + 1
    changed: dict[str, Row] = {
        "order_line": {"line_number": str(position)},
        "customer_tag": {"tag": arrival},
        "holding": {"kind": arrival},
        "market_indicator": {"series": arrival},
    }
    number = next(iter(row))
    return {**row, **changed.get(entity, {number: f"{row[number]} {arrival}"})}


@pytest.fixture(scope="module")
def delivered(server: EmbeddedPostgres, templates: Mapping[str, str]) -> Iterator[Warehouse]:
    """A warehouse in which a row of every entity was deleted in each of the three ways."""
    warehouse = Warehouse(clone(server, "deletions", templates["warehouse"]))
    run = Run(date(2026, 3, 20), warehouse, Settings(), Attempt("test", "run-1", "task", 1), Secrets(PEPPER))
    land(run, "crm", "customer", [customer("ana")])
    land(run, "crm", "product", [product("milk")])
    land(run, "crm", "order", [order("o1", "ana", at(1), updated_at=at(1))])
    validate(run)
    publish_core(run)
    for day in range(3):
        run = replace(run, business_date=date(2026, 3, 21 + day))
        for entity in ROWS:
            rows = [
                {**numbered(entity, arrival), **STATES[states[day] or ""]}
                for arrival, (states, _) in ARRIVALS.items()
                if states[day] is not None
            ]
            land(run, "crm", entity, rows)
        validate(run)
        publish_core(run)
    yield warehouse
    warehouse.dispose()
    drop(server, "deletions")


@pytest.mark.parametrize("entity", ROWS)
def test_a_deletion(entity: str, delivered: Warehouse) -> None:
    _, table = ROWS[entity]
    columns = ["order_id", "line_number::text", "complaint_id", "product_id", "tag", "kind", "series"]
    known = [c for c in columns if c.split(":")[0] in load_contract(table).column_names]
    if entity in ("order", "order_line", "complaint", "product", "customer_tag", "holding", "market_indicator"):
        column = {"complaint": "complaint_id", "order": "order_id", "holding": "kind"}.get(entity, known[0])
        current = "valid_to is null" if entity == "complaint" else "true"
        found = rows_of(delivered, f"select {column}, deleted_at = timestamptz '{at(5)}' from {table} where {current}")
        number = column.split(":")[0]
        expected = {(str(numbered(entity, arrival)[number]), is_gone or None) for arrival, (_, is_gone) in ARRIVALS.items()}
        assert expected <= set(found)
    else:  # the source's number is not kept: two are gone, one is back
        assert sorted(str(at_) for (at_,) in rows_of(delivered, f"select deleted_at = timestamptz '{at(5)}' from {table}")) == [
            "None", "True", "True",
        ]  # fmt: skip


def test_before_its_deletion_a_complaint_was_there(delivered: Warehouse) -> None:
    assert rows_of(
        delivered,
        f"select distinct severity, deleted_at from core.complaint where valid_from < timestamptz '{at(4)}' "
        f"and valid_to > timestamptz '{at(4)}'",
    ) == [("minor", None)]
    assert sorted(rows_of(delivered, "select product_id, valid from core.product where product_id like 'tea%'")) == [
        ("tea back again", True),
        ("tea deleted", False),
        ("tea deletion first", False),
    ]


ORDERS_AS_OF = """
select coalesce(sum(entry.order_count), 0), coalesce(sum(entry.net_minor), 0)::bigint
from core.order_entry as entry
inner join core.order_header as header on entry.order_key = header.order_key
where
    header.order_id = :order_id
    and entry.happened_at < :as_of
    and (entry.deleted_at is null or entry.deleted_at >= :as_of)
"""


@pytest.mark.parametrize(
    ("arrival", "expected"),
    [
        ("deleted", {4: (1, 10000), 6: (0, 0), 10: (0, 0)}),
        ("deletion first", {4: (1, 10000), 6: (0, 0), 10: (0, 0)}),
        ("back again", {4: (1, 10000), 6: (0, 0), 10: (1, 10000)}),
    ],
    ids=["deleted", "deletion first", "back again"],
)
def test_a_deleted_order_counts_until_its_deletion(
    arrival: str, expected: dict[int, tuple[int, int]], delivered: Warehouse
) -> None:
    for day, worth in expected.items():
        assert rows_of(delivered, ORDERS_AS_OF, as_of=at(day), order_id=f"o9 {arrival}") == [worth], day


def publish(make_run: Callable[..., Run], offset: int, entity: str, rows: list[Row], start: bool = False) -> None:
    run = make_run(date(2026, 3, 20) + timedelta(days=offset))
    if start:
        land(run, "crm", "order", [order("o1", "b1", at(1), updated_at=at(1))])
    land(run, "crm", entity, rows)
    validate(run)
    publish_core(run)


def test_a_deleted_customer_keeps_the_facts_and_cannot_be_reached(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    # Bo is known under two numbers; one is deleted on the 5th, the other on the 7th. On the 9th the first comes back.
    person = {"name": "Bo", "email": "bo@example.com"}
    publish(make_run, 0, "customer", [customer("b1", **person), customer("b2", **person)], start=True)
    publish(make_run, 1, "order", [order("o2", "b1", at(2), updated_at=at(2))])
    publish(make_run, 2, "customer", [customer("b1", **person, updated_at=at(11), deleted_at=at(11))])
    reach = "select email from pii.contact where name = 'Bo'"
    gone = "select deleted_at = timestamptz '{}' from core.customer where customer_key = (select customer_key from pii.source_customer "
    gone += "where customer_id = 'b1') and valid_to is null"
    assert rows_of(warehouse, reach) == [("bo@example.com",)]  # there is still the other number
    publish(make_run, 3, "customer", [customer("b2", **person, updated_at=at(13), deleted_at=at(13))])
    assert rows_of(warehouse, reach) == []
    assert rows_of(warehouse, gone.format(at(13))) == [(True,)]
    assert rows_of(warehouse, "select count(*), sum(net_minor)::bigint from core.order_entry") == [(2, 20000)]
    publish(make_run, 4, "customer", [customer("b1", **person, updated_at=at(15))])
    assert rows_of(warehouse, reach) == [("bo@example.com",)]
    assert rows_of(warehouse, gone.format(at(13))) == [(None,)]
