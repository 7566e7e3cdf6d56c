"""Ingest at size: a CSV of a million orders through all its steps, memory at growing sizes, and a small day on a long history.

Every step runs in a process of its own, whose peak memory is reported. ``RETENTION_BENCH_MILLIONS`` (default ``1,5``) names
the sizes of the history; with ``1,5,20`` it takes about a quarter of an hour and 15 GB of disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from rich.console import Console

from retention.warehouse import Warehouse
from retention.warehouse.embedded import EmbeddedPostgres

MILLION = 1_000_000
DAY = date(2026, 3, 31)
"""First business day; the small one is the day after."""
SMALL_DAY_ROWS = 20_000
_BLOCK = 500_000
_STEPS = ("extract", "validate", "publish core")
_ORDERS = """
source: shop
kind: files
connection: SHOP
timezone: Asia/Shanghai
entities:
  customer:
    path: customers_{date}.csv
    format: csv
    key: [customer_id]
    columns: {customer_id: customer_id, name: name, email: email, created_at: created_at, updated_at: created_at}
    expect: {missing_file: ok, empty_day: ok}
  order:
    path: orders_{date}.csv
    format: csv
    key: [order_id]
    columns:
      {order_id: order_id, customer_id: customer_id, ordered_at: ordered_at, paid_at: paid_at, gross_amount: gross,
       discount_amount: discount, currency: currency, channel: channel, store: store, updated_at: updated_at}
"""
_TOUCHES = """
source: app
kind: sql
connection: APP
timezone: Asia/Shanghai
entities:
  customer:
    table: person
    key: [customer_id]
    cursor: created_at
    columns: {customer_id: customer_id, created_at: created_at, updated_at: created_at}
    expect: {empty_day: ok}
  interaction:
    table: touch
    key: [touch_id]
    cursor: changed_at
    columns:
      {interaction_id: touch_id, customer_id: customer_id, channel: channel, kind: kind, occurred_at: occurred_at,
       updated_at: changed_at}
"""


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    from retention.deployment import Deployment

    rows: list[tuple[object, ...]] = []
    sources = server.home / "ingest"
    sources.mkdir(exist_ok=True)
    os.environ |= {"RETENTION_HOME": str(server.home), "RETENTION_SOURCES_DIR": str(sources)}
    deployment = Deployment.from_env()
    for millions in (int(part) for part in os.environ.get("RETENTION_BENCH_MILLIONS", "1,5").split(",")):
        size = millions * MILLION
        _fresh(server, deployment)
        (sources / "source.yml").write_text(_TOUCHES)
        os.environ["RETENTION_SOURCE_APP_URL"] = server.url("app_source")
        _fill_app(server, size)
        rows += _day(console, f"{millions} M interactions from PostgreSQL, first load", DAY, size)
        _small_app_day(server)
        rows += _day(console, f"{SMALL_DAY_ROWS:,} interactions on {millions} M", DAY + timedelta(days=1), SMALL_DAY_ROWS)
    _fresh(server, deployment)
    (sources / "source.yml").write_text(_ORDERS)
    folder = server.home / "shop"
    folder.mkdir(exist_ok=True)
    os.environ["RETENTION_SOURCE_SHOP_URL"] = str(folder)
    _make_shop(folder, DAY, 0, MILLION)
    rows += _day(console, "CSV of 1 M orders, 100,000 customers, first load", DAY, MILLION)
    _make_shop(folder, DAY + timedelta(days=1), MILLION, SMALL_DAY_ROWS)
    rows += _day(console, f"CSV of {SMALL_DAY_ROWS:,} orders on 1 M", DAY + timedelta(days=1), SMALL_DAY_ROWS)
    return "Ingest", ["what", "step", "s", "rows/s", "peak MB of the process"], rows


# -- one day --------------------------------------------------------------------------------------------------------------
def _day(console: Console, what: str, day: date, size: int) -> list[tuple[object, ...]]:
    """Run the steps of a day and return a line for each, and one for those that work on what has landed."""
    lines: list[tuple[object, ...]] = []
    for step in _STEPS:
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.ingest", step, day.isoformat()])
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{what}: {step} failed")
        seconds = time.perf_counter() - began
        lines.append((what, step, seconds, int(size / seconds), int(usage.ru_maxrss / 1024)))
        console.print(f"{what}: {step} {seconds:.1f} s, {usage.ru_maxrss / 1024:,.0f} MB")
    together = sum(float(str(line[2])) for line in lines)
    return [*lines, (what, "together", together, int(size / together), "")]


def main(step: str, *arguments: str) -> None:
    """Do what the processes of :func:`_day` and :func:`_make_shop` do."""
    if step == "shop":
        folder, day, first, count = arguments
        _write_shop(Path(folder), date.fromisoformat(day), int(first), int(count))
    else:
        _step(step, date.fromisoformat(*arguments))


def _step(step: str, day: date) -> None:
    """Run one step of a day."""
    from retention import pipeline
    from retention.warehouse import Attempt

    run = pipeline.open_run(day, Attempt("bench", f"bench-{day}", step, 1))
    if step == "extract":
        for name in pipeline.entities():
            pipeline.extract(run, name["source"], name["entity"])
    elif step == "validate":
        counts = pipeline.validate(run)
        assert counts["extracted"] == counts["valid"], counts  # a benchmark of refused rows would measure something else
    else:
        pipeline.publish_core(run)


def _fresh(server: EmbeddedPostgres, deployment: object) -> None:
    """Make the warehouse anew, and the databases that the steps need."""
    from retention.installation import bring_up_to_date, make_folders, make_pepper

    make_folders(server.home)
    server.ensure_databases(["postgres"])
    admin = Warehouse(server.url("postgres"))
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("warehouse", "marketing", "app_source"):
            connection.exec_driver_sql(f"drop database if exists {name} with (force)")
    server.ensure_databases(["warehouse", "marketing", "app_source"])
    bring_up_to_date(deployment)  # type: ignore[arg-type]
    make_pepper(deployment)  # type: ignore[arg-type]


# -- the sources ----------------------------------------------------------------------------------------------------------
def _fill_app(server: EmbeddedPostgres, size: int) -> None:
    """Fill an app's database: a customer for every twenty interactions."""
    with Warehouse(server.url("app_source")).begin() as connection:
        connection.exec_driver_sql(
            "create table public.person as select 'p' || n as customer_id, timestamp '2025-01-01' + mod(n, 400) * interval '1 day' "
            f"as created_at from generate_series(1, {size // 20}) as n"
        )
        connection.exec_driver_sql(
            "create table public.touch as select 't' || n as touch_id, 'p' || 1 + mod(n, " + f"{size // 20}) as customer_id, "
            "(array['app', 'email', 'store'])[1 + mod(n, 3)] as channel, (array['visit', 'open', 'click'])[1 + mod(n, 3)] as kind, "
            f"timestamp '2026-03-31 23:00' - ({size} - n) * interval '1 second' as occurred_at, "
            f"timestamp '2026-03-31 23:00' - ({size} - n) * interval '1 second' as changed_at "
            f"from generate_series(1, {size}) as n"
        )
        connection.exec_driver_sql("create index on public.touch (changed_at); create index on public.person (created_at)")
        connection.exec_driver_sql("analyze public.touch; analyze public.person")


def _small_app_day(server: EmbeddedPostgres) -> None:
    with Warehouse(server.url("app_source")).begin() as connection:
        connection.exec_driver_sql(
            "insert into public.touch select 'n' || n, 'p' || n, 'app', 'visit', timestamp '2026-04-01 12:00' + n * interval "
            "'1 second', timestamp '2026-04-01 12:00' + n * interval '1 second' "
            f"from generate_series(1, {SMALL_DAY_ROWS}) as n"
        )


def _make_shop(folder: Path, day: date, first: int, count: int) -> None:
    """Write a shop's files in a process of its own: what this one ever needed would count as the need of all it starts."""
    arguments = [str(folder), day.isoformat(), str(first), str(count)]
    subprocess.run([sys.executable, "-m", "tests.benchmarks.ingest", "shop", *arguments], check=True)


def _write_shop(folder: Path, day: date, first: int, count: int) -> None:
    """Write a shop's files of one day, in blocks."""
    customers = 100_000
    if first == 0:
        names = pa.array([f"c{n}" for n in range(customers)])
        created = pa.array(["2025-01-01 00:00:00"] * customers)
        emails = pa.array([f"c{n}@example.com" for n in range(customers)])
        table = pa.table({"customer_id": names, "name": names, "email": emails, "created_at": created})
        pacsv.write_csv(table, folder / f"customers_{day}.csv")
    with pa.OSFile(str(folder / f"orders_{day}.csv"), "wb") as sink:
        for number, table in enumerate(_orders(day, first, count, customers)):
            pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=number == 0))


def _orders(day: date, first: int, count: int, customers: int) -> Iterator[pa.Table]:
    generator = np.random.default_rng(first)
    for start in range(first, first + count, _BLOCK):
        numbers = np.arange(start, min(start + _BLOCK, first + count))
        back = generator.integers(0, 400 if first == 0 else 1, len(numbers))
        days = np.datetime64(day) - back.astype("timedelta64[D]")
        times = (days + generator.integers(0, 86_000, len(numbers)).astype("timedelta64[s]")).astype(str)
        gross = generator.integers(1_000, 100_000, len(numbers))
        yield pa.table(
            {
                "order_id": np.char.add("o", numbers.astype(str)),
                "customer_id": np.char.add("c", generator.integers(0, customers, len(numbers)).astype(str)),
                "ordered_at": times,
                "paid_at": times,
                "gross": gross / 100,
                "discount": gross // 1_000 / 10,
                "currency": np.full(len(numbers), "CNY"),
                "channel": generator.choice(["store", "app", "web"], len(numbers)),
                "store": np.char.add("s", (numbers % 50).astype(str)),
                "updated_at": times,
            }
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main(*sys.argv[1:])
