"""A company of named people, written straight into the tables that plays rest on.

The day is today, in Shanghai: what tools read expires by the database's own clock.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from retention import campaigns
from retention.campaigns.plays import PLAYS_DIR
from retention.privacy.consent import sync_consent
from retention.settings import CampaignSettings, Settings
from retention.warehouse import Run, Warehouse, ensure_partitions, load_contract
from retention.warehouse.embedded import EmbeddedPostgres
from tests.conftest import run_maker

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()
KEYS = {
    name: number for number, name in enumerate(("Ana", "Bo", "Chen", "Dai", "Emma", "Fang", "Gao", "Hana", "Ivo", "Jin"), 1)
}
SLICES = (
    "features.customer_orders", "features.customer_engagement", "scores.churn", "scores.clv", "segments.rfm",
    "segments.value_matrix", "segments.tier", "segments.lifecycle", "segments.membership",
)  # fmt: skip
_FILL: dict[str, Any] = {
    "bigint": 0, "integer": 0, "double precision": 0.0, "text": "-", "boolean": False, "date": TODAY, "jsonb": "{}",
    "timestamptz": datetime(2020, 1, 1, tzinfo=UTC), "text[]": [], "numeric": 0,
}  # fmt: skip


STAFFED_PLAYS = (
    "birthday", "churn_rescue", "complaint_call", "complaint_recovery", "second_purchase", "strategic_care", "tier_nudge",
    "welcome", "win_back",
)  # fmt: skip
"""The plays that the stories of :func:`staffed` are about; all that are shipped are in tests/test_tiny_company.py."""


def settings(**campaign: Any) -> Settings:
    """Settings without the guard, where a test does not ask for it.

    No quiet hours and nobody in the universal control group: neither the hour nor the year decides about a test.
    """
    quiet = {"quiet_from": "00:00", "quiet_until": "00:00", "universal_control_share": 0.0}
    return Settings(campaigns=dataclasses.replace(CampaignSettings(), **{"guard_minimum_rows": 1_000, **quiet, **campaign}))


@dataclass
class Company:
    """The company's databases as of a day, with one method per thing that happens to people."""

    warehouse: Warehouse
    marketing: Warehouse
    make_run: Callable[..., Run]
    as_of_date: date = TODAY
    settings: Settings = field(default_factory=settings)
    tries: int = 0
    plays_dir: Path = PLAYS_DIR

    def run(self, **more: Any) -> Run:
        """A run of the day before, as of the day; each call is the next try of its task."""
        self.tries += 1
        given = {"task_id": "push", "try_number": self.tries, "settings": self.settings, "marketing": self.marketing, **more}
        return self.make_run(self.as_of_date - timedelta(days=1), **given)

    def insert(self, table: str, **values: Any) -> None:
        """Insert one row; what is required and not given gets a value of its type."""
        contract = load_contract(table)
        if contract.kind == "slice":
            ensure_partitions(self.warehouse, [table], self.as_of_date)
            values.setdefault("as_of_date", self.as_of_date)
        for column in contract.columns:
            if not column.nullable and column.default is None and not column.identity and column.name not in values:
                values[column.name] = _FILL[column.type]
        names = ", ".join(values)
        binds = ", ".join(f":{name}" for name in values)
        database = self.marketing if contract.database == "marketing" else self.warehouse
        with database.begin() as connection:
            connection.execute(sa.text(f"insert into {table} ({names}) values ({binds})"), values)

    def customer(self, name: str, *, consents: bool = True, **attributes: Any) -> int:
        """Make a person; what is not said is a repeat buyer without anything special, reachable by e-mail and phone."""
        key = KEYS[name]
        told = {
            "language": "zh", "account_owner": None, "is_test": False, "is_staff": False, "birthday_md": None,
            "email": f"{name.lower()}@example.com", "phone": f"+861380000{key:04d}", **attributes,
        }  # fmt: skip
        self.insert(
            "core.customer", customer_key=key, valid_from=datetime(2020, 1, 1, tzinfo=UTC), customer_kind="consumer",
            member_since=datetime(2020, 1, 1, tzinfo=UTC),
            **{k: told[k] for k in ("language", "account_owner", "is_test", "is_staff", "birthday_md")},
        )  # fmt: skip
        self.insert("core.customer_alias", source_customer_key=key, customer_key=key, rule="alone")
        self.insert(
            "pii.source_customer", source_customer_key=key, source="crm", customer_id=f"C{key:03d}", customer_key=key, name=name,
            email_normalised=told["email"], phone_e164=told["phone"],
        )  # fmt: skip
        self.insert("pii.contact", customer_key=key, name=name, email=told["email"], phone=told["phone"])
        if consents:
            self.consent(name, "marketing", "granted")
            self.consent(name, "profiling", "granted")
        self.slices(name, **attributes)
        return key

    def slices(self, name: str, **attributes: Any) -> None:
        """Write what is known of a person as of the day."""
        key = KEYS[name]
        a = {
            "orders": 3, "first": 200, "last": 20, "spend": 100_000, "churn": 0.1, "clv": 100_000, "stage": "repeat",
            "tier": "ordinary", "value": "base", "level": "basic", "missing": 900_000, **attributes,
        }  # fmt: skip
        if a["orders"]:
            self.insert(
                "features.customer_orders", customer_key=key, count_orders_lifetime=a["orders"], count_orders_365d=a["orders"],
                first_order_at=self.days_ago(a["first"]), last_order_at=self.days_ago(a["last"]), net_minor_365d=a["spend"],
                net_minor_lifetime=a["spend"], mean_order_value_minor_365d=a["spend"] / a["orders"],
            )  # fmt: skip
            self.insert("scores.churn", customer_key=key, churn_probability=a["churn"], horizon_days=90)
            self.insert("scores.clv", customer_key=key, clv_12m_minor=a["clv"], horizon_days=365)
            self.insert("segments.rfm", customer_key=key, rfm_class="general", rfm_segment="loyal")
        self.insert("features.customer_engagement", customer_key=key)
        self.insert("segments.value_matrix", customer_key=key, value_class=a["value"])
        self.insert("segments.tier", customer_key=key, service_tier=a["tier"], service_tier_zh=a["tier"])
        self.insert("segments.lifecycle", customer_key=key, lifecycle_stage=a["stage"])
        self.insert(
            "segments.membership", customer_key=key, membership_level=a["level"], amount_to_next_level_minor=a["missing"]
        )

    def days_ago(self, days: int) -> datetime:
        """Noon in Shanghai some days before the day."""
        day = self.as_of_date - timedelta(days=days)
        return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("Asia/Shanghai"))

    def consent(self, name: str, purpose: str, decision: str, channel: str = "all", at: datetime | None = None) -> None:
        """Append a decision to the ledger."""
        at = at or (self.days_ago(300) if decision == "granted" else datetime.now(UTC))
        number = self.ask("select count(*) from privacy.consent")[0][0]
        self.insert(
            "privacy.consent", consent_key=number + 1, source_customer_key=KEYS[name], customer_key=KEYS[name], purpose=purpose,
            channel=channel, decision=decision, decided_at=at, recorded_at=datetime.now(UTC), source="crm",
        )  # fmt: skip

    def complaint(self, name: str, severity: str, opened: int, resolved: int | None = None) -> int:
        """A case about an order of 700.00; returns its key."""
        key = 700 + KEYS[name]
        self.insert(
            "core.order_entry", order_key=key, kind="paid", sequence=1, customer_key=KEYS[name], happened_at=self.days_ago(opened + 1),
            order_count=1, gross_minor=70_000, net_minor=70_000,
        )  # fmt: skip
        self.insert(
            "core.complaint", complaint_key=key, valid_from=self.days_ago(opened), customer_key=KEYS[name], order_key=key,
            severity=severity, opened_at=self.days_ago(opened),
            resolved_at=None if resolved is None else self.days_ago(resolved),
        )  # fmt: skip
        return key

    def next_day(self) -> None:
        """Go on to the next day: everybody's slices are carried over unchanged."""
        before, self.as_of_date = self.as_of_date, self.as_of_date + timedelta(days=1)
        for table in SLICES:
            ensure_partitions(self.warehouse, [table], self.as_of_date)
            columns = ", ".join(load_contract(table).column_names)
            selected = columns.replace("as_of_date", "cast(:after as date)", 1)
            self.do(f"insert into {table} ({columns}) select {selected} from {table} where as_of_date = :before",
                    after=self.as_of_date, before=before)  # fmt: skip

    def plan(self, **more: Any) -> dict[str, Any]:
        """Plan the day."""
        return campaigns.plan(self.run(task_id="plan", **more), self.plays_dir)

    def push(self, **more: Any) -> dict[str, Any]:
        """Push the day."""
        return campaigns.push(self.run(**more))

    def sync(self) -> None:
        """Carry consent to the marketing database, now."""
        sync_consent(self.run(task_id="consent"), datetime.now(UTC))

    def do(self, statement: str, database: Warehouse | None = None, **binds: Any) -> None:
        """Change rows."""
        with (database or self.warehouse).begin() as connection:
            connection.execute(sa.text(statement), binds)

    def ask(self, query: str, database: Warehouse | None = None, **binds: Any) -> list[Any]:
        """Ask the warehouse."""
        with (database or self.warehouse).connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), binds)]

    def decisions(self, columns: str = "state, first_failing_rule") -> dict[tuple[str, str], Any]:
        """What was decided about whom a play is for, by play and name: those left out have no channel and no offer."""
        names = {key: name for name, key in KEYS.items()}
        of_decision = ", ".join(
            f"decision.{name}"
            for name in load_contract("campaigns.decision").column_names
            if name not in ("as_of_date", "play", "customer_key", "state", "period_key", "holdout_bucket")
        )
        rows = self.ask(
            f"select play, customer_key, {columns} from ("
            f"select exclusion.*, {of_decision}, contender.period_key, contender.holdout_bucket, "
            "version.plays[contender.beaten_by] as beaten_by "
            "from campaigns.exclusion inner join campaigns.eligibility using (as_of_date, customer_key) "
            "inner join campaigns.plan_version as version using (plays_version) "
            "left join campaigns.decision using (as_of_date, play, customer_key) "
            "left join campaigns.contender on contender.as_of_date = exclusion.as_of_date "
            "and contender.customer_key = exclusion.customer_key "
            "and contender.position = array_position(version.plays, exclusion.play) "
            "where exclusion.as_of_date = :day and exclusion.failing_rules & 524288 = 0) as decided",
            day=self.as_of_date,
        )
        return {(row[0], names[row[1]]): row[2:] if len(row) > 3 else row[2] for row in rows}

    def members(self, table: str = "marketing.campaign_audience") -> set[tuple[str, str]]:
        """Who is in which audience in the marketing database."""
        names = {key: name for name, key in KEYS.items()}
        rows = self.ask(f"select campaign, customer_key from {table}", self.marketing)
        return {(row[0], names.get(row[1], str(row[1]))) for row in rows}

    def sendable(self) -> set[tuple[str, str]]:
        """Who may be contacted now."""
        return self.members("marketing.sendable")


@pytest.fixture
def plays_dir(tmp_path: Path) -> Path:
    """The plays of the stories, with a control group of nobody: which month it is must not decide about a test."""
    return write_plays(tmp_path / "plays")


def write_plays(folder: Path) -> Path:
    """Write the plays of the stories into a new folder."""
    folder.mkdir()
    for name in STAFFED_PLAYS:
        text = (PLAYS_DIR / f"{name}.yml").read_text(encoding="utf-8")
        text = re.sub(r"holdout_share: 0\.\d+", "holdout_share: 0.000000001", text)
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def begins_with(request: pytest.FixtureRequest, prepare: Callable[..., str]) -> str | None:
    """The staffed company where a test asks for it."""
    return prepare("staffed", fill_staffed) if "staffed" in request.fixturenames else None


@pytest.fixture
def company(warehouse: Warehouse, marketing: Warehouse, make_run: Callable[..., Run], plays_dir: Path) -> Company:
    """An empty company."""
    return Company(warehouse, marketing, make_run, plays_dir=plays_dir)


@pytest.fixture
def staffed(company: Company) -> Company:
    """Everybody of KEYS with their stories (:func:`fill_staffed`), which its databases begin with."""
    company.tries = STAFFED_TRIES
    return company


STAFFED_TRIES = 1
"""Consent was carried over once."""


def fill_staffed(warehouse: Warehouse, marketing: Warehouse) -> None:
    """Tell the stories of everybody of KEYS: none of them in a control group, consent carried over.

    Ana bought once, nine days ago. Bo too, but withdrew. Chen is a VIP with a birthday in three days. Dai is likely to leave with
    1,000.00 at risk. Emma is lost. Fang's severe complaint was resolved yesterday; she bought once, eight days ago. Gao's medium
    complaint is open; he too bought once, eight days ago. Hana bought yesterday. Ivo never bought. Jin misses 1,100.00 to gold.
    """
    company = Company(warehouse, marketing, run_maker(warehouse))
    company.customer("Ana", orders=1, first=9, last=9, stage="new", language="en")
    company.customer("Bo", orders=1, first=9, last=9, stage="new")
    company.consent("Bo", "marketing", "withdrawn", at=company.days_ago(100))
    birthday = company.as_of_date + timedelta(days=3)
    company.customer("Chen", tier="vip", value="strategic", birthday_md=f"{birthday:%m-%d}", account_owner="Wu", stage="loyal")
    company.customer("Dai", churn=0.5, clv=200_000, stage="at_risk", last=90)
    company.customer("Emma", stage="lost", last=446, first=510, churn=0.9, clv=0)
    company.customer("Fang", orders=1, first=8, last=8, stage="new")
    company.complaint("Fang", "severe", opened=4, resolved=1)
    company.customer("Gao", orders=1, first=8, last=8, stage="new")
    company.complaint("Gao", "medium", opened=2)
    company.customer("Hana", orders=1, first=1, last=1, stage="new")
    company.customer("Ivo", orders=0, stage="prospect")
    company.customer("Jin", missing=110_000, level="silver", stage="loyal")
    company.sync()
    assert company.tries == STAFFED_TRIES


@pytest.fixture(scope="module")
def shared_databases(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[tuple[Warehouse, Warehouse]]:
    """Two databases for all tests of a module that use :func:`light`."""
    from tests.retention.campaigns.decided import two_databases

    with two_databases(server, templates) as databases:
        yield databases


@pytest.fixture
def light(shared_databases: tuple[Warehouse, Warehouse]) -> Company:
    """A company without customers, for tests that write the day's decisions themselves; quick, its databases are shared."""
    from tests.retention.campaigns.decided import light_company

    return light_company(shared_databases)
