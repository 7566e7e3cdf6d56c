"""A household for consent tests: people with addresses of their own and together, and what tools may read of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.privacy import record_consents, source_customer_key, sync_consent
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER
from tests.retention.privacy.conftest import insert

NOW = datetime.now(UTC).replace(microsecond=0)
FAMILY = "home@family.example"
PHONE = "+8613800007001"


def days_ago(days: float) -> datetime:
    """Some days before now."""
    return NOW - timedelta(days=days)


@dataclass
class Household:
    """Named people in the CRM, each a person of their own, and everything that happens to their consent."""

    warehouse: Warehouse
    marketing: Warehouse
    run: Run

    def key(self, name: str) -> int:
        """The pseudonym of a person."""
        return source_customer_key(PEPPER, "crm", name)

    def person(
        self, name: str, email: str | None = None, phone: str | None = None, channels: tuple[str, ...] = ("email", "sms")
    ) -> None:
        """Make a person who is in an audience by each of the channels."""
        key = self.key(name)
        self.do(
            "insert into core.customer_alias values (:key, :key, 'alone', now() - interval '3 days') on conflict do nothing",
            key=key,
        )
        insert(
            self.warehouse, "pii.source_customer",
            {"source_customer_key": key, "source": "crm", "customer_id": name, "customer_key": key, "email_normalised": email,
             "phone_e164": phone, "batch_id": self.batch()},
        )  # fmt: skip
        for channel in channels:
            insert(
                self.marketing, "marketing.campaign_audience",
                {"campaign": f"news_{channel}", "customer_key": key, "kind": "promotional", "purpose": "marketing",
                 "uses_profiling": False, "channel": channel, "valid_from": days_ago(1), "valid_until": NOW + timedelta(days=7),
                 "send_key": f"news|{channel}|once|{key}"},
            )  # fmt: skip

    def batch(self) -> int:
        """A batch published this moment, as a load of customers leaves one."""
        with self.warehouse.begin() as connection:
            return int(
                connection.execute(
                    sa.text(
                        "insert into ops.batch (source, entity, business_date, run_id, state, published_at) values "
                        "('crm', 'customer', '2026-03-31', 'run-0', 'published', clock_timestamp()) returning batch_id"
                    )
                ).scalar_one()
            )

    def says(self, name: str, decision: str, at: datetime, **more: Any) -> dict[str, int]:
        """A decision of a person, as the CRM delivers it; channel all and purpose marketing unless said otherwise."""
        row = {
            "consent_id": f"{name}-{at.timestamp()}", "customer_id": name, "purpose": "marketing", "channel": "all",
            "decision": decision, "decided_at": at.isoformat(), "origin": "web form", **more,
        }  # fmt: skip
        with self.warehouse.begin() as connection:
            return record_consents(connection, PEPPER, "crm", [row]).as_counts()

    def moves(self, name: str, email: str | None = None, phone: str | None = None) -> None:
        """The CRM delivers the person with other addresses."""
        self.do(
            "update pii.source_customer set email_normalised = :email, phone_e164 = :phone, batch_id = :batch "
            "where source_customer_key = :key",
            email=email, phone=phone, batch=self.batch(), key=self.key(name),
        )  # fmt: skip

    def links(self, name: str, to: str) -> None:
        """Identity resolution finds that a record is another person's (or, with its own name, a person again)."""
        record, person = self.key(name), self.key(to)
        self.do(
            "insert into core.identity_change (source_customer_key, old_customer_key, customer_key, rule, changed_at, batch_id) "
            "select source_customer_key, customer_key, :person, 'by hand', now(), 0 from pii.source_customer "
            "where source_customer_key = :record",
            record=record, person=person,
        )  # fmt: skip
        for table, noted in (
            ("core.customer_alias", ", linked_at = now()"),
            ("pii.source_customer", ""),
            ("privacy.consent", ""),
        ):
            self.do(
                f"update {table} set customer_key = :person{noted} where source_customer_key = :record",
                record=record, person=person,
            )  # fmt: skip

    def unsubscribes(self, name: str, channel: str = "email", kind: str = "unsubscribed", at: datetime | None = None) -> None:
        """A tool reports an event about the person."""
        insert(
            self.marketing, "marketing.campaign_event",
            {"campaign": "news", "customer_key": self.key(name), "channel": channel, "kind": kind, "occurred_at": at or NOW},
        )  # fmt: skip

    def sync(self) -> dict[str, int]:
        """Carry consent to the marketing database."""
        return sync_consent(self.run, NOW)

    def reachable(self, channel: str = "email") -> set[str]:
        """Who may be contacted now on a channel, by name."""
        names = dict(self.ask("select customer_key, customer_id from pii.source_customer"))
        rows = self.ask(f"select customer_key from marketing.sendable where channel = '{channel}'", self.marketing)
        return {names[key] for (key,) in rows}

    def bound(self) -> set[tuple[str, str, str, str]]:
        """Who is bound by whose refusal: (person, purpose, channel, who refused)."""
        names = dict(self.ask("select customer_key, customer_id from pii.source_customer"))
        rows = self.ask("select customer_key, purpose, channel, refused_by from privacy.consent_by_address")
        return {(names[row[0]], row[1], row[2], names[row[3]]) for row in rows}

    def ask(self, query: str, database: Warehouse | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with (database or self.warehouse).connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def do(self, statement: str, database: Warehouse | None = None, **binds: Any) -> None:
        """Change rows."""
        with (database or self.warehouse).begin() as connection:
            connection.execute(sa.text(statement), binds)


@pytest.fixture
def household(warehouse: Warehouse, marketing: Warehouse, make_run: Callable[..., Run]) -> Household:
    """An empty household whose consent feed is alive."""
    with marketing.begin() as connection:
        connection.exec_driver_sql("insert into marketing.setting (name, value) values ('consent_heartbeat_hours', '26')")
    return Household(warehouse, marketing, make_run(marketing=marketing))


@pytest.fixture
def family(household: Household) -> Household:
    """Ana and Bo read one mailbox and are two people; Chen has the telephone number that Bo has; Dai shares nothing.

    All four agreed to everything ten days ago.
    """
    household.person("Ana", email=FAMILY, phone="+8613800001111")
    household.person("Bo", email=FAMILY, phone=PHONE)
    household.person("Chen", email="chen@example.com", phone=PHONE)
    household.person("Dai", email="dai@example.com", phone="+8613800002222")
    for name in ("Ana", "Bo", "Chen", "Dai"):
        household.says(name, "granted", days_ago(10))
    household.sync()
    return household
