"""Inputs and scores of a day beside those of training: population stability, shares without a value."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from retention.models.report.data import Drift
from retention.settings_models import DriftSettings
from retention.warehouse import Run

Floats = NDArray[np.float64]

BINS = 10
# Fewer known values than this, then or now, and a comparison of shares says nothing.
LEAST_KNOWN = 50
# An empty group counts as this share, so that the logarithm stays finite.
SMALLEST_SHARE = 1e-4
# Larger days are looked at in an even sample of this size at most: keys are pseudonyms, so that it is a random one.
LARGEST_SAMPLE = 100_000
# Name of the score among the inputs.
SCORE = "score"
OK, WARN, STOP = "ok", "warn", "stop"
# What grows with the calendar for everybody: in a company whose customers all came at about one time, a quarter later nobody
# has the tenure that anybody had in training, and nothing is wrong. Such an input is reported, and stops nothing.
GROWING = re.compile(r"^(tenure_days|first_to_last_order_days|days_since_.*|.*_lifetime)$")


def shape(values: Floats) -> dict[str, Any] | None:
    """Tenths of a column as stored with a model: inner edges, shares between them, known values. None where too few."""
    known = values[np.isfinite(values)]
    if known.size < LEAST_KNOWN:
        return None
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    return {
        "edges": [float(edge) for edge in edges],
        "shares": [round(float(share), 8) for share in _shares(known, edges)],
        "known": int(known.size),
    }


def stability_index(before: dict[str, Any] | None, values: Floats) -> tuple[float, float] | None:
    """Population stability index, and how much of it chance alone gives for so many customers.

    The sum over the groups of (share now - share then) times the logarithm of their ratio. Two samples of one population
    reach (groups - 1) (1/n + 1/m) on average (Yurdakul & Naranjo, 2020), which is what the second number says.

    Returns
    -------
    None where either side knows too few values.
    """
    known = values[np.isfinite(values)]
    if before is None or known.size < LEAST_KNOWN:
        return None
    then, now = np.array(before["shares"]), _shares(known, np.array(before["edges"]))
    then, now = np.maximum(then, SMALLEST_SHARE), np.maximum(now, SMALLEST_SHARE)
    chance = (len(then) - 1) * (1 / known.size + 1 / before["known"])
    return float(np.sum((now - then) * np.log(now / then))), float(chance)


def sample_step(customers: int) -> int:
    """Return which of so many customers are looked at: every one, or every so-manieth."""
    return -(-customers // LARGEST_SAMPLE) or 1


def find_drift(features: pd.DataFrame, scores: Floats, profile: dict[str, Any], settings: DriftSettings) -> list[Drift]:
    """Every input of the model, and the score, beside its training.

    Parameters
    ----------
    profile : as stored with the model; see :func:`retention.models.profile.score_profile`.
    """
    step = sample_step(len(features))
    sample, found = features.iloc[::step], []
    shapes, null_share = profile.get("shapes", {}), profile.get("null_share", {})
    for name in [name for name in features.columns if name in null_share]:
        values = sample[name].to_numpy(dtype=np.float64, na_value=np.nan)
        nulls = float(np.isnan(values).mean()) if len(values) else 0.0
        index = stability_index(shapes.get(name), values)
        risen = nulls > null_share[name] + settings.null_share_rise
        stop = math.inf if GROWING.match(name) else settings.stop_input_index
        level = STOP if risen else _level(index, settings.warn_index, stop)
        found.append(Drift(name, index[0] if index else None, float(null_share[name]), nulls, level))
    index = stability_index(shapes.get(SCORE), np.asarray(scores, dtype=np.float64)[::step])
    level = _level(index, settings.warn_index, settings.stop_score_index)
    return [*found, Drift(SCORE, index[0] if index else None, 0.0, 0.0, level)]


def record_drift(run: Run, kind: str, model_version: str, found: list[Drift]) -> None:
    """Keep the comparison of this date, in a transaction of its own: it must be there when scores are stopped by it."""
    rows = [
        {
            "as_of_date": run.as_of_date, "kind": kind, "input_name": drift.name, "model_version": model_version,
            "stability_index": drift.psi, "null_share_training": drift.null_share_training,
            "null_share_now": drift.null_share_now, "level": drift.level,
        }
        for drift in found
    ]  # fmt: skip
    with run.warehouse.begin() as connection:
        key = {"as_of_date": run.as_of_date, "kind": kind}
        connection.execute(sa.text("delete from ops.score_drift where as_of_date = :as_of_date and kind = :kind"), key)
        if rows:
            names, binds = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
            connection.execute(sa.text(f"insert into ops.score_drift ({names}) values ({binds})"), rows)


def newest_drift(run: Run, kind: str) -> tuple[Drift, ...]:
    """What was kept of the newest scored date up to the run's as-of date; empty where nothing was scored by a model yet."""
    query = sa.text(
        "select input_name, stability_index, null_share_training, null_share_now, level from ops.score_drift "
        "where kind = :kind and as_of_date = (select max(as_of_date) from ops.score_drift "
        "where kind = :kind and as_of_date <= :as_of_date) order by input_name"
    )
    with run.warehouse.connect() as connection:
        return tuple(Drift(*row) for row in connection.execute(query, {"kind": kind, "as_of_date": run.as_of_date}))


def _shares(known: Floats, edges: Floats) -> Floats:
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return np.asarray(counts / max(1, known.size))


def _level(index: tuple[float, float] | None, warn: float, stop: float) -> str:
    """Levels are raised by twice what chance gives: in a small company two good days look different too."""
    if index is None:
        return OK
    value, chance = index
    return STOP if value > stop + 2 * chance else WARN if value > warn + 2 * chance else OK
