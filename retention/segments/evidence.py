"""Which rule gave a customer each tag, and the values behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from retention.segments.reference import read_reference
from retention.segments.tags import KINDS, TagRule, evidence_query, tag_rules
from retention.settings import Settings
from retention.warehouse import Warehouse, statement


@dataclass(frozen=True)
class TagEvidence:
    """One tag of a customer with its names and what it rests on."""

    tag: str
    kind: str
    label_en: str
    label_zh: str
    because: str


def evidence(warehouse: Warehouse, customer_key: int, as_of_date: date, settings: Settings) -> list[TagEvidence]:
    """Return the tags that one customer had as of a date, with the rules and the day's values.

    A tag whose rule was changed since is shown with the rule of today, and says so.
    """
    binds = {
        "as_of_date": as_of_date,
        "as_of": settings.day_start(as_of_date),
        "business_timezone": settings.company.business_timezone,
        "customer_key": customer_key,
    }
    rules = tag_rules()
    with warehouse.connect() as connection:
        stored = (
            connection.execute(
                *statement("select * from segments.tag where as_of_date = :as_of_date and customer_key = :customer_key", binds)
            )
            .mappings()
            .one_or_none()
        )
        values = connection.execute(*statement(evidence_query(rules), binds)).mappings().one_or_none()
    if stored is None:
        return []
    found = [
        _one(tag, kind, [rule for rule in rules if rule.tag == tag.partition(":")[0]], dict(values or {}))
        for kind, column in KINDS.items()
        for tag in stored[column]
    ]
    effects = {str(row["crm_tag"]): row for row in reversed(read_reference("segments.crm_tag_rule"))}
    for tag in stored["crm_tags"]:
        rule = effects.get(tag)
        because = "set in the CRM" if rule is None else f"set in the CRM: {rule['effect']} {rule['service_tier'] or ''}".strip()
        found.append(
            TagEvidence(
                tag,
                "crm",
                tag if rule is None else str(rule["label_en"]),
                tag if rule is None else str(rule["label_zh"]),
                because,
            )
        )
    return found


def _one(tag: str, kind: str, rules: list[TagRule], values: dict[str, Any]) -> TagEvidence:
    if not rules:
        return TagEvidence(tag, kind, tag, tag, "the rule is not there any more")
    _, _, value = tag.partition(":")
    because = "; ".join(f"{rule.words}: {values.get(rule.attribute.name)}" for rule in rules)
    first = rules[0]
    return TagEvidence(tag, kind, first.label_en.replace("{value}", value), first.label_zh.replace("{value}", value), because)
