"""What an evaluation leaves in its folder: predictions.parquet, metrics.json and report.html."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from retention.evaluate.evaluation import REPURCHASE, Evaluated
from retention.evaluate.paths import prepare_folder
from retention.evaluate.values import as_delivered
from retention.models.report import Measured

FORMAT = 1
"""Version of metrics.json; raised when a name in it changes."""
_IN_MONEY = ("mae",)
"""Measures in minor units, which users read in the unit of their file."""


def write_all(evaluated: Evaluated, folder: Path) -> dict[str, Path]:
    """Write the three files; each appears whole or not at all.

    Returns
    -------
    Path by name of the file.
    """
    from retention.evaluate.reporting import write_html

    prepare_folder(folder)
    paths = {name: folder / name for name in ("predictions.parquet", "metrics.json", "report.html")}
    for name, write in (
        ("predictions.parquet", lambda path: pa.parquet.write_table(predictions_table(evaluated), path)),
        ("metrics.json", lambda path: path.write_text(_json(metrics(evaluated)), encoding="utf-8")),
        ("report.html", lambda path: write_html(path, evaluated)),
    ):
        partial = folder / f".{name}.{os.getpid()}"
        try:
            write(partial)
            partial.replace(paths[name])
        finally:
            partial.unlink(missing_ok=True)
    return paths


def predictions_table(evaluated: Evaluated) -> pa.Table:
    """Predictions with money in the unit of the file, customers by their own numbers and in their order."""
    found = evaluated.predictions
    money = found[["clv_minor", "clv_lower_minor", "clv_upper_minor"]] / evaluated.rows.minor
    if not evaluated.rows.has_money:
        money[:] = np.nan
    frame = pd.DataFrame(
        {
            "customer_id": as_delivered(found["customer_id"].astype(str)),
            "churn_probability": found["churn_probability"],
            "expected_orders": found["expected_orders"],
            "clv": money["clv_minor"],
            "clv_lower": money["clv_lower_minor"],
            "clv_upper": money["clv_upper_minor"],
            **{name: found[name] for name in REPURCHASE},
            "reasons": found["reasons_en"],
            "reasons_zh": found["reasons_zh"],
            "is_fallback": found["is_fallback"],
            "churn_is_fallback": found["churn_is_fallback"],
            "clv_is_fallback": found["clv_is_fallback"],
        }
    ).sort_values("customer_id")
    texts = pa.list_(pa.string())
    fields = [pa.field("reasons", texts), pa.field("reasons_zh", texts)]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for one in fields:
        place = table.schema.get_field_index(one.name)
        table = table.set_column(place, one, pa.array(frame[one.name].tolist(), texts))
    plan = evaluated.plan
    return table.replace_schema_metadata(
        {**(table.schema.metadata or {}), b"as_of": str(plan.as_of).encode(), b"horizon_days": str(plan.horizon_days).encode()}
    )


def metrics(evaluated: Evaluated) -> dict[str, Any]:
    """What is measured, for machines; docs/evaluate.md describes every name."""
    plan, outcome, fitted = evaluated.plan, evaluated.outcome, evaluated.fitted
    return {
        "format": FORMAT,
        "as_of": plan.as_of.isoformat(),
        "horizon_days": plan.horizon_days,
        "compared_days": plan.compared_days,
        "learning_days": plan.learning_days if plan.dates else None,
        "training_dates": [day.isoformat() for day in plan.dates],
        "first_order": plan.first_day.isoformat(),
        "last_order": plan.last_day.isoformat(),
        "orders": len(evaluated.ledger.orders),
        "customers": len(evaluated.predictions),
        "columns": dict(evaluated.columns.found),
        "is_fallback": {"churn": fitted.churn is None, "clv": fitted.value is None},
        "fallback_reasons": dict(fitted.reasons),
        "predicted": {
            "churn_rate": _number(evaluated.predictions["churn_probability"].mean()),
            "orders": _number(evaluated.predictions["expected_orders"].sum()),
            "clv": _number(evaluated.predictions["clv_minor"].sum() / evaluated.rows.minor)
            if evaluated.rows.has_money
            else None,
            # What the intervals say they hold on average: set beside it is the measure interval_coverage.
            "interval_probability": _number(evaluated.predictions["interval_probability"].mean()),
        },
        "actual": None
        if outcome is None
        else {
            "churn_rate": _number(outcome.truth["churned"].mean()),
            "orders": _number(outcome.truth["orders"].sum()),
            "clv": _number(outcome.truth["net_minor"].sum() / evaluated.rows.minor) if evaluated.rows.has_money else None,
        },
        "churn": {} if outcome is None else _measures(outcome.measured_churn, evaluated.rows.minor),
        "clv": {} if outcome is None else _measures(outcome.measured_value, evaluated.rows.minor),
        **{f"repurchase_{one.days}d": _measures(one.measured, evaluated.rows.minor) for one in evaluated.repurchased},
        "notes": list(evaluated.notes),
        "seconds": {name: round(seconds, 2) for name, seconds in evaluated.seconds.items()},
    }


def _measures(measured: Mapping[str, Mapping[str, Measured]], minor: float) -> dict[str, Any]:
    """By candidate and metric: value, lower, upper; null where undefined."""
    return {
        candidate: {
            metric: {
                end: _number(getattr(value, end), minor if metric in _IN_MONEY else 1.0) for end in ("value", "lower", "upper")
            }
            for metric, value in values.items()
        }
        for candidate, values in measured.items()
    }


def _number(value: float | None, unit: float = 1.0) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value) / unit


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
