"""Days that are decided in one line: what a plan would have selected, written where the push reads it.

For tests of the push alone. What the rules decide has tests of its own.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, ensure_partitions, load_contract
from retention.warehouse.embedded import EmbeddedPostgres
from tests.databases import clone, drop
from tests.retention.campaigns.conftest import _FILL, TODAY, Company

_NOT_IN_AUDIENCE = 524_288
_COUNTER = itertools.count(1)
PLAYS: Mapping[str, str] = {"win_back": "promotional", "welcome": "promotional", "care": "service", "visit": "staff"}
_TABLES = ("campaigns.decision", "campaigns.eligibility", "campaigns.play_run", "campaigns.staff_task")


@dataclass(frozen=True)
class Choice:
    """One person selected for one play."""

    play: str
    key: int
    period: str = "1"
    offer: str = "none"
    valid_days: int = 14
    begins_on: date = TODAY
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def send_key(self) -> str:
        """Unique per play, channel, period and customer."""
        return f"{self.play}|{self.channel}|{self.period}|{self.key}"

    @property
    def channel(self) -> str:
        """Staff plays have one of their own."""
        return "staff" if PLAYS[self.play] == "staff" else "email"


def decide(
    company: Company,
    choices: Iterable[Choice],
    population: int = 100,
    *,
    plays: Iterable[str] = PLAYS,
    guards: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Make the day's decisions what is given, as a published plan would."""
    day, choices, plays = company.as_of_date, list(choices), list(plays)
    ensure_partitions(company.warehouse, list(_TABLES), day)
    decisions, tasks = [], []
    for choice in choices:
        begins = company.settings.day_start(choice.begins_on)
        decisions.append(
            {
                "as_of_date": day, "play": choice.play, "customer_key": choice.key, "state": "selected", "kind": PLAYS[choice.play],
                "purpose": "marketing" if PLAYS[choice.play] == "promotional" else "service", "period_key": choice.period,
                "channel": choice.channel, "send_key": choice.send_key, "offer": choice.offer, "offer_terms": "{}",
                "content_key": choice.play, "language": "en", "valid_from": begins, "is_capped": True, "uses_profiling": False,
                "valid_until": begins + timedelta(days=choice.valid_days), "joined_on": choice.begins_on, **choice.more,
            }
        )  # fmt: skip
        if PLAYS[choice.play] == "staff":
            tasks.append(
                {
                    "as_of_date": day, "play": choice.play, "customer_key": choice.key, "send_key": choice.send_key,
                    "due_until": begins + timedelta(days=choice.valid_days),
                }
            )  # fmt: skip
    with company.warehouse.begin() as connection:
        for table in _TABLES:
            connection.execute(sa.text(f"delete from {table} where as_of_date = :day"), {"day": day})
        _insert(connection, "campaigns.decision", decisions)
        _insert_masks(connection, day, choices, sorted(plays))
        _insert(connection, "campaigns.staff_task", tasks)
        for play in plays:
            definition = json.dumps({"guard": dict((guards or {}).get(play, {}))})
            connection.execute(
                sa.text(
                    "insert into campaigns.play (play, content_hash, name_en, name_zh, kind, purpose, priority, period, "
                    "holdout_share, definition) values (:play, md5(:definition), '-', '-', '-', '-', 1, 'once', 0, "
                    "cast(:definition as jsonb)) on conflict (play, content_hash) do nothing"
                ),
                {"play": play, "definition": definition},
            )
            _insert(
                connection,
                "campaigns.play_run",
                [
                    {
                        "as_of_date": day, "play": play, "population": population,
                        "content_hash": connection.execute(sa.text("select md5(:text)"), {"text": definition}).scalar_one(),
                        "selected": sum(choice["play"] == play for choice in decisions),
                    }
                ],
            )  # fmt: skip
        connection.execute(
            sa.text(
                "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at, is_stale) "
                "values ('campaigns.decision', :slice_key, 1, 1, 'test', clock_timestamp(), false) on conflict do nothing"
            ),
            {"slice_key": day.isoformat()},
        )


def _insert_masks(connection: sa.Connection, day: date, choices: list[Choice], plays: list[str]) -> None:
    """Write the masks of those selected: no rule failed for the plays they are in, all others do not match them."""
    binds = {"plays": plays, "hashes": ["-"] * len(plays)}
    version = connection.execute(
        sa.text("select plays_version from campaigns.plan_version where plays = cast(:plays as text[])"), binds
    ).scalar_one_or_none()
    if version is None:
        version = connection.execute(
            sa.text(
                "insert into campaigns.plan_version (plays_version, plays, content_hashes) select coalesce(max(plays_version), 0) + 1, "
                "cast(:plays as text[]), cast(:hashes as text[]) from campaigns.plan_version returning plays_version"
            ),
            binds,
        ).scalar_one()
    inside = {(choice.key, choice.play) for choice in choices}
    rows = [
        {
            "as_of_date": day, "customer_key": key, "plays_version": version,
            "failing_rules": [0 if (key, play) in inside else _NOT_IN_AUDIENCE for play in plays],
        }
        for key in sorted({choice.key for choice in choices})
    ]  # fmt: skip
    _insert(connection, "campaigns.eligibility", rows)


def _insert(connection: sa.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows; what is required and not given gets a value of its type."""
    if not rows:
        return
    required = {
        column.name: {**_FILL, "smallint": 0, "integer []": []}[column.type]
        for column in load_contract(table).columns
        if not column.nullable and column.default is None and not column.identity
    }
    full = [{**required, **row} for row in rows]
    names = list(full[0])
    connection.execute(
        sa.text(f"insert into {table} ({', '.join(names)}) values ({', '.join(f':{name}' for name in names)})"), full
    )


def consent_everybody(company: Company, keys: Iterable[int]) -> None:
    """Everybody agreed to marketing, in the ledger and, at once, beside the audience."""
    listed = sorted(set(keys))
    agreed = company.days_ago(300)
    with company.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into privacy.consent (consent_key, source_customer_key, customer_key, purpose, channel, decision, decided_at, "
                "recorded_at, source) select key, key, key, 'marketing', 'all', 'granted', :at, :at, 'crm' "
                "from unnest(cast(:keys as bigint[])) as key on conflict do nothing"
            ),
            {"keys": listed, "at": agreed},
        )
    with company.marketing.begin() as connection:
        connection.execute(
            sa.text(
                "insert into marketing.consent_state (customer_key, purpose, channel, decision, decided_at) "
                "select key, 'marketing', 'all', 'granted', :at from unnest(cast(:keys as bigint[])) as key on conflict do nothing"
            ),
            {"keys": listed, "at": agreed},
        )
        connection.execute(
            sa.text(
                "insert into marketing.consent_feed (feed, heartbeat_at) values ('consent', now()) "
                "on conflict (feed) do update set heartbeat_at = now()"
            )
        )


@contextmanager
def two_databases(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[tuple[Warehouse, Warehouse]]:
    """A warehouse and a marketing database for many tests, each of which begins with :func:`clean`."""
    names = {kind: f"{kind}_shared_{next(_COUNTER)}" for kind in ("warehouse", "marketing")}
    warehouse, marketing = (
        Warehouse(clone(server, name, templates[kind]), application_name="test") for kind, name in names.items()
    )
    try:
        yield warehouse, marketing
    finally:
        warehouse.dispose()
        marketing.dispose()
        drop(server, *names.values())


def clean(warehouse: Warehouse, marketing: Warehouse) -> None:
    """Empty whatever a plan, a push, a feed or a consent sync writes."""
    for database, schemas in ((warehouse, ("campaigns", "privacy", "ops")), (marketing, ("marketing",))):
        with database.begin() as connection:
            tables = connection.execute(
                sa.text(
                    "select format('%I.%I', schemaname, tablename) from pg_catalog.pg_tables where schemaname = any(:schemas) "
                    "and tablename <> 'layout_version'"
                ),
                {"schemas": list(schemas)},
            ).scalars()
            filled = [
                table for table in tables.all() if connection.exec_driver_sql(f"select exists (select 1 from {table})").scalar()
            ]
            connection.exec_driver_sql("set local session_replication_role = replica")  # the ledger of consent is append-only
            if filled:
                connection.exec_driver_sql(f"truncate {', '.join(filled)}")
            connection.exec_driver_sql("set local session_replication_role = origin")


def light_company(databases: tuple[Warehouse, Warehouse]) -> Company:
    """A company without customers on shared databases, emptied: for tests that write decisions themselves."""
    warehouse, marketing = databases
    clean(warehouse, marketing)

    def make_run(business_date: date, *, settings: Settings, marketing: Warehouse | None = None, **attempt: Any) -> Run:
        given = {"dag_id": "test", "run_id": "run-1", "task_id": "task", "try_number": 1, **attempt}
        return Run(business_date, warehouse, settings, Attempt(**given), Secrets(pepper=b"x" * 40), marketing)

    return Company(warehouse, marketing, make_run)
