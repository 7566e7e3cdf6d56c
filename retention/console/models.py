"""Models: does what they predict come true, for whom, and are they still looking at the world they learned from?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from retention.console.reading import Reader
from retention.console.shapes import Shape, empty, grouped, pick, plain, section
from retention.console.words import both, label, words

Rows = Sequence[Mapping[str, Any]]
SCORING = ("churn", "clv", "repurchase", "renewal")
"""Kinds that give every customer a score, shown even before any was trained."""
_MONEY = ("clv",)
_VERSION = (
    "model_version", "as_of_date", "labels_until", "horizon_days", "definition", "training_rows", "created_at", "promoted_at",
    "decision",
)  # fmt: skip


def models(reader: Reader, as_of_date: date) -> Shape:
    """Return every kind of model: verdict, champion and challengers, measurements, reliability, lift and drift."""
    versions = grouped(reader.rows("models"), "kind")
    evaluations = grouped(reader.rows("model_evaluations"), "kind")
    judged = section(lambda: {row["model"]: row for row in reader.rows("model_verdicts")})
    read: Mapping[str, Any] = {"as_of_date": as_of_date}
    reliability = section(lambda: dict(grouped(reader.rows("reliability"), "model")))
    history = section(lambda: dict(grouped(reader.rows("reliability_history", read), "model")))
    drift = section(lambda: dict(grouped(reader.rows("drift"), "kind")))
    drifted = section(lambda: dict(grouped(reader.rows("drift_history", read), "kind")))
    order = list(words()["model"])
    kinds = sorted(
        {*SCORING, *versions, *evaluations} - ({"renewal"} if "renewal" not in versions else set()),
        key=lambda kind: order.index(kind) if kind in order else len(order),
    )
    return {
        "models": [
            {
                "kind": kind,
                "label": label("model", kind),
                **_verdict(_judged(judged, kind)),
                **_versions(versions.get(kind, [])),
                "evaluation": _evaluation(evaluations.get(kind, [])),
                "reliability": _or_error(reliability, lambda found, kind=kind: _reliability(kind, found, history)),
                "lift": _or_error(reliability, lambda found, kind=kind: _lift(kind, _judged(found, kind) or [])),
                "drift": _or_error(drift, lambda found, kind=kind: _drift(found.get(kind, []), drifted.get(kind, []))),
            }
            for kind in kinds
        ]
    }


def _judged(found: Shape, kind: str) -> Any:
    """Return what was found of a kind; of repurchase, which is judged by horizon, that of the longer one."""
    return found.get(kind) or found.get(f"{kind}_90d")


def _or_error(found: Shape, shape: Any) -> Shape:
    """Return a part that rests on rows read for all models, or why they could not be read."""
    return found if found.get("state") == "error" else shape(found)


def _verdict(row: Mapping[str, Any] | None) -> Shape:
    if row is None:
        return {"verdict": "unknown", "verdict_label": label("verdict", "unknown"), "sentence": label("verdict", "unknown")}
    return {
        "verdict": row["verdict"],
        "verdict_label": label("verdict", row["verdict"]),
        "sentence": both(row["sentence_en"], row["sentence_zh"]),
    }


def _versions(rows: Rows) -> Shape:
    champion = next((row for row in rows if row["state"] == "champion"), None)
    return {
        "champion": pick(champion, *_VERSION) if champion else None,
        "challengers": [pick(row, *_VERSION) for row in rows if row["state"] == "challenger"],
    }


def _evaluation(rows: Rows) -> list[Shape]:
    order = list(words()["metric"])
    found = grouped(rows, "metric")
    return [
        {
            "metric": metric,
            "label": label("metric", metric),
            "better": words()["metric"].get(metric, {}).get("better"),
            "evaluated_as_of": plain(of_metric[0]["evaluated_as_of"]),
            "customers": of_metric[0]["customers"],
            "candidates": [
                {
                    "candidate": row["candidate"],
                    "label": label("candidate", row["candidate"]),
                    "value": row["metric_value"],
                    "lower": row["metric_lower"],
                    "upper": row["metric_upper"],
                }
                for row in of_metric
            ],
        }
        for metric, of_metric in sorted(
            found.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order)
        )
    ]


def _reliability(kind: str, found: Shape, history: Shape) -> Shape:
    rows: Rows = _judged(found, kind) or []
    if not rows:
        return empty("no_outcome_yet")
    is_money = kind in _MONEY
    shown = [row for row in rows if row["customers"] is not None and row["realised_mean"] is not None]
    people = sum(row["customers"] for row in shown)
    gaps = sum(row["customers"] * abs(row["predicted_mean"] - row["realised_mean"]) for row in shown)
    return {
        "state_of_labels": rows[0]["state"],
        **pick(rows[0], "scored_as_of", "matures_on"),
        "unit": "money_minor" if is_money else "share",
        "buckets": [
            {
                "bucket": row["bucket"],
                "label": _bucket(row["bucket"], is_money),
                "customers": row["customers"],
                "predicted": row["predicted_mean"],
                "realised": row["realised_mean"],
                "is_suppressed": row["customers"] is None,
            }
            for row in rows
            if row["state"] == "matured"
        ],
        "error": gaps / people if people else None,
        "history": [
            {
                "scored_as_of": plain(row["scored_as_of"]),
                "predicted": row["predicted_mean"],
                "realised": row["realised_mean"],
                "error": row["mean_error"],
                "customers": row["customers"],
            }
            for row in _judged(history, kind) or []
        ],
    }


def _bucket(bucket: int, is_money: bool) -> Shape:
    if is_money:
        place = ("lowest fifth", "second fifth", "middle fifth", "fourth fifth", "highest fifth")[min(bucket, 4)]
        return {"en": place, "zh": f"第 {bucket + 1} 五分位"}
    text = f"{bucket * 10}–{bucket * 10 + 10} %"
    return {"en": text, "zh": text}


def _lift(kind: str, rows: Rows) -> Shape:
    """Return how much of what happened is found among the customers with the highest scores."""
    shown = [row for row in rows if row["state"] == "matured" and row["customers"] and row["realised_mean"] is not None]
    people = sum(row["customers"] for row in shown)
    happened = sum(row["customers"] * row["realised_mean"] for row in shown)
    if not people or happened <= 0:
        return empty("no_outcome_yet")
    groups, seen, found = [], 0, 0.0
    for row in sorted(shown, key=lambda row: -row["predicted_mean"]):
        seen += row["customers"]
        found += row["customers"] * row["realised_mean"]
        share, captured = seen / people, found / happened
        groups.append({"share": share, "captured": captured, "lift": captured / share})
    return {"groups": groups}


def _drift(rows: Rows, history: Rows) -> Shape:
    if not rows:
        return empty("no_drift_yet")
    return {
        "as_of_date": plain(rows[0]["as_of_date"]),
        "inputs": [
            {
                "input": row["input_name"],
                "psi": row["stability_index"],
                **pick(row, "null_share_training", "null_share_now", "level"),
            }
            for row in rows
        ],
        "history": [{"date": plain(row["as_of_date"]), "worst_psi": row["worst"], "level": row["level"]} for row in history],
    }
