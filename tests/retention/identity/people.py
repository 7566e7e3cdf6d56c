"""Source customers for tests of linking: as linkage reads them, without a warehouse."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retention.identity import Linked, link_members, normalise_email, normalise_phone, shipped_model
from retention.settings import IngestSettings

BLANK: dict[str, Any] = {
    "source": "crm", "name": None, "email": None, "phone": None, "birth_date": None, "gender": None, "city": None, "region": None,
    "wedding_anniversary": None, "customer_kind": "consumer", "year": 2025,
}  # fmt: skip


def records(*people: dict[str, Any]) -> pd.DataFrame:
    """One record per person given; what is left out is unknown."""
    rows = []
    for place, given in enumerate(people, start=1):
        said = {**BLANK, "key": place, **given}
        rows.append(
            {
                "source_customer_key": said["key"],
                "source": said["source"],
                "customer_id": f"c{said['key']}",
                "source_created_at": said["year"],
                "email_normalised": normalise_email(said["email"]),
                "phone_e164": normalise_phone(said["phone"]),
                **{
                    name: said[name]
                    for name in ("name", "birth_date", "gender", "city", "region", "wedding_anniversary", "customer_kind")
                },
            }
        )
    return pd.DataFrame(rows)


def link(*people: dict[str, Any], settings: IngestSettings | None = None, **more: Any) -> Linked:
    """Link people with the shipped model."""
    return link_members(records(*people), shipped_model(), settings or IngestSettings(), **more)


def groups(linked: Linked) -> set[frozenset[int]]:
    """Who is together."""
    return {frozenset(part["source_customer_key"]) for _, part in linked.links.groupby("customer_key")}


def together(*people: dict[str, Any], **more: Any) -> bool:
    """Whether all given records are one person."""
    return len(groups(link(*people, **more))) == 1
