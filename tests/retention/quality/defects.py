"""A catalogue of seeded defects, generated from the contracts: for each check a row that breaks it.

A mutation starts from a clean row and changes as little as it can. Where one value cannot help breaking a second rule (NaN is
not finite and out of every range), that rule is named as a companion; anything else that breaks is an error of the catalogue
or of the contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from retention.warehouse import Check, Contract, Warehouse, all_contracts
from tests.retention.quality.company import store

Row = dict[str, str | None]
PLACES = ("batch_id", "position", "file")
AT = "2026-03-10T10:00:00+08:00"
EARLIER, LATER = "2026-03-09T10:00:00+08:00", "2026-04-03T10:00:00+08:00"
TABLE_RULES = {"volume", "freshness"}

CLEAN: dict[str, Row] = {
    "campaign_event": {"event_id": "e1", "customer_id": "ana", "kind": "opened", "occurred_at": AT, "campaign": "spring"},
    "complaint": {"complaint_id": "k1", "customer_id": "ana", "opened_at": AT, "category": "delivery"},
    "consent": {
        "consent_id": "s1", "customer_id": "ana", "purpose": "marketing", "channel": "email", "decision": "granted",
        "decided_at": AT, "origin": "form",
    },
    "contract": {"contract_id": "v1", "customer_id": "ana", "product_id": "milk", "started_at": AT},
    "customer": {"customer_id": "ana", "name": "Ana"},
    "customer_tag": {"customer_id": "ana", "tag": "vip", "set_at": AT},
    "external_mention": {"mention_id": "m1", "mentioned_at": AT, "text": "good milk"},
    "holding": {"customer_id": "ana", "kind": "deposit", "balance_date": "2026-03-10", "amount": "100"},
    "interaction": {
        "interaction_id": "i1", "customer_id": "ana", "channel": "app", "kind": "visit", "direction": "in", "occurred_at": AT,
    },
    "market_indicator": {"series": "trend", "region": "north", "indicator_date": "2026-03-10", "value": "7"},
    "order": {"order_id": "o1", "customer_id": "ana", "ordered_at": AT, "gross_amount": "100.00"},
    "order_line": {"order_id": "o1", "line_number": "1", "product_id": "milk", "quantity": "1", "unit_price": "10.00"},
    "points_entry": {"entry_id": "p1", "customer_id": "ana", "kind": "earned", "points": "10", "occurred_at": AT},
    "product": {"product_id": "milk", "name": "Milk"},
    "referral": {"referral_id": "r1", "referrer_customer_id": "ana", "referred_at": AT},
    "survey_answer": {"answer_id": "a1", "customer_id": "ana", "instrument": "nps", "score": "9", "answered_at": AT},
}  # fmt: skip
"""One clean row per entity, with little more than it must carry."""


@dataclass(frozen=True)
class Defect:
    """Rows of which the last breaks the check, and the rules that cannot help breaking with it."""

    entity: str
    label: str
    severity: str
    rows: Sequence[Row]
    companions: frozenset[str] = field(default_factory=frozenset)


class UnknownRule(LookupError):
    """The catalogue knows no way to break a rule of a contract: teach it one."""


def label_of(check: Check) -> str:
    """Name of a check as quarantine and results show it."""
    columns = check.arguments.get("columns")
    column = check.arguments.get("column") or (", ".join(columns) if columns else None)
    name = check.arguments.get("name", check.rule)
    return f"{name}({column})" if column else str(name)


def landing_contracts() -> dict[str, Contract]:
    """Contracts of what is delivered, by entity."""
    return {c.name: c for c in all_contracts().values() if c.schema == "landing" and "batch_id" in c.column_names}


def defect(contract: Contract, check: Check) -> Defect:
    """Return the rows that break one row rule of a contract.

    Raises
    ------
    UnknownRule when the catalogue does not know the kind of rule.
    """
    if check.rule not in MUTATIONS:
        raise UnknownRule(f"{contract.table}: no defect is known for the rule {check.rule}")
    clean = {"updated_at": AT, "is_simulated": "false", **CLEAN[contract.name]}
    rows, companions = MUTATIONS[check.rule](check.arguments, contract, clean)
    return Defect(contract.name, label_of(check), check.severity, [{**clean, **row} for row in rows], frozenset(companions))


Broken = tuple[Sequence[Row], Sequence[str]]
Mutation = Callable[[Mapping[str, Any], Contract, Row], Broken]


def _labels(contract: Contract, rules: Sequence[str], column: str) -> list[str]:
    """Labels of the contract's rules of these kinds that look at a column."""
    return [
        label_of(c)
        for c in contract.checks
        if c.rule in rules and column in (c.arguments.get("column"), c.arguments.get("other"), *c.arguments.get("columns", ()))
    ]


def _set(value: Callable[[Mapping[str, Any]], str | None], *companions: str) -> Mutation:
    def mutate(arguments: Mapping[str, Any], contract: Contract, clean: Row) -> Broken:
        return [{arguments["column"]: value(arguments)}], _labels(contract, companions, arguments["column"])

    return mutate


def _no_nul(arguments: Mapping[str, Any], contract: Contract, clean: Row) -> Broken:
    free = max(
        (c.arguments["column"] for c in contract.checks if c.rule == "max_length"),
        key=lambda column: not column.endswith("_id"),
    )
    return [{free: "a\u2400b"}], _labels(contract, ["pattern"], free)


def _clean_key(arguments: Mapping[str, Any], contract: Contract, clean: Row) -> Broken:
    column = arguments["column"]
    return [{column: f"{clean.get(column) or 'ana'}\x1f"}, {column: "1.38E+17"}], []


_WRONG = {
    "timestamptz": "tomorrow", "date": "soon", "numeric": "12,50", "integer": "1.5", "bigint": "1.5", "boolean": "perhaps",
}  # fmt: skip


def _between(arguments: Mapping[str, Any], contract: Contract, clean: Row) -> Broken:
    low, high = arguments.get("min"), arguments.get("max")
    rows: list[Row] = []
    if high is not None:
        rows.append({arguments["column"]: str(high + 1)})
    if low is not None:
        rows.append({arguments["column"]: str(low - 1)})
    return rows, _labels(contract, ["at_most", "product_at_most"], arguments["column"])


def _plausible_time(arguments: Mapping[str, Any], contract: Contract, clean: Row) -> Broken:
    column = arguments["column"]
    moments = ["1899-01-01T00:00:00+00:00", "2150-01-01T00:00:00+00:00"]
    if arguments.get("future", "refused") == "refused":
        moments.append(LATER)
    if any(c.rule == "is_type" and c.arguments["type"] == "date" and c.arguments["column"] == column for c in contract.checks):
        moments = [moment[:10] for moment in moments]
    return [{column: moment} for moment in moments], _labels(contract, ["plausible_time", "not_before"], column)


def _not_before(arguments: Mapping[str, Any], contract: Contract, clean: Row) -> Broken:
    date_only = {c.arguments["column"] for c in contract.checks if c.rule == "is_type" and c.arguments["type"] == "date"}
    column, other = arguments["column"], arguments["other"]
    return [{column: EARLIER[:10] if column in date_only else EARLIER, other: AT[:10] if other in date_only else AT}], []


def _pattern(arguments: Mapping[str, Any], contract: Contract, clean: Row) -> Broken:
    wrong = {"currency": "usd", "email": "no address", "phone": "call me", "language": "?"}
    if arguments["column"] not in wrong:
        raise UnknownRule(f"{contract.table}: no wrong form of {arguments['column']} is known")
    return [{arguments["column"]: wrong[arguments["column"]]}], _labels(contract, ["iso_currency"], arguments["column"])


_EXPRESSIONS: dict[str, Row] = {
    "positive_rate": {"series": "fx.EUR.CNY", "value": "-1"},
    "csat_scale": {"instrument": "csat", "score": "7"},
}


def _expression(arguments: Mapping[str, Any], contract: Contract, clean: Row) -> Broken:
    name = str(arguments.get("name"))
    if name not in _EXPRESSIONS:
        raise UnknownRule(f"{contract.table}: no defect is known for the expression {name}")
    return [_EXPRESSIONS[name]], []


MUTATIONS: dict[str, Mutation] = {
    "required": _set(lambda a: None),
    "no_nul": _no_nul,
    "clean_key": _clean_key,
    "max_length": _set(lambda a: "x" * (int(a["max"]) + 1), "pattern"),
    "is_type": _set(lambda a: _WRONG[a["type"]]),
    "finite": _set(lambda a: "NaN", "between", "at_most"),
    "whole": _set(lambda a: "1.5"),
    "between": _between,
    "in_set": _set(lambda a: "no such value"),
    "iso_currency": _set(lambda a: "QQQ"),
    "minor_digits": lambda a, contract, clean: ([{a["column"]: "0.505"}, {a["column"]: "0.5", a["currency"]: "JPY"}], []),
    "pattern": _pattern,
    "expression": _expression,
    "plausible_time": _plausible_time,
    "not_before": _not_before,
    "at_most": lambda a, contract, clean: ([{a["column"]: "101", a["other"]: "100"}], []),
    "product_at_most": lambda a, contract, clean: ([dict.fromkeys(a["columns"], "1000000")], []),
    "unique_version": lambda a, contract, clean: ([{"is_simulated": "true"}, {}], []),
    "known_customer": _set(lambda a: "stranger"),
    "known_order": _set(lambda a: "stranger"),
    "known_product": _set(lambda a: "stranger"),
    "known_rate": _set(lambda a: "USD"),
}
"""By kind of rule: how to break it."""


def seed_known(warehouse: Warehouse) -> None:
    """Let core know what clean rows refer to, and the strange numbers by which a defect breaks one rule and not two."""
    for name in ("ana", "ana\x1f", "x" * 201, "a\u2400b", "1.38E+17"):
        store(warehouse, "pii.source_customer", source="crm", customer_id=name)
        store(warehouse, "core.order_header", source="crm", order_id=name.replace("ana", "o1"))
        store(warehouse, "core.product", source="crm", product_id=name.replace("ana", "milk"))
    for name in ("ana", "ana\x1f"):  # where a clean row leaves the reference out, its defect is made from Ana's name
        store(warehouse, "core.order_header", source="crm", order_id=name)
        store(warehouse, "core.product", source="crm", product_id=name)
    for code in ("QQQ", "usd", "JPY"):
        store(warehouse, "core.market_indicator", series=f"fx.{code}.CNY", region="", indicator_date="2020-01-01", value="7")
    with warehouse.begin() as connection:
        for entity in ("customer", "order", "product"):
            connection.execute(
                sa.text(
                    "insert into ops.batch (source, entity, business_date, run_id, state) "
                    "values ('crm', :entity, '2026-01-01', 'r', 'published')"
                ),
                {"entity": entity},
            )
