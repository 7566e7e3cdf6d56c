"""Audiences as files: one audience read, its match keys made, and written in every form.

``RETENTION_BENCH_MEMBERS`` sets its size (200,000 unless told); everybody has addresses and consent.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console

from retention.campaigns.files import export_audience
from retention.campaigns.match_keys.recipes import load_recipe
from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres

MEMBERS = int(os.environ.get("RETENTION_BENCH_MEMBERS", "200000"))


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    server.ensure_databases(["lists_warehouse", "lists_marketing"])
    warehouse, marketing = Warehouse(server.url("lists_warehouse")), Warehouse(server.url("lists_marketing"))
    migrate(warehouse, "warehouse")
    migrate(marketing, "marketing")
    for database, statements in ((warehouse, _CONTACTS), (marketing, _AUDIENCE)):
        with database.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement), {"members": MEMBERS})
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("vacuum analyze")
    now = datetime.now(UTC)
    run = Run(
        business_date=now.date() - timedelta(days=1),
        warehouse=warehouse,
        marketing=marketing,
        settings=Settings(),
        attempt=Attempt("bench", "bench", "bench"),
        secrets=Secrets(pepper=b"0" * 32),
    )
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        for name, form, recipe in (
            ("members", "csv", None), ("members", "jsonl", None), ("members", "parquet", None), ("google", "csv", "google"),
            ("meta", "csv", "meta"),
        ):  # fmt: skip
            started = time.perf_counter()
            done = export_audience(
                run, "win_back", Path(folder), now, form=form, recipe=load_recipe(recipe) if recipe else None, actor="bench"
            )
            spent = time.perf_counter() - started
            size = sum(entry["bytes"] for entry in done.manifest["files"]) / 1e6
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append((name, form, done.rows, spent, size, peak))
    return f"lists of {MEMBERS:,} members", ["list", "format", "rows", "seconds", "MB", "peak MB so far"], rows


_CONTACTS = (
    "insert into pii.contact (customer_key, name, email, phone) select n, 'n', 'Person.' || n || '+shop@gmail.com', "
    "'+86138' || lpad(cast(n as text), 8, '0') from generate_series(1, cast(:members as bigint)) as n",
)
_AUDIENCE = (
    "insert into marketing.setting values ('environment', 'production'), ('consent_heartbeat_hours', '26')",
    "insert into marketing.consent_feed (feed, heartbeat_at) values ('consent', now())",
    "insert into marketing.audience_sync (stream, business_date, as_of_date, token, state, rows_total, rows_added, rows_updated, "
    "rows_removed, rows_refused, tasks_added, tasks_withdrawn, checksum, environment, run_id) "
    "values ('audience', current_date - 1, current_date, 1, 'committed', 0, 0, 0, 0, 0, 0, 0, '', 'production', 'bench')",
    "insert into marketing.campaign_audience (campaign, customer_key, customer_id, kind, purpose, uses_profiling, channel, offer, "
    "offer_terms, content_key, language, priority, valid_from, valid_until, reasons_en, reasons_zh, send_key, joined_on, sync_id) "
    "select 'win_back', n, 'C' || n, 'promotional', 'marketing', false, 'email', 'ten', '{\"kind\": \"coupon\"}', 'win_back', 'zh', "
    "50, now() - interval '1 hour', now() + interval '7 days', 'lifecycle stage: lost; days since the last order: 400', "
    "'生命周期阶段：已流失；距上次下单天数：400', 'win_back|email|2026|' || n, current_date, 1 "
    "from generate_series(1, cast(:members as bigint)) as n",
    "insert into marketing.audience_change (sync_id, change, campaign, customer_key, kind, purpose, uses_profiling, channel, offer, "
    "offer_terms, content_key, language, priority, valid_from, valid_until, reasons_en, reasons_zh, send_key, joined_on) "
    "select sync_id, 'added', campaign, customer_key, kind, purpose, uses_profiling, channel, offer, offer_terms, content_key, "
    "language, priority, valid_from, valid_until, reasons_en, reasons_zh, send_key, joined_on from marketing.campaign_audience",
    "insert into marketing.consent_state (customer_key, purpose, channel, decision, decided_at) "
    "select n, purpose, channel, 'granted', now() - interval '30 days' from generate_series(1, cast(:members as bigint)) as n, "
    "(values ('marketing', 'email'), ('ads', 'all'), ('profiling', 'all')) as said (purpose, channel)",
)
