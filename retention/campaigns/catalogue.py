"""The attributes that plays may ask about: the columns of ``campaigns.customer_attributes`` that carry a label."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from retention.campaigns.holidays import calendar
from retention.settings import PROJECT_ROOT, load_settings
from retention.warehouse import load_contract
from retention.yaml_text import load_yaml

ATTRIBUTES_TABLE = "campaigns.customer_attributes"

PROTECTED = frozenset({"gender", "age_years", "region", "city", "preferred_channel", "demographic_tags", "geographic_tags"})
"""May not decide about an offer: equal customers get equal prices whoever they are and wherever they live.

The channel people prefer is among them because it starts from their age.
"""

PREDICTED = frozenset(
    {
        "churn_probability",
        "clv_12m_minor",
        "probability_alive",
        "value_at_risk_minor",
        "value_class",
        "service_tier",
        "is_at_risk",
        "order_probability_90d",
        "non_renewal_probability",
        "is_replenishment_window_open",
        "days_to_replenishment",
        "next_product_why",
        "next_product_probability",
        "new_product_why",
        "new_product_probability",
        "persona",
        "favourite_category",
        "price_band",
        "discount_band",
        "warnings",
        "tags",
    }
)
"""Rest on a prediction about the person: a play that asks for one leaves out who withdrew consent to profiling."""

_NUMBERS = frozenset({"days", "count", "minor", "share", "ratio"})


@dataclass(frozen=True)
class Attribute:
    """One attribute of a customer."""

    name: str
    unit: str
    """days, count, minor, share, ratio (numbers); label, flag, list (several labels); key and time only name an event."""
    label_en: str
    label_zh: str
    description: str
    values: Mapping[str, str] = field(default_factory=dict)
    """Known values of a label with their Chinese names; empty where any text is possible."""
    is_nullable: bool = True

    @property
    def is_number(self) -> bool:
        """Whether it can be compared by size."""
        return self.unit in _NUMBERS

    @property
    def is_comparable(self) -> bool:
        """Whether conditions may use it at all."""
        return self.unit not in ("key", "time")


@cache
def attributes() -> Mapping[str, Attribute]:
    """Return every attribute by name, in the order of the table."""
    found: dict[str, Attribute] = {}
    for column in load_contract(ATTRIBUTES_TABLE).columns:
        label = column.extra.get("label")
        if label is None:
            continue
        found[column.name] = Attribute(
            name=column.name,
            unit=str(column.extra["unit"]),
            label_en=str(label["en"]),
            label_zh=str(label["zh"]),
            description=column.description,
            values=_values(column.name, column.extra.get("values", {})),
            is_nullable=column.nullable,
        )
    return found


def _values(name: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the Chinese names of a label's values; some lists are data of the company."""
    if name == "holiday":
        return {code: str(entry["zh"]) for code, entry in calendar().items()}
    if name == "persona":
        personas = load_yaml((PROJECT_ROOT / "include" / "personas" / "personas.yml").read_text(encoding="utf-8"))
        return {str(code): str(entry["zh"]) for code, entry in personas.items()}
    if name == "tags":
        return _behaviours()
    if name in ("membership_level", "next_level"):
        return {level.name: level.name_zh for level in load_settings().membership.levels}
    return {str(key): str(value) for key, value in given.items()}


def _behaviours() -> dict[str, str]:
    """Return the tags of behaviour; none where a rule makes one tag per value, which no list can hold."""
    with (PROJECT_ROOT / "include" / "segments" / "tags.csv").open(encoding="utf-8", newline="") as file:
        rules = [rule for rule in csv.DictReader(file) if rule["kind"] == "behavioural"]
    return {} if any(rule["operator"] == "each" for rule in rules) else {rule["tag"]: rule["label_zh"] for rule in rules}
