"""Scoring a million customers: churn, lifetime value and repurchase; then the reasons; each in a process of its own.

``python -m tests.benchmarks scoring``: about ten minutes at a million (`BENCH_CUSTOMERS` names another number), most of it simulating
and loading. Champions are trained on 25,000 customers of the same population in a database of their own and carried over: what is
measured is a day's scoring, from the published features to the published scores, the write included.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from rich.console import Console

from retention.warehouse.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from retention.warehouse import Run, Warehouse

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
TRAINED_ON = min(25_000, CUSTOMERS)
BUSINESS_DATE = date(2026, 3, 31)
HISTORY_DAYS = 730
STEPS = {
    "score": "churn, lifetime value and repurchase, published",
    "reasons": "reasons of the top bands, in memory",
    "everything": "all of a day's scores, published",
}
AIMS = {"score": "30 s, 2,048 MB", "reasons": "60 s", "everything": ""}
COPIED = ("ops.model", "ops.model_evaluation")


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    from retention.warehouse import Warehouse, migrate

    os.environ["RETENTION_HOME"] = str(server.home)
    urls = {}
    for name, size, seed in (("small", TRAINED_ON, 1), ("large", CUSTOMERS, 2)):
        server.ensure_databases([f"scoring_{name}"])
        urls[name] = server.url(f"scoring_{name}")
        opened = Warehouse(urls[name])
        migrate(opened, "warehouse")
        opened.dispose()
        _step("load", urls[name], console, size, seed)
    _step("train", urls["small"], console)
    _carry_over(Warehouse(urls["small"]), Warehouse(urls["large"]))
    rows: list[tuple[object, ...]] = []
    for step, what in STEPS.items():
        found = _step(step, urls["large"], console)
        rows.append((what, found["rows"], found["wall"], found["cpu"], found["peak_mb"], AIMS[step]))
    columns = ["what", "rows", "wall s", "cpu s of the process", "peak MB of the process", "aim"]
    return f"Scoring {CUSTOMERS:,} customers", columns, rows


def _step(step: str, url: str, console: Console, *arguments: int) -> dict[str, Any]:
    """Run one step in a process of its own: seconds from the first import on, memory of that process alone."""
    command = [sys.executable, "-m", "tests.benchmarks.scoring", step, url, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{step} failed")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    console.print(step, found)
    return found


def main(step: str, url: str, *arguments: str) -> dict[str, Any]:
    """One step, in the process that :func:`_step` made."""
    from retention.deployment import Secrets
    from retention.settings import Settings
    from retention.warehouse import Attempt, Run, Warehouse

    run = Run(BUSINESS_DATE, Warehouse(url), Settings(), Attempt("bench", "bench", step, 1), Secrets(pepper=b"bench" * 8))
    wall, cpu = time.perf_counter(), time.process_time()
    if step == "load":
        counted = load(run, int(arguments[0]), int(arguments[1]))
    else:
        counted = {"train": _train, "score": _score, "reasons": _reasons, "everything": _everything}[step](run)
    return {
        "rows": counted,
        "wall": round(time.perf_counter() - wall, 1),
        "cpu": round(time.process_time() - cpu, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _train(run: Run) -> str:
    from retention import models

    results = models.train(run)
    return ", ".join(f"{kind}: {result['state']}" for kind, result in results.items())


def _score(run: Run) -> str:
    from retention import models
    from retention.models import parts

    parts.SCORING = ()  # repurchase is scored by range, with churn and value
    return _counts(models.score(run))


def _reasons(run: Run) -> str:
    from retention.models import parts, scoring

    known = scoring.given(run)
    (part,) = (part for part in parts.SCORING if "reasons" in part)
    began, cpu = time.perf_counter(), time.process_time()
    frame = parts.function(part)(run, known)["scores.reason"]
    taken = f"{time.perf_counter() - began:.1f} s, {time.process_time() - cpu:.1f} cpu s without what comes before"
    return f"{len(frame):,} of {frame['customer_key'].nunique():,} customers: {taken}"


def _everything(run: Run) -> str:
    from retention import models

    return _counts(models.score(run))


def _counts(result: dict[str, Any]) -> str:
    fallback = [name for name in ("churn", "clv") if result[f"{name}_is_fallback"]]
    if fallback:
        raise SystemExit(f"no champion scored {' and '.join(fallback)}: this would measure a rule of thumb")
    return ", ".join(
        f"{name.removeprefix('scores.')} {value:,}"
        for name, value in result.items()
        if isinstance(value, int) and not isinstance(value, bool)
    )


def load(run: Run, customers: int, seed: int) -> str:
    """Orders of a simulated population into core, complaints of some, and the features of the date."""
    import pyarrow as pa

    from retention import features
    from retention.warehouse import ingest_arrow

    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "create schema bench; create unlogged table bench.orders (customer_key bigint, happened_at timestamptz, net_minor bigint)"
        )
    total = 0
    for part in range(0, customers, 250_000):
        orders = _orders(run, np.arange(part, min(part + 250_000, customers)), seed * 1_000_003 + part)
        total += len(orders)
        ingest_arrow(run.warehouse, "bench.orders", pa.Table.from_pandas(orders, preserve_index=False))
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql("set local work_mem = '512MB'")
        connection.exec_driver_sql(
            "insert into core.customer (customer_key, valid_from, member_since, customer_kind, is_test, is_staff, source, "
            "batch_id, is_simulated) select distinct customer_key, timestamptz '2020-01-01', timestamptz '2020-01-01', "
            "'consumer', false, false, 'bench', 1, true from bench.orders"
        )
        connection.exec_driver_sql(
            "insert into core.order_entry (order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, "
            "discount_minor, net_minor, order_number, days_since_previous_order, source, batch_id, is_simulated) "
            "select row_number() over in_time, 'paid', 1, customer_key, happened_at, 1, net_minor, 0, net_minor, "
            "row_number() over own, round(cast(extract(epoch from happened_at - lag(happened_at) over own) as numeric) / 86400, 6), "
            "'bench', 1, true from bench.orders "
            "window own as (partition by customer_key order by happened_at), in_time as (order by customer_key, happened_at)"
        )
        connection.exec_driver_sql(
            "insert into core.complaint (complaint_key, valid_from, version_at, complaint_id, source_customer_key, customer_key, "
            "category, severity, opened_at, source, batch_id, is_simulated) "
            "select order_key, happened_at, happened_at, order_key::text, customer_key, customer_key, 'quality', 'minor', "
            "happened_at + interval '1 hour', 'bench', 1, true from core.order_entry where mod(order_key, 50) = 0"
        )
    with run.warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze core.order_entry; ")
        connection.exec_driver_sql("analyze core.customer, core.complaint")
    began = time.perf_counter()
    built = features.build(run)
    return f"{total:,} orders; {sum(built.values()):,} feature rows in {time.perf_counter() - began:.1f} s"


def _orders(run: Run, people: np.ndarray[Any, Any], seed: int) -> pd.DataFrame:
    """Order days of two years before the as-of date: rhythms, spending and loyalty differ, and half of them fades away."""
    rng = np.random.default_rng(seed)
    size = people.size
    rate, leaving = rng.gamma(0.9, 1 / 40.0, size), rng.beta(0.8, 4.0, size)
    level = 1 / rng.gamma(4.0, 1 / 60.0, size)
    day = rng.integers(0, HISTORY_DAYS - 5, size).astype(np.float64)
    active, bought = np.arange(size), []
    while active.size:
        bought.append((active, np.floor(day[active])))
        stays = rng.random(active.size) >= leaving[active]
        active = active[stays]
        # More regular than the purchase process believes, so that there is something to learn beside it.
        day[active] += 1 + rng.gamma(3.0, 1 / 3.0, active.size) / rate[active]
        active = active[day[active] < HISTORY_DAYS]
    who = np.concatenate([one for one, _ in bought])
    when = np.concatenate([one for _, one in bought])
    start = run.settings.day_start(run.as_of_date - timedelta(days=HISTORY_DAYS)) + timedelta(hours=12)
    keys = (people.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)  # spread like hashes, all different
    return pd.DataFrame(
        {
            "customer_key": keys.view(np.int64)[who],
            "happened_at": pd.Timestamp(datetime.fromisoformat(start.isoformat())).tz_convert("UTC")
            + pd.to_timedelta(when, unit="D"),
            "net_minor": np.maximum(1, (400 * rng.gamma(5.0, size=who.size) * level[who]).astype(np.int64)),
        }
    )


def _carry_over(small: Warehouse, large: Warehouse) -> None:
    """Copy the registry; the files lie in the common home."""
    for table in COPIED:
        with small.connect() as connection:
            rows = [row[0] for row in connection.execute(sa.text(f"select to_jsonb(stored) from {table} as stored"))]
        with large.begin() as connection:
            for row in rows:
                connection.execute(
                    sa.text(f"insert into {table} select (jsonb_populate_record(null::{table}, cast(:row as jsonb))).*"),
                    {"row": json.dumps(row)},
                )
    small.dispose()
    large.dispose()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    print(json.dumps(main(*sys.argv[1:])))
