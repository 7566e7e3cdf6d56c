"""Purchase processes on simulated customers with known truth: fits and lifetime value beside lifetimes and pymc-marketing.

``python -m tests.benchmarks btyd``: a million customers (`BENCH_CUSTOMERS` names another number), three minutes, most of them the
peers'. pymc-marketing is no dependency: it is measured on 100,000 customers when `BENCH_PYMC_PYTHON` names a Python that
has it (a virtual environment of its own: ``python -m venv V && V/bin/pip install pymc-marketing``).

All times are of one process with one thread; the best of three for us, one run for the slow peers. `ratio` compares processor seconds. `difference`: our
log-likelihood less the peer's, both computed by us on the same customers; else the largest relative difference.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from threadpoolctl import threadpool_limits

from retention.models.btyd import BetaGeoNBD, GammaGamma, lifetime_value
from retention.models.btyd.simulate import simulate_beta_geo, simulate_values
from retention.warehouse.embedded import EmbeddedPostgres

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
PYMC_CUSTOMERS = min(100_000, CUSTOMERS)
TRUTH = {"r": 0.8, "alpha": 40.0, "a": 0.9, "b": 4.0}
SPENDING = {"p": 5.0, "q": 4.0, "v": 60.0}
MONTHLY_RATE = 0.01
COLUMNS = ["what", "customers", "s", "cpu s", "peer s", "peer cpu s", "ratio", "aim", "difference"]


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    with threadpool_limits(1):
        people = customers(CUSTOMERS)
        rows = [*_fits(people), *_lifetime_values(people)]
        python = os.environ.get("BENCH_PYMC_PYTHON")
        if python:
            rows.append(_pymc(python, customers(PYMC_CUSTOMERS)))
        else:
            console.print("pymc-marketing is left out: BENCH_PYMC_PYTHON names no Python that has it")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"peak memory of the process, both sides: {peak:,.0f} MB")
    return "Purchase processes, BG/NBD simulated by the day, one thread", COLUMNS, rows


def customers(size: int) -> pd.DataFrame:
    """Customers of up to two years, by the day: frequency, recency, T, mean value of the repeat purchases."""
    ages = np.random.default_rng(1).integers(1, 730, size).astype(np.float64)
    seen = simulate_beta_geo(TRUTH, ages, 365.0, 1)
    recency = np.where(seen.frequency > 0, np.minimum(np.ceil(seen.recency), ages), 0.0)
    value = np.nan_to_num(simulate_values(SPENDING, seen.frequency, 2))
    return pd.DataFrame({"frequency": seen.frequency, "recency": recency, "T": ages, "value": value})


def timed(function: Callable[[], Any], rounds: int = 1) -> tuple[Any, float, float]:
    """Result, wall and processor seconds of the fastest round."""
    best: tuple[Any, float, float] | None = None
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        result = function()
        taken = result, time.perf_counter() - wall, time.process_time() - cpu
        best = taken if best is None or taken[2] < best[2] else best
    assert best is not None
    return best


def row(
    what: str, size: int, ours: tuple[Any, float, float], theirs: tuple[Any, float, float], aim: str, equal: str
) -> tuple[object, ...]:
    return (
        what, f"{size:,}", round(ours[1], 2), round(ours[2], 2), round(theirs[1], 2), round(theirs[2], 2),
        f"{theirs[2] / ours[2]:.1f}", aim, equal,
    )  # fmt: skip


def _fits(people: pd.DataFrame) -> list[tuple[object, ...]]:
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    columns = [people[name] for name in ("frequency", "recency", "T")]
    ours = timed(lambda: BetaGeoNBD().fit(*columns), 3)
    theirs = timed(lambda: BetaGeoFitter().fit(*columns))
    gap = ours[0].log_likelihood_ - BetaGeoNBD.from_params(dict(theirs[0].params_)).log_likelihood(*columns)
    rows = [row("BG/NBD fit, lifetimes", len(people), ours, theirs, "10", f"log-lik. {gap:+.1e}")]
    buyers = people[people["frequency"] > 0]
    pair = buyers["frequency"], buyers["value"]
    ours = timed(lambda: GammaGamma().fit(*pair), 3)
    theirs = timed(lambda: GammaGammaFitter().fit(*pair))
    off = max(abs(ours[0].params_[name] / theirs[0].params_[name] - 1) for name in ("p", "q", "v"))
    rows.append(row("Gamma-Gamma fit, lifetimes", len(buyers), ours, theirs, "", f"params {off:.0e}"))
    return rows


def _lifetime_values(people: pd.DataFrame) -> list[tuple[object, ...]]:
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    columns = [people[name] for name in ("frequency", "recency", "T")]
    process, spending = BetaGeoNBD.from_params(TRUTH), GammaGamma.from_params(SPENDING)
    their_process, their_spending = BetaGeoFitter(), GammaGammaFitter()
    their_process.params_, their_spending.params_ = pd.Series(TRUTH), pd.Series(SPENDING)
    their_process.predict = their_process.conditional_expected_number_of_purchases_up_to_time
    rate = (1 + MONTHLY_RATE) ** (1 / 30) - 1
    ours = timed(
        lambda: lifetime_value(
            process, spending, 360.0, *columns, people["value"], discount_rate=rate, periods=12, discounted_at="end"
        ),
        3,
    )
    theirs = timed(
        lambda: their_spending.customer_lifetime_value(
            their_process, *columns, people["value"], time=12, discount_rate=MONTHLY_RATE, freq="D"
        )
    )
    found = theirs[0].to_numpy()
    off = float(np.max(np.abs(ours[0] - found) / np.maximum(found, 1e-9)))
    return [row("12-month CLV, lifetimes", len(people), ours, theirs, "50", f"values {off:.0e}")]


_PEER = """
import json, sys, time
import pandas as pd
from pymc_marketing import clv
people = pd.read_csv(sys.argv[1])
wall, cpu = time.perf_counter(), time.process_time()
model = clv.BetaGeoModel()
model.fit(people, method="map", progressbar=False)
taken = time.perf_counter() - wall, time.process_time() - cpu
point = {name: float(model.fit_result[name].mean()) for name in ("r", "alpha", "a", "b")}
print(json.dumps({"params": point, "wall": taken[0], "cpu": taken[1]}))
"""


def _pymc(python: str, people: pd.DataFrame) -> tuple[object, ...]:
    columns = [people[name] for name in ("frequency", "recency", "T")]
    ours = timed(lambda: BetaGeoNBD().fit(*columns), 3)
    with tempfile.TemporaryDirectory(prefix="retention-bench-") as folder:
        path = Path(folder) / "people.csv"
        people.drop(columns="value").rename_axis("customer_id").reset_index().to_csv(path, index=False)
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run([python, "-c", _PEER, str(path)], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"pymc-marketing failed: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    gap = ours[0].log_likelihood_ - BetaGeoNBD.from_params(found["params"]).log_likelihood(*columns)
    theirs = found, found["wall"], found["cpu"]
    return row("BG/NBD fit, pymc MAP", len(people), ours, theirs, "30", f"log-lik. {gap:+.1e}")


if __name__ == "__main__":
    sys.exit("run python -m tests.benchmarks btyd")
