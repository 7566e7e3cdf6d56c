"""Reasons and warning signs of a million simulated purchasers, and their contributions beside the package shap.

About three minutes on two quiet cores, 4 GB. `RETENTION_BENCH_CUSTOMERS` makes it smaller.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from scipy.special import expit

from retention.deployment import Secrets
from retention.models.churn import ChurnModel, fit_churn
from retention.models.inputs import model_columns
from retention.models.learning import TrainingSet
from retention.models.reasons import table
from retention.models.scoring import Given
from retention.models.tree_contributions import TreeContributions
from retention.models.warning_signs import rows as warning_rows
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, migrate, stage_writer
from retention.warehouse.embedded import EmbeddedPostgres

CUSTOMERS = int(os.environ.get("RETENTION_BENCH_CUSTOMERS", "1000000"))
LEARNED_FROM = 20_000
# As many as the top tenth of a million.
EXPLAINED = CUSTOMERS // 10
BUSINESS_DATE = date(2026, 3, 31)


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    """Measure, one after the other: contributions by shap and by us, reasons, warning signs, and writing both."""
    model = _model()
    console.print(f"model: {model.boosting.n_iter_} trees, weight {model.weight}, {len(model.features)} inputs")
    given = _given(model)
    server.ensure_databases(["bench_reasons"])
    warehouse = Warehouse(server.url("bench_reasons"), application_name="bench")
    migrate(warehouse, "warehouse")
    run = Run(BUSINESS_DATE, warehouse, Settings(), Attempt("bench", "bench", "reasons"), Secrets(b"x" * 32))
    rows: list[tuple[object, ...]] = []

    def step(name: str, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        found = work()
        rows.append((name, time.perf_counter() - wall, time.process_time() - cpu))
        console.print(f"{name}: {rows[-1][1]:.1f} s")
        return found

    inputs = model.inputs(given.features.iloc[:EXPLAINED]).to_numpy()
    halves = [inputs[: EXPLAINED // 2], inputs[EXPLAINED // 2 :]]
    ours = step(f"contributions of trees, {EXPLAINED:,} customers: ours", lambda: _side_by_side(_ours(model), halves))
    theirs = step(f"contributions of trees, {EXPLAINED:,} customers: shap", lambda: _side_by_side(_shap(model), halves))
    apart = float(np.abs(ours - theirs).max())
    if apart > 1e-9:
        raise SystemExit(f"contributions differ from shap's by {apart}")
    del ours, theirs
    found = step("reasons of both top tenths", lambda: table.rows(run, given))
    found |= step(f"warning signs of {CUSTOMERS:,} purchasers", lambda: warning_rows(run, given))
    step("writing and publishing both", lambda: _publish(run, found))
    sizes = ", ".join(f"{name} {len(frame):,} rows" for name, frame in found.items())
    warehouse.dispose()
    return f"Reasons: {sizes}; largest difference from shap {apart:.1g}", ["step", "wall s", "processor s"], rows


def _ours(model: ChurnModel) -> Callable[[Any], Any]:
    trees = TreeContributions(model.boosting)
    return lambda matrix: trees(matrix).T


def _shap(model: ChurnModel) -> Callable[[Any], Any]:
    import shap

    explainer = shap.TreeExplainer(model.boosting)
    return lambda matrix: explainer.shap_values(matrix, check_additivity=False)


def _side_by_side(explain: Callable[[Any], Any], halves: list[Any]) -> Any:
    with ThreadPoolExecutor(max_workers=2) as pool:
        return np.vstack(list(pool.map(explain, halves)))


def _publish(run: Run, found: dict[str, pd.DataFrame]) -> None:
    with stage_writer(run, "scores") as writer:
        for name, frame in found.items():
            writer.fill_arrow(name, frame)
        writer.publish()


def _model() -> ChurnModel:
    learned = _features(LEARNED_FROM, 1)
    drive = (
        0.01 * learned["recency_days"] - 0.4 * learned["count_order_days_lifetime"] + 1.5 * learned["count_complaints_90d"]
        + 0.1 * learned["count_interactions_30d"] * learned["discount_share_365d"].fillna(1) - 0.5
    )  # fmt: skip
    churned = (np.random.default_rng(2).random(LEARNED_FROM) < expit(drive.to_numpy())).astype(float)
    dates = np.full(LEARNED_FROM, np.datetime64("2026-01-01", "D"))
    outcomes = pd.DataFrame({"churned": churned, "orders": 1 - churned, "net_minor": 0.0}, index=learned.index)
    return fit_churn(TrainingSet(learned, dates, outcomes), 90, 1)


def _given(model: ChurnModel) -> Given:
    features = _features(CUSTOMERS, 3)
    rng = np.random.default_rng(4)
    orders = rng.gamma(1.5, 2.0, CUSTOMERS)
    revenue = np.round(orders * rng.gamma(4, 3000, CUSTOMERS)).astype(np.int64)
    shared = {"as_of_date": BUSINESS_DATE + timedelta(days=1), "customer_key": features.index.to_numpy(), "is_fallback": False}
    probability = np.concatenate(
        [model.predict(features.iloc[start : start + 100_000]) for start in range(0, CUSTOMERS, 100_000)]
    )
    return Given(
        features,
        pd.DataFrame({**shared, "churn_probability": probability, "model_version": "churn-bench"}),
        pd.DataFrame(
            {
                **shared,
                "clv_12m_minor": np.round(revenue * rng.uniform(0.3, 0.6, CUSTOMERS)).astype(np.int64),
                "net_revenue_12m_minor": revenue,
                "expected_orders_12m": orders,
                "model_version": "clv-bench",
            }
        ),
        churn_model=model,
    )


def _features(size: int, seed: int) -> pd.DataFrame:
    """Every input that models have: histories that fit together, the rest at random, a quarter of it not always known."""
    rng = np.random.default_rng(seed)
    days = 1.0 + rng.poisson(2, size)
    tenure = rng.integers(30, 900, size).astype(float)
    recency = np.where(days > 1, np.ceil(tenure * rng.random(size)), tenure)
    gap = np.where(days > 1, (tenure - recency) / np.maximum(days - 1, 1), np.nan)
    known = {
        "recency_days": recency, "tenure_days": tenure, "count_order_days_lifetime": days, "mean_days_between_orders": gap,
        "overdue_ratio": recency / np.where(gap > 0, gap, np.nan), "count_complaints_90d": rng.poisson(0.2, size).astype(float),
        "repeat_order_value_mean_minor": np.where(days > 1, rng.gamma(5, 2000, size), np.nan),
    }  # fmt: skip
    columns = {}
    for number, name in enumerate(model_columns()):
        column = known.get(name)
        if column is None:
            column = rng.poisson(1.0, size).astype(float) if name.startswith("count") else rng.gamma(2.0, 0.2, size)
            if number % 4 == 0:
                column[rng.random(size) < 0.3] = np.nan
        columns[name] = column
    return pd.DataFrame(columns, index=pd.Index(np.arange(1, size + 1), name="customer_key"))
