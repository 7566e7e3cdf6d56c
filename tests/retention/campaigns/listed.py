"""An audience of named people, written straight into the two databases: what lists and match keys are made from.

Everybody is in ``win_back`` by e-mail. Ana: consent to advertising and profiling. Bo: to advertising, not to profiling. Chen: never
asked. Dai: withdrew, and has Gao's mailbox too. Emma: Ana's mailbox written otherwise, consent to advertising. Fang: somebody stored a
hash in place of her address. Gao: consented, at an address where Dai refused. Hana: consented, no address known. Ivo: suppressed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from retention.deployment import Secrets
from retention.settings import CampaignSettings, Settings
from retention.warehouse import Attempt, Run, Warehouse
from retention.warehouse.embedded import EmbeddedPostgres
from tests.conftest import PEPPER
from tests.databases import clone, drop
from tests.retention.privacy.conftest import insert

NOW = datetime.now(UTC).replace(microsecond=0)
KEYS = {
    name: number * (-1) ** number * 10**15
    for number, name in enumerate(("Ana", "Bo", "Chen", "Dai", "Emma", "Fang", "Gao", "Hana", "Ivo"), start=1)
}
NAMES = {key: name for name, key in KEYS.items()}
HASHED = hashlib.sha256(b"fang@example.cn").hexdigest()
CONTACTS = {
    "Ana": ("ana.li@gmail.com", "+8613800000001"),
    "Bo": ("bo@example.cn", "+8613800000002"),
    "Chen": ("chen@example.cn", "+8613800000003"),
    "Dai": ("family@example.cn", None),
    "Emma": ("anali+shop@gmail.com", None),
    "Fang": (HASHED, "+8613800000006"),
    "Gao": ("family@example.cn", "+8613800000007"),
    "Ivo": ("ivo@example.cn", "+8613800000009"),
}
REASONS_EN = '=HYPERLINK("http://evil.example","you won")'
"""What a hostile play file or a careless one could put in front of a spreadsheet."""


def fill(warehouse: Warehouse, marketing: Warehouse) -> None:
    """Write the audience and its consent."""
    insert(marketing, "marketing.setting", {"name": "environment", "value": "production"})
    insert(marketing, "marketing.setting", {"name": "consent_heartbeat_hours", "value": "26"})
    insert(marketing, "marketing.consent_feed", {"heartbeat_at": NOW})
    insert(
        marketing,
        "marketing.audience_sync",
        {"stream": "audience", "business_date": NOW.date(), "as_of_date": NOW.date(), "token": 1, "pushed_at": NOW},
    )
    for name, key in KEYS.items():
        member = {
            "campaign": "win_back", "customer_key": key, "customer_id": f"C-{name}", "kind": "promotional", "purpose": "marketing",
            "uses_profiling": False, "channel": "email", "send_key": f"win_back|email|2026|{key}", "offer_terms": "{}",
            "valid_from": NOW - timedelta(days=1), "valid_until": NOW + timedelta(days=7), "language": "zh",
            "reasons_en": REASONS_EN, "reasons_zh": "流失；概率 60 %",
        }  # fmt: skip
        insert(marketing, "marketing.campaign_audience", member)
        insert(marketing, "marketing.audience_change", {**member, "change": "added", "changed_at": NOW})
        agree(marketing, name, "marketing", "email", "granted")
        if name in CONTACTS:
            email, phone = CONTACTS[name]
            insert(
                warehouse,
                "pii.contact",
                {"customer_key": key, "email": email, "phone": phone, "is_email_shared": name in ("Dai", "Gao")},
            )
    for name in ("Ana", "Bo", "Emma", "Fang", "Gao", "Hana", "Ivo"):
        agree(marketing, name, "ads", "all", "granted")
    agree(marketing, "Ana", "profiling", "all", "granted")
    agree(marketing, "Bo", "profiling", "all", "withdrawn")
    agree(marketing, "Dai", "ads", "email", "withdrawn")
    for name in ("Dai", "Gao"):
        insert(
            marketing,
            "marketing.shared_address",
            {"customer_key": KEYS[name], "channel": "email", "address_hash": "family"},
        )
    insert(
        marketing,
        "marketing.address_refusal",
        {
            "address_hash": "family", "channel": "email", "purpose": "ads", "customer_key": KEYS["Dai"],
            "refused_at": NOW - timedelta(days=5), "is_held": True,
        },
    )  # fmt: skip
    insert(marketing, "marketing.suppression", {"customer_key": KEYS["Ivo"]})


def agree(marketing: Warehouse, name: str, purpose: str, channel: str, decision: str, days_ago: float = 30) -> None:
    """Write one decision into the marketing database's state of consent."""
    insert(
        marketing,
        "marketing.consent_state",
        {
            "customer_key": KEYS[name], "purpose": purpose, "channel": channel, "decision": decision,
            "decided_at": NOW - timedelta(days=days_ago),
        },
    )  # fmt: skip


@contextmanager
def shared_databases(server: EmbeddedPostgres, templates: dict[str, str], name: str) -> Iterator[tuple[Warehouse, Warehouse]]:
    """The two databases with the audience in them, for all tests of a module that only read."""
    names = {kind: f"listed_{name}_{kind}" for kind in ("warehouse", "marketing")}
    warehouse, marketing = (Warehouse(clone(server, database, templates[kind])) for kind, database in names.items())
    fill(warehouse, marketing)
    try:
        yield warehouse, marketing
    finally:
        for opened in (warehouse, marketing):
            opened.dispose()
        drop(server, *names.values())


def run_over(warehouse: Warehouse, marketing: Warehouse, **campaign: object) -> Run:
    """A run of today over two databases with the settings given."""
    return Run(
        business_date=NOW.date() - timedelta(days=1),
        warehouse=warehouse,
        marketing=marketing,
        settings=Settings(campaigns=CampaignSettings(**campaign)),  # type: ignore[arg-type]  # numbers of the dataclass
        attempt=Attempt("test", "run-1", "task"),
        secrets=Secrets(pepper=PEPPER),
    )
