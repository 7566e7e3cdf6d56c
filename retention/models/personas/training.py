"""Training personas: learn, see whether resampled customers and an earlier date give the same groups, register."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from retention.models import registry
from retention.models.inputs import past_features
from retention.models.learning import uniform
from retention.models.personas import DEFINITION
from retention.models.personas.catalogue import catalogue
from retention.models.personas.inputs import INPUTS, read_inputs
from retention.models.personas.model import PersonaModel, fit_personas
from retention.models.registry import RegisteredModel
from retention.models.report.data import Chapter, Evaluation, Measured, Note, Table, Text
from retention.models.training.enrolment import Candidate, enrol, model_version
from retention.models.training.promotion import Verdict, champion_twin
from retention.models.value import TooLittleData
from retention.settings_models import PersonaSettings
from retention.warehouse import Run

EARLIER_DAYS = 28
"""The groups of so many days earlier are those that customers are compared with: four weeks of change and of noise."""
SILHOUETTE_ROWS = 4_000
LEAST_GAIN = 0.02
"""New groups must be clearer than those in force by so much silhouette: changed groups unsettle everybody who reads them."""


def train_persona(run: Run) -> RegisteredModel:
    """Learn the groups as of the run's date, measure, register, promote where stable and clearer than those in force.

    Raises
    ------
    TooLittleData with what is missing.
    """
    settings = run.settings.personas
    frame = _frame(run, 0)
    if len(frame) < settings.minimum_customers:
        raise TooLittleData(
            f"personas: purchasers: {len(frame)}, {settings.minimum_customers} are needed (settings.personas.minimum_customers)"
        )
    earlier = _frame(run, EARLIER_DAYS)
    version = model_version(run, "persona", [frame, earlier], [], settings)
    known = registry.find(run.warehouse, version)
    if known:
        return known
    current = registry.champion(run.warehouse, "persona", DEFINITION)
    champion = champion_twin(current)
    champion = champion if isinstance(champion, PersonaModel) else None
    try:
        model = fit_personas(frame, champion)
        past = fit_personas(earlier, champion) if len(earlier) >= settings.minimum_customers else None
    except ValueError as nothing_tells:
        raise TooLittleData(str(nothing_tells)) from None
    measured = {"challenger": _measure(model, frame, settings, past)}
    if champion is not None and set(champion.inputs) <= set(frame.columns):
        measured["champion"] = _measure(champion, frame, settings, champion)
    verdict = decide(measured, settings.minimum_stability)
    return enrol(
        run,
        Candidate(
            kind="persona",
            model_version=version,
            definition=DEFINITION,
            horizon_days=settings.window_days,
            labels_until=run.as_of_date,
            scoring=model,
            twin=model,
            training_rows=len(frame),
            evaluation=Evaluation(run.as_of_date, EARLIER_DAYS, len(frame), measured),
            details={"inputs": list(model.inputs), "names": list(model.names), "absent": _absent(model)},
            chapter=_chapter(version, model, frame),
        ),
        verdict,
    )


def decide(measured: dict[str, dict[str, Measured]], minimum_stability: float) -> Verdict:
    """Promote groups that resampled customers give again and that are clearer than those in force."""
    mine = measured["challenger"]
    stability, silhouette = mine["stability"].value or 0.0, mine["silhouette"].value or 0.0
    if stability < minimum_stability:
        return Verdict(
            False, f"not promoted: resampled customers give other groups (adjusted Rand index {stability:.2f}, "
            f"{minimum_stability:.2f} is needed)",
        )  # fmt: skip
    if silhouette <= 0:
        return Verdict(False, f"not promoted: the groups do not stand apart (silhouette {silhouette:.3f})")
    if "champion" in measured:
        theirs = measured["champion"]["silhouette"].value or 0.0
        if silhouette < theirs + LEAST_GAIN:
            return Verdict(
                False, f"not promoted: no clearer than the groups in force (silhouette {silhouette:.3f} against {theirs:.3f}), "
                "which keep everybody where they are",
            )  # fmt: skip
    return Verdict(True, f"promoted: silhouette {silhouette:.3f}, adjusted Rand index of resampled customers {stability:.2f}")


def _frame(run: Run, days_earlier: int) -> pd.DataFrame:
    as_of = run.as_of_date - timedelta(days=days_earlier)
    inputs = read_inputs(run, as_of, past_features(run, as_of))[list(INPUTS)]
    share = run.settings.personas.most_customers / max(len(inputs), 1)
    return inputs[uniform(inputs.index.to_numpy()) < share] if share < 1 else inputs


def _measure(
    model: PersonaModel, frame: pd.DataFrame, settings: PersonaSettings, past: PersonaModel | None
) -> dict[str, Measured]:
    """Silhouette; agreement with groups of resampled customers; share who keep their name under the earlier groups."""
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    labels, rng = model.labels(frame), np.random.default_rng(settings.seed)
    values = model.standardised(frame)
    rows = rng.permutation(len(frame))[:SILHOUETTE_ROWS]
    separate = len(np.unique(labels[rows])) > 1
    silhouette = float(silhouette_score(values[rows], labels[rows])) if separate else 0.0
    agreements = []
    for _ in range(settings.bootstraps):
        drawn = frame.iloc[np.sort(rng.integers(0, len(frame), len(frame)))]
        # From the reviewed names and not from these groups, or the resampled ones would start at the answer.
        agreements.append(float(adjusted_rand_score(labels, fit_personas(drawn).labels(frame))))
    lower, upper = (float(q) for q in np.quantile(agreements, (0.025, 0.975)))
    names = model.assign(frame)["persona"]
    kept = None if past is None else float((names == past.assign(frame)["persona"]).mean())
    return {
        "silhouette": Measured(silhouette, None, None),
        "stability": Measured(float(np.mean(agreements)), lower, upper),
        "same_name_as_28_days_before": Measured(kept, None, None),
    }


def _absent(model: PersonaModel) -> list[str]:
    """Names of the two groups everybody asks for that no group deserves."""
    return [code for code in ("price_sensitive", "quality_seeking") if code not in model.names]


def _chapter(version: str, model: PersonaModel, frame: pd.DataFrame) -> Chapter:
    known, labels = catalogue(), model.labels(frame)
    rows = []
    for position, code in enumerate(model.names):
        members = frame[labels == position]
        middle = members.median()
        rows.append(
            (
                f"{known[code].en} {known[code].zh}",
                f"{len(members):,}",
                *(f"{middle[name]:.2f}" if name in model.inputs else "" for name in INPUTS),
            )
        )
    columns = (
        Text("persona", "客群"), Text("customers", "客户数"), Text("discount share", "折扣占比"),
        Text("price position", "价位"), Text("log orders a year", "年订单数（对数）"),
        Text("log order value", "客单价（对数）"),
    )  # fmt: skip
    notes = tuple(
        Note(
            Text(
                f"No group is {known[code].en.lower()} as defined: nobody is called so.",
                f"没有符合“{known[code].zh}”定义的客群，因此无人使用该名称。",
            ),
            "warning",
        )
        for code in _absent(model)
    )
    return Chapter(
        "persona", version, notes=notes, tables=(Table(Text("Personas (medians)", "客群画像（中位数）"), columns, tuple(rows)),)
    )
