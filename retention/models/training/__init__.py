"""Training: fit, measure out of time against champion and baselines, register, promote only what is better, report.

Each kind has a module with its ``train_<kind>``; `retention.models.parts` lists them. What they share is here too:
who wins (:mod:`promotion`), how a model is registered (:mod:`enrolment`), and the page of the run (:mod:`reporting`).
"""

from __future__ import annotations

import logging
from typing import Any

from retention.models import parts
from retention.models.inputs import kept_features
from retention.models.training.enrolment import Candidate, enrol, model_version
from retention.models.training.promotion import Verdict, champion_twin, decide, decide_churn, decide_clv
from retention.models.value import TooLittleData
from retention.warehouse import Run

__all__ = [
    "Candidate",
    "TooLittleData",
    "Verdict",
    "champion_twin",
    "decide",
    "decide_churn",
    "decide_clv",
    "enrol",
    "model_version",
    "train",
]

log = logging.getLogger(__name__)


def train(run: Run) -> dict[str, Any]:
    """Train every kind of model as of the run's date, and write the report of the run.

    A kind without enough data is not trained: the reason is returned and logged, the champion (or the marked fallback)
    goes on scoring. The same data and settings give the same version, so a re-run registers nothing twice.

    Returns
    -------
    By kind: version, whether it was promoted, and the reason.
    """
    from retention.models.training.reporting import write_training_report

    results: dict[str, Any] = {}
    with kept_features():
        for kind, part in parts.TRAINING.items():
            try:
                model = parts.function(part)(run)
                results[kind] = {"model_version": model.model_version, "state": model.state, "decision": model.decision}
            except TooLittleData as too_little:
                results[kind] = {"model_version": None, "state": "not trained", "decision": f"not trained: {too_little}"}
            log.info("%s %s: %s", kind, run.as_of_date, results[kind]["decision"])
    log.info("report: %s", write_training_report(run, results))
    return results
