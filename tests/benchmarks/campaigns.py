"""A million customers and all plays that are shipped: eligibility with its ledger, allocation, difference and push.

``python -m tests.benchmarks campaigns``: about ten minutes at a million (``BENCH_CUSTOMERS`` names another number), most of it
writing the customers. They are written straight into the slices that plays rest on, in the proportions of a company of some years:
prospects, new, loyal and lost customers, consents, complaints, merged records. The first day is pushed into an empty marketing
database; the second, when a part of the customers has moved on, is what every further day costs. Each step is a process of its own;
the memory of the database is what its processes hold beside the cache that they share (an eighth of the machine's, 2 GB at most).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from rich.console import Console

from retention.warehouse.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from retention.warehouse import Warehouse

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
FIRST = date(2026, 3, 30)
STEPS = ("plan", "push")
AIM = "120 s, 2,048 MB for both"
SLICES = (
    "features.customer_orders", "features.customer_engagement", "scores.churn", "scores.clv", "scores.repurchase",
    "scores.preference", "segments.rfm", "segments.value_matrix", "segments.tier", "segments.lifecycle", "segments.membership",
    "segments.tag",
)  # fmt: skip
_BLANK = {
    "bigint": "0", "integer": "0", "smallint": "0", "double precision": "0", "text": "'-'", "boolean": "false",
    "date": "cast(:day as date)", "timestamptz": "timestamptz '2020-01-01'", "text[]": "'{}'", "jsonb": "'{}'",
}  # fmt: skip

_PEOPLE = """
create unlogged table bench.person as
select
    number,
    hashint8extended(number, 42) as customer_key,
    case
        when u < 0.15 then 'prospect' when u < 0.20 then 'new' when u < 0.27 then 'lapsed_new' when u < 0.55 then 'repeat'
        when u < 0.73 then 'loyal' when u < 0.83 then 'at_risk' when u < 0.98 then 'lost' else 'won_back'
    end as stage,
    case
        when u < 0.20 then cast(1 + v * 90 as integer) when u < 0.27 then cast(91 + v * 270 as integer)
        when u < 0.73 then cast(1 + v * v * 200 as integer) when u < 0.83 then cast(90 + v * 270 as integer)
        when u < 0.98 then cast(366 + v * 600 as integer) else cast(1 + v * 90 as integer)
    end as last_days,
    case when u < 0.27 then 1 when u < 0.55 then cast(2 + v * 4 as integer) else cast(4 + v * 12 as integer) end as orders,
    cast(8000 * exp(w * 4) as bigint) as order_minor,
    v, w, x, y
from (
    select number, random() as u, random() as v, random() as w, random() as x, random() as y
    from generate_series(1, :customers) as number
) as drawn
"""


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    from retention.campaigns.plays import load_plays
    from retention.warehouse import Warehouse, migrate

    os.environ["RETENTION_HOME"] = str(server.home)
    databases = ("warehouse", "marketing")
    server.ensure_databases(list(databases))
    for name in databases:
        opened = Warehouse(server.url(name))
        migrate(opened, name)
        if name == "warehouse":
            began = time.perf_counter()
            load(opened, CUSTOMERS)
            console.print(f"{CUSTOMERS:,} customers written in {time.perf_counter() - began:.0f} s")
        opened.dispose()
    rows: list[tuple[object, ...]] = []
    for day in (FIRST, FIRST + timedelta(days=1)):
        if day != FIRST:
            opened = Warehouse(server.url("warehouse"))
            carry_on(opened, day)
            opened.dispose()
        wall, cpu, peak = 0.0, 0.0, 0
        for step in STEPS:
            found, database = _step(step, day, server)
            used = found["cpu"] + database.cpu
            console.print(found, f"database {database.cpu:.0f} cpu s, {database.own_mb:,} MB of its own")
            wall, cpu, peak = wall + found["wall"], cpu + used, max(peak, found["peak_mb"] + database.own_mb)
            rows.append((day, step, found["rows"], found["wall"], used, found["peak_mb"], database.own_mb, ""))
        rows.append((day, "together", "", wall, cpu, "", f"{peak:,} with the process", AIM))
    columns = ["as of", "step", "rows", "wall s", "cpu s", "MB process", "MB database, beside its cache", "aim"]
    return f"{CUSTOMERS:,} customers x {len(load_plays())} plays", columns, rows


def _step(step: str, day: date, server: EmbeddedPostgres) -> tuple[dict[str, Any], _Server]:
    """Run one step in a process of its own and watch the database meanwhile."""
    command = [sys.executable, "-m", "tests.benchmarks.campaigns", step, day.isoformat()]
    command += [server.url("warehouse"), server.url("marketing")]
    watched, done = _Server(server.home), threading.Event()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def watch() -> None:
        while not done.wait(0.3):
            watched.look()

    watching = threading.Thread(target=watch)
    watching.start()
    output, _ = process.communicate()
    done.set()
    watching.join()
    if process.returncode:
        raise SystemExit(f"{step} of {day} failed")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found, watched


class _Server:
    """What the processes of the database server need: memory of their own at most, and seconds on the processor."""

    def __init__(self, home: Path) -> None:
        self._home, self._seconds = home, dict[int, float]()
        self.own_mb = 0
        """Memory beside the cache that they share (``shared_buffers``), all of them together."""
        self.look()
        self._before, self.own_mb = dict(self._seconds), 0

    @property
    def cpu(self) -> float:
        """Seconds on the processor since the beginning."""
        return sum(seconds - self._before.get(number, 0.0) for number, seconds in self._seconds.items())

    def look(self) -> None:
        """Look once."""
        own = 0
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if not os.readlink(process / "cwd").startswith(str(self._home)):
                    continue
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                self._seconds[int(process.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                own += next(
                    int(line.split()[1])
                    for line in (process / "smaps_rollup").read_text().splitlines()
                    if line.startswith("Pss_Anon:")
                )
            except (OSError, StopIteration):
                continue
        self.own_mb = max(self.own_mb, own // 1024)


def main(step: str, day: str, warehouse_url: str, marketing_url: str) -> dict[str, Any]:
    """One step, in the process that :func:`_step` made."""
    from retention import campaigns
    from retention.deployment import Secrets
    from retention.settings import CampaignSettings, Settings
    from retention.warehouse import Attempt, Run, Warehouse

    # The guard is for what is unusual, and a first push of everything is.
    unguarded = CampaignSettings(guard_minimum_rows=10_000_000, guard_first_push_share=1.0, guard_growth=1e9)
    run = Run(
        date.fromisoformat(day) - timedelta(days=1), Warehouse(warehouse_url), Settings(campaigns=unguarded),
        Attempt("bench", f"bench-{day}", step, 1), Secrets(pepper=b"bench" * 8), Warehouse(marketing_url),
    )  # fmt: skip
    spent = _timed_fills()
    wall, cpu = time.perf_counter(), time.process_time()
    if step == "plan":
        counts = campaigns.plan(run)
        sums = {name: sum(play[name] for play in counts["plays"].values()) for name in ("selected", "control", "excluded")}
        rows = ", ".join(f"{name} {value:,}" for name, value in sums.items())
    else:
        rows = ", ".join(f"{name} {value:,}" for name, value in campaigns.push(run).items() if isinstance(value, int) and value)
    print("; ".join(f"{name} {seconds:.1f} s" for name, seconds in spent), file=sys.stderr)
    return {
        "rows": rows,
        "wall": round(time.perf_counter() - wall, 1),
        "cpu": round(time.process_time() - cpu, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _timed_fills() -> list[tuple[str, float]]:
    """Note how long the parts of a plan take."""
    from retention.campaigns import planning
    from retention.warehouse.writer import StageWriter

    spent: list[tuple[str, float]] = []

    def timed(function: Any, name: str | None = None) -> Any:
        def called(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent.append((name or str(arguments[1]), time.perf_counter() - began))

        return called

    StageWriter.fill_select = timed(StageWriter.fill_select)  # type: ignore[method-assign]
    StageWriter.fill_arrow = timed(StageWriter.fill_arrow)  # type: ignore[method-assign]
    StageWriter.publish = timed(StageWriter.publish, "publish")  # type: ignore[method-assign]
    for name in ("settle", "fit_plays", "fit_universal", "check_slices", "read_arrow", "settled_masks", "receive", "_finish"):
        setattr(planning, name, timed(getattr(planning, name), name))
    return spent


def load(warehouse: Warehouse, customers: int) -> None:
    """Write the customers: who they are, what they allow, and what is known of them as of the first day."""
    from retention.warehouse import ensure_partitions

    ensure_partitions(warehouse, list(SLICES), FIRST)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local work_mem = '512MB'")
        connection.exec_driver_sql("create schema bench")
        connection.exec_driver_sql("select setseed(0.4)")
        connection.execute(sa.text(_PEOPLE), {"customers": customers})
        day = {"day": FIRST}
        own = {"customer_key": "customer_key"}
        bought = "stage <> 'prospect'"
        last = "cast(:day as timestamptz) - last_days * interval '1 day' + interval '3 hours'"
        put = lambda table, given, where="true": _put(connection, table, given, where, day)  # noqa: E731
        put("core.customer", {
            **own, "valid_from": "timestamptz '2020-01-01'", "member_since": "timestamptz '2020-01-01'",
            "customer_kind": "'consumer'", "language": "case when x < 0.1 then 'en' else 'zh' end",
            "account_owner": "case when w > 0.9 then 'owner' || number % 50 end", "gender": "case when y < 0.5 then 'f' else 'm' end",
            "birthday_md": "to_char(date '2024-01-01' + number % 366, 'MM-DD')",
            "wedding_md": "case when number % 3 = 0 then to_char(date '2024-01-01' + number * 7 % 366, 'MM-DD') end",
            "region": "'region' || number % 30", "city": "'city' || number % 300", "birth_year": "1955 + number % 50",
        })  # fmt: skip
        put("core.customer_alias", {**own, "source_customer_key": "customer_key", "rule": "'alone'"})
        contact = {"email": "case when x < 0.8 then 'c' || number || '@example.com' end",
                   "phone": "case when y < 0.9 then '+86138' || lpad(cast(number as text), 8, '0') end"}  # fmt: skip
        put("pii.contact", {**own, "name": "'Customer ' || number", **contact})
        put("pii.source_customer", {
            **own, "source_customer_key": "customer_key", "customer_id": "'C' || number", "source": "'crm'",
            "email_normalised": contact["email"], "phone_e164": contact["phone"],
        })  # fmt: skip
        for purpose, share, key in (("marketing", 0.75, 1), ("profiling", 0.9, 2)):
            put("privacy.consent", {
                "consent_key": f"number * 4 + {key}", "source_customer_key": "customer_key", **own, "purpose": f"'{purpose}'",
                "channel": "case when number % 10 = 0 then 'email' else 'all' end", "decided_at": "timestamptz '2025-01-01'",
                "decision": f"case when x < {share} then 'granted' else 'withdrawn' end", "source": "'crm'",
            }, "number % 20 <> 7")  # fmt: skip
        put("privacy.consent", {
            "consent_key": "number * 4 + 3", "source_customer_key": "customer_key", **own, "purpose": "'marketing'",
            "channel": "'sms'", "decided_at": "timestamptz '2025-06-01'", "decision": "'withdrawn'", "source": "'crm'",
        }, "number % 8 = 0")  # fmt: skip
        put("core.complaint", {
            "complaint_key": "number", "valid_from": "cast(:day as timestamptz) - interval '9 days'", **own,
            "severity": "case number % 3 when 0 then 'minor' when 1 then 'medium' else 'severe' end",
            "opened_at": "cast(:day as timestamptz) - interval '9 days'",
            "resolved_at": "case when number % 2 = 0 then cast(:day as timestamptz) - (number / 100 % 8 + 1) * interval '1 day' end",
        }, "number % 100 = 0")  # fmt: skip
        put("core.interaction", {
            "interaction_key": "number", **own, "channel": "case when number % 2 = 0 then 'wechat' else 'app' end",
            "kind": "'visit'", "happened_at": "cast(:day as timestamptz) - (number % 300 + 1) * interval '1 day'",
        }, "x < 0.5")  # fmt: skip
        put("features.customer_orders", {
            **own, "first_order_at": f"{last} - (orders - 1) * interval '40 days'", "last_order_at": last,
            "count_orders_lifetime": "orders", "count_orders_365d": "case when last_days <= 365 then greatest(1, orders / 2) else 0 end",
            "net_minor_365d": "case when last_days <= 365 then order_minor * greatest(1, orders / 2) else 0 end",
            "net_minor_90d": "case when last_days <= 90 then order_minor else 0 end", "net_minor_lifetime": "order_minor * orders",
            "mean_order_value_minor_365d": "case when last_days <= 365 then order_minor end",
            "overdue_ratio": "case when orders > 1 then last_days / 40.0 end",
        }, bought)  # fmt: skip
        put("features.customer_engagement", {
            **own, "latest_nps": "case when x < 0.2 then floor(y * 11) end",
            "count_converted_referrals_lifetime": "case when w > 0.97 then 2 else 0 end",
        })  # fmt: skip
        churn = "least(0.97, greatest(0.03, last_days / 200.0))"
        put("scores.churn", {**own, "churn_probability": churn, "horizon_days": "90"}, bought)
        put("scores.clv", {**own, "clv_12m_minor": f"cast(order_minor * orders * (1 - {churn}) as bigint)", "horizon_days": "365",
                           "probability_alive": f"1 - {churn}"}, bought)  # fmt: skip
        put("segments.rfm", {**own, "rfm_class": "'general'", "rfm_segment": "'loyal'"}, bought)
        high, potential = "order_minor * orders > 900000", f"order_minor * orders * (1 - {churn}) > 400000"
        value_class = (
            f"case when {high} and {potential} then 'strategic' when {potential} then 'growth' when {high} then 'base' "
            "else 'marginal' end"
        )
        put("segments.value_matrix", {**own, "value_class": value_class})
        put("segments.tier", {
            **own, "service_tier": f"case {value_class} when 'strategic' then 'vip' when 'growth' then 'potential' "
            "when 'base' then 'ordinary' else 'marginal' end", "is_at_risk": "last_days > 150",
        })  # fmt: skip
        put("segments.lifecycle", {**own, "lifecycle_stage": "stage", "stage_since": "cast(:day as date) - last_days % 200"})
        put("segments.membership", {
            **own, "membership_level": "'basic'", "amount_to_next_level_minor": "greatest(1, 1000000 - order_minor * orders % 1000000)",
            "points_balance": "order_minor / 100", "points_expiring_30d": "case when y < 0.06 then order_minor / 200 else 0 end",
        })  # fmt: skip
        put("segments.tag", own)
        put(
            "scores.preference",
            {**own, "preferred_channel": "case when x < 0.4 then 'wechat' when x < 0.7 then 'sms' else 'email' end"},
        )
    _vacuum(warehouse)


def carry_on(warehouse: Warehouse, day: date) -> None:
    """Write the slices of the next day: everybody a day older, and a fiftieth of the customers moved on."""
    from retention.warehouse import ensure_partitions, load_contract

    ensure_partitions(warehouse, list(SLICES), day)
    before = day - timedelta(days=1)
    with warehouse.begin() as connection:
        for table in SLICES:
            columns = ", ".join(load_contract(table).column_names)
            connection.execute(
                sa.text(
                    f"insert into {table} ({columns}) select {columns.replace('as_of_date', 'cast(:day as date)', 1)} "
                    f"from {table} where as_of_date = :before"
                ),
                {"day": day, "before": before},
            )
        connection.execute(
            sa.text(
                "update segments.lifecycle set lifecycle_stage = 'repeat' where as_of_date = :day "
                "and customer_key in (select customer_key from bench.person where number % 50 = 0)"
            ),
            {"day": day},
        )
    _vacuum(warehouse)


def _put(connection: sa.Connection, table: str, given: dict[str, str], where: str, binds: dict[str, Any]) -> None:
    """Insert a row per person; required columns that are not given get a value of no meaning."""
    from retention.warehouse import load_contract

    columns = {
        column.name: given.get(column.name) or _BLANK[column.type]
        for column in load_contract(table).columns
        if column.name in given or not (column.nullable or column.default is not None or column.identity)
    }
    connection.execute(
        *_statement(
            f"insert into {table} ({', '.join(columns)}) select {', '.join(columns.values())} from bench.person where {where}",
            binds,
        )
    )


def _statement(sql: str, binds: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    from retention.warehouse.connections import statement

    return statement(sql, binds)


def _vacuum(warehouse: Warehouse) -> None:
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    print(json.dumps(main(*sys.argv[1:])))
