"""The report of a training run: a chapter for each kind, read back from the registry, so that it can be written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from retention.deployment import Deployment
from retention.models import registry
from retention.models.drift import newest_drift
from retention.models.outcomes import matured
from retention.models.report import Chapter, Fact, Note, ReportData, Text, write_report
from retention.models.repurchase import HORIZONS_DAYS
from retention.warehouse import Run

NOT_TRAINED = "not trained"


def write_training_report(run: Run, results: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write the page of a training run.

    Parameters
    ----------
    results : what :func:`retention.models.training.train` returns.

    Returns
    -------
    Path of the page. A re-run on the same data writes the same page.
    """
    chapters = []
    for kind, result in results.items():
        stored = registry.chapter(run.warehouse, result["model_version"]) if result["model_version"] else None
        chapter = stored or _untrained(kind, result)
        chapters.append(replace(chapter, drift=newest_drift(run, kind), matured=matured(run.warehouse, kind)))
        if kind == "churn":
            chapters += _repurchase(run)
    trained = sum(1 for result in results.values() if result["state"] != NOT_TRAINED)
    data = ReportData(
        Text("Training report", "模型训练报告"),
        run.as_of_date,
        run.settings.company.base_currency,
        10**run.settings.company.base_currency_minor_digits,
        facts=(
            Fact(Text("Trained as of", "训练截止日"), run.as_of_date.isoformat()),
            Fact(Text("Models trained", "已训练模型"), f"{trained} / {len(results)}"),
        ),
        chapters=tuple(chapters),
    )
    return write_report(report_path(run.as_of_date), data)


def report_path(as_of: date) -> Path:
    """Where the page of the training as of a date lies."""
    return Deployment.from_env().home / "reports" / "training" / f"{as_of.isoformat()}.html"


def _repurchase(run: Run) -> list[Chapter]:
    """What became of the chances of another order: they come from churn, and have no model of their own to train."""
    found = {kind: matured(run.warehouse, kind) for kind in (f"repurchase_{days}d" for days in HORIZONS_DAYS)}
    return [Chapter(kind, "", matured=dates) for kind, dates in found.items() if dates]


def _untrained(kind: str, result: Mapping[str, Any]) -> Chapter:
    decision = str(result["decision"])
    if result["model_version"]:
        return Chapter(kind, str(result["model_version"]), decision)
    note = Note(
        Text(
            f"{decision[0].upper()}{decision[1:]}. The champion, or the rule of thumb marked as a fallback, goes on scoring.",
            "数据不足,未训练新模型;继续使用现任模型,没有现任模型时使用带有标记的经验规则。",
        ),
        "warning",
    )
    return Chapter(kind, "", notes=(note,))
