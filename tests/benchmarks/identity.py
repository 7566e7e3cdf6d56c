"""Who is who among a million people: a first load and a day of 20,000 changes on top, with the quality of the outcome.

Each step runs in a process of its own, so that its memory is its own. Source customers are simulated with known truth
(:mod:`retention.samples.duplicates`) and lie in ``pii.source_customer`` as publishing leaves them; what is measured is
:func:`retention.identity.resolve`, the normalisation of addresses before it apart.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from retention.warehouse.embedded import EmbeddedPostgres

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))
CHANGED = 20_000
SEED = 90_001


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    from retention.warehouse import Warehouse, migrate

    server.ensure_databases(["identity"])
    url = server.url("identity")
    opened = Warehouse(url)
    migrate(opened, "warehouse")
    opened.dispose()
    rows: list[tuple[object, ...]] = []
    for step in ("fill", "first", "day", "again"):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.identity", step, url, str(PEOPLE)], stdout=subprocess.PIPE, text=True
        )
        output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{step} failed")
        for row in json.loads(output.splitlines()[-1]):
            console.print(*row)
            rows.append(tuple(row))
    return (
        f"Identity: {PEOPLE:,} simulated people",
        ["step", "wall s", "cpu s of the process", "peak MB of the process", "what"],
        rows,
    )


class Clock:
    """Seconds, processor seconds and peak memory of this process since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def row(self, step: str, what: str) -> tuple[object, ...]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return step, round(time.perf_counter() - self.wall, 1), round(time.process_time() - self.cpu, 1), round(peak), what


def simulated(people: int) -> pd.DataFrame:
    """The source customers, in the form in which publishing stores them."""
    from retention.identity import normalise_email, normalise_phone
    from retention.samples.duplicates import simulate

    frame = simulate(people, SEED)
    frame["email_normalised"] = [normalise_email(v) if isinstance(v, str) else None for v in frame["email"]]
    frame["phone_e164"] = [normalise_phone(v) if isinstance(v, str) else None for v in frame["phone"]]
    return frame


def main(step: str, url: str, people: int) -> list[tuple[object, ...]]:
    from retention.deployment import Secrets
    from retention.identity import normalise_email, normalise_phone, resolve
    from retention.settings import Settings
    from retention.warehouse import Attempt, Run, Warehouse

    warehouse = Warehouse(url)
    run = Run(date(2026, 3, 31), warehouse, Settings(), Attempt("bench", "bench", step, 1), Secrets(pepper=b"bench" * 8))
    if step == "fill":
        frame = simulated(people)
        clock = Clock()
        for value in frame["email"]:
            normalise_email(value if isinstance(value, str) else None)
        for value in frame["phone"]:
            normalise_phone(value if isinstance(value, str) else None)
        rows = [clock.row("normalise", f"{len(frame):,} e-mail addresses and telephone numbers")]
        _store(warehouse, frame)
        return rows
    with warehouse.begin() as connection:
        keys = connection.exec_driver_sql("select source_customer_key from pii.source_customer").scalars().all()
        if step != "first":
            rng = np.random.default_rng(7)
            keys = [int(key) for key in rng.choice(np.array(sorted(keys)), size=CHANGED, replace=False)]
        if step == "day":  # everybody of the day has a new number
            connection.exec_driver_sql(
                "update pii.source_customer set phone_e164 = '+86139' || lpad(mod(source_customer_key, 100000000)::text, 8, '0') "
                f"where source_customer_key in ({', '.join(map(str, keys))})"
            )
    clock = Clock()
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local work_mem = '256MB'")
        found = resolve(connection, run, list(keys), 1)
    what = (
        f"{len(keys):,} changed: {found.compared:,} pairs compared, {found.linked:,} of {found.members:,} looked at share a person, "
        f"{len(found.moved):,} moved, {found.in_review:,} for review, {found.large_blocks:,} blocks too large"
    )
    rows = [clock.row({"first": "first load", "day": "a day", "again": "the same day again"}[step], what)]
    return [*rows, _quality(warehouse, people)] if step == "first" else rows


def _store(warehouse: Any, frame: pd.DataFrame) -> None:
    from retention.identity.candidates import raw_cursor
    from retention.identity.transfer import put_frame

    stored = frame.rename(columns={"key": "source_customer_key", "created_at": "source_created_at"})
    stored["customer_key"], stored["batch_id"], stored["is_simulated"] = stored["source_customer_key"], 1, True
    stored = stored.drop(columns=["person", "slips", "email", "phone"])
    stored = stored.astype(object).where(stored.notna(), None)
    for start in range(0, len(stored), 200_000):
        with warehouse.begin() as connection:
            part = stored.iloc[start : start + 200_000]
            put_frame(raw_cursor(connection), "pii.source_customer", part)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("analyze pii.source_customer")


def _quality(warehouse: Any, people: int) -> tuple[object, ...]:
    from retention.samples.accuracy import pairwise
    from retention.samples.duplicates import simulate

    with warehouse.connect() as connection:
        found = connection.exec_driver_sql("select source_customer_key, customer_key from core.customer_alias").all()
    persons = pd.Series({int(key): int(person) for key, person in found})
    frame = simulate(people, SEED)
    quality = pairwise(frame["person"].to_numpy(), persons.loc[frame["key"]].to_numpy())
    return "quality of the first load", "", "", "", f"precision {quality.precision:.4f}, recall {quality.recall:.4f}"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
