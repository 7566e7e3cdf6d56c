"""A day of the sample company, each step in a process of its own: seconds and peak memory of that process.

The first day is a full load with training; the second is what every further day costs. Set-up and Airflow are not in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from retention.warehouse.embedded import EmbeddedPostgres

MAKE = "make the sample company"


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    from retention import samples
    from retention.deployment import Deployment
    from retention.installation import bring_up_to_date, make_folders, make_pepper

    os.environ["RETENTION_HOME"] = str(server.home)
    make_folders(server.home)
    server.ensure_databases(["warehouse", "marketing", "source_crm", "source_sales"])
    deployment = Deployment.from_env()
    bring_up_to_date(deployment)
    make_pepper(deployment)
    # Made in a process of its own as well: what this one ever needed would count as the need of all it starts.
    rows: list[tuple[object, ...]] = [
        ("sample company", MAKE, *_step(MAKE, datetime.now(ZoneInfo("Asia/Shanghai")).date(), False))
    ]
    first = date.fromisoformat(samples.describe(server.home)["last_released"])
    for day in (first, first + timedelta(days=1)):
        if day != first:
            samples.release(day, home=server.home, urls=deployment.source_urls)
        for name in _names(with_training=day == first):
            seconds, peak_mb = _step(name, day, day == first)
            console.print(f"{day} {name}: {seconds:.1f} s, {peak_mb:,.0f} MB")
            rows.append((day.isoformat(), name, seconds, peak_mb))
        rows.append((day.isoformat(), "together", sum(float(str(r[2])) for r in rows if r[0] == day.isoformat()), ""))
    return "A day of the sample company", ["business day", "step", "s", "peak MB of the process"], rows


def _names(with_training: bool) -> list[str]:
    from retention.whole_day import steps_of_day

    return [name for name, _ in steps_of_day(datetime.now(ZoneInfo("UTC")), with_training)]


def _step(name: str, day: date, with_training: bool) -> tuple[float, float]:
    """Run one step in a process of its own; return seconds and peak memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.day", name, day.isoformat(), json.dumps(with_training)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} of {day} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def main(name: str, day: str, with_training: str) -> None:
    """Run one step: what the processes of :func:`_step` do."""
    from retention import pipeline, samples, whole_day
    from retention.deployment import Deployment
    from retention.warehouse import Attempt

    business_date = date.fromisoformat(day)
    if name == MAKE:
        deployment = Deployment.from_env()
        samples.create(deployment.home, deployment.source_urls, datetime.now(ZoneInfo("Asia/Shanghai")).date())
        return
    now = datetime.now(ZoneInfo("UTC"))
    function = dict(whole_day.steps_of_day(now, json.loads(with_training)))[name]
    function(pipeline.open_run(business_date, Attempt("bench", f"bench-{day}", name, 1)))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main(*sys.argv[1:])
