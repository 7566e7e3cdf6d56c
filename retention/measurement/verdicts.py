"""Scores against what happened, and a plain verdict per model: good, worth watching, or bad, and why.

Each scored date whose horizon has passed is measured once (:func:`measure_scores`), and again while late orders may still
change its outcome: by bucket, by group of customers, and in all. The verdict of a day rests on the newest of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from retention.measurement.words import LANGUAGES, money, sentence
from retention.models import metrics
from retention.settings import Settings
from retention.warehouse import Run, lease, load_contract, read_arrow, sql_file

MODELS = ("churn", "clv", "repurchase_30d", "repurchase_90d", "renewal")
DATES = 3
"""Dates that must err in the same direction for a trend."""
SEGMENT_PEOPLE = 100
"""Groups of fewer people do not decide a verdict."""
DRIFT_DAYS = 7
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """From where on a measure is worth watching, and from where on bad.

    Gaps of probabilities are in probability, gaps of value are shares of what happened. A gap also has to be twice its standard
    error, so that thirty customers do not condemn a model.
    """

    gap: tuple[float, float]
    calibration: tuple[float, float]
    ranking: tuple[float, float]
    """Below."""
    segment: float


PROBABILITY = Limits(gap=(0.05, 0.10), calibration=(0.05, 0.10), ranking=(0.65, 0.55), segment=0.10)
VALUE = Limits(gap=(0.15, 0.35), calibration=(np.inf, np.inf), ranking=(0.30, 0.10), segment=0.50)


@dataclass(frozen=True)
class Measured:
    """One scored date of a model, as in ``bi.score_measure``."""

    model: str
    scored_as_of: date
    matured_on: date
    is_fallback: bool
    customers: int
    predicted_mean: float
    realised_mean: float
    gap_error: float
    calibration_error: float | None
    ranking: float | None
    skill: float | None

    @property
    def limits(self) -> Limits:
        """Limits of its kind."""
        return VALUE if self.model == "clv" else PROBABILITY

    @property
    def scale(self) -> float:
        """What gaps are measured in: probability, or the mean that happened."""
        return max(abs(self.realised_mean), 1.0) if self.model == "clv" else 1.0

    @property
    def gap(self) -> float:
        """Predicted less realised, in :attr:`scale`."""
        return (self.predicted_mean - self.realised_mean) / self.scale


@dataclass(frozen=True)
class Group:
    """One group of customers of a scored date, as in ``bi.score_segment_value``."""

    dimension: str
    member: str
    customers: int
    predicted_mean: float
    realised_mean: float
    realised_error: float | None


@dataclass(frozen=True)
class Reason:
    """What speaks against a model."""

    key: str
    is_bad: bool
    weight: float
    """How far beyond the limit: the greatest is told first."""
    group: Group | None = None


def measure_scores(run: Run) -> int:
    """Measure the scored dates that have come due or whose outcomes were taken anew since; return how many."""
    with run.warehouse.connect() as connection:
        due = connection.execute(sa.text(_DUE)).all()
    for row in due:
        binds = {"kind": row.kind, "scored_as_of": row.scored_as_of}
        found = read_arrow(
            run.warehouse,
            "select predicted, cast(realised as double precision) as realised, is_fallback, matured_on from scores.outcome "
            "where kind = :kind and scored_as_of = :scored_as_of",
            binds,
        )
        if not found.num_rows:
            continue
        measured = {
            **binds, "matured_on": found.column("matured_on")[0].as_py(), "at": row.published_at,
            "is_fallback": any(found.column("is_fallback").to_pylist()),
            **measures(row.kind, found.column("predicted").to_numpy(), found.column("realised").to_numpy()),
        }  # fmt: skip
        with lease(run, "bi.score_measure", f"{row.kind} {row.scored_as_of}") as held, held.publishing() as connection:
            for table in ("bi.score_bucket", "bi.score_segment_value", "bi.score_measure"):
                connection.execute(sa.text(f"delete from {table} where model = :kind and scored_as_of = :scored_as_of"), binds)
            for table, query in (("bi.score_bucket", "bi/_score_buckets"), ("bi.score_segment_value", "bi/_score_segments")):
                names = ", ".join(load_contract(table).column_names)
                connection.execute(
                    sa.text(f"insert into {table} ({names}) select {names} from (\n{sql_file(query)}\n) as found"), binds
                )
            connection.execute(sa.text(_KEEP), measured)
            held.record(connection, "bi.score_measure", 1)
    return len(due)


_DUE = """
select
    split_part(outcome.slice_key, ' ', 1) as kind,
    cast(split_part(outcome.slice_key, ' ', 2) as date) as scored_as_of,
    outcome.published_at
from ops.published as outcome
left join bi.score_measure as known
    on known.model = split_part(outcome.slice_key, ' ', 1)
    and known.scored_as_of = cast(split_part(outcome.slice_key, ' ', 2) as date)
where outcome.table_name = 'scores.outcome' and (known.model is null or known.measured_at < outcome.published_at)
order by 2, 1
"""
_KEEP = """
insert into bi.score_measure (
    model, scored_as_of, matured_on, is_fallback, customers, predicted_mean, realised_mean, gap_error, calibration_error,
    ranking, skill, measured_at
)
values (
    :kind, :scored_as_of, :matured_on, :is_fallback, :customers, :predicted_mean, :realised_mean, :gap_error,
    :calibration_error, :ranking, :skill, :at
)
"""


def measures(kind: str, predicted: Floats, realised: Floats) -> dict[str, Any]:
    """Return what is kept of one scored date: means, calibration, order, and skill against saying the same of everybody."""
    is_value = kind == "clv"

    def error(said: Floats) -> float:
        return float((np.abs(said - realised) if is_value else np.square(said - realised)).mean())

    of_same = error(np.full(len(realised), float(np.median(realised)) if is_value else float(realised.mean())))
    rank = (metrics.normalised_gini if is_value else metrics.auc)(realised, predicted)
    return {
        "customers": len(predicted),
        "predicted_mean": float(predicted.mean()),
        "realised_mean": float(realised.mean()),
        "gap_error": float(realised.std(ddof=1) / len(realised) ** 0.5) if len(realised) > 1 else 0.0,
        "calibration_error": None if is_value else float(metrics.expected_calibration_error(realised, predicted)),
        "ranking": float(rank) if np.isfinite(rank) else None,
        "skill": 1 - error(predicted) / of_same if of_same > 0 else None,
    }


def reasons_of(newest: Measured, earlier: Sequence[Measured], groups: Sequence[Group], drift: str) -> list[Reason]:
    """Return what speaks against a model, the worst first; nothing where it is good.

    Parameters
    ----------
    newest : Measured
        The newest date that can be compared.
    earlier : sequence of Measured
        Dates before it, the newest first.
    groups : sequence of Group
        Groups of customers of the newest date.
    drift : str
        ok, warn, stop or unknown.
    """
    limits, found = newest.limits, list[Reason]()
    noise = 2 * newest.gap_error / newest.scale

    def against(key: str, size: float, bounds: tuple[float, float], least: float = 0.0) -> None:
        watch, bad = (max(bound, least) for bound in bounds)
        if size > watch:
            found.append(Reason(key, size > bad, size / watch))

    against("gap", abs(newest.gap), limits.gap, noise)
    if newest.calibration_error is not None:
        # Ten bins of few people differ from what was said by chance alone.
        against("calibration", newest.calibration_error, limits.calibration, 0.8 * (10 * 0.25 / newest.customers) ** 0.5)
    if newest.ranking is not None and newest.ranking < limits.ranking[0]:
        found.append(Reason("ranking", newest.ranking < limits.ranking[1], 1 + limits.ranking[0] - newest.ranking))
    if newest.skill is not None and newest.skill <= 0:
        found.append(Reason("baseline", newest.skill < -0.02 and newest.model != "clv", 1.5))
    if drift in ("warn", "stop"):
        found.append(Reason("drift", drift == "stop", 1.2))
    apart = [group for group in groups if _is_apart(newest, group)]
    if apart:
        worst = max(apart, key=lambda group: (abs(group.predicted_mean - group.realised_mean), group.dimension, group.member))
        found.append(Reason("segment", is_bad=False, weight=1.1, group=worst))
    signs = {np.sign(one.gap) for one in (newest, *earlier[: DATES - 1]) if abs(one.gap) > one.limits.gap[0] / 2}
    if (
        len(earlier) >= DATES - 1
        and len(signs) == 1
        and all(abs(one.gap) > one.limits.gap[0] / 2 for one in (newest, *earlier[: DATES - 1]))
    ):
        found.append(Reason("trend", is_bad=False, weight=1.05))
    if newest.is_fallback:
        found.append(Reason("fallback", is_bad=False, weight=1.0))
    return sorted(found, key=lambda reason: (not reason.is_bad, -reason.weight, reason.key))


def _is_apart(newest: Measured, group: Group) -> bool:
    gap = abs(group.predicted_mean - group.realised_mean)
    scale = max(abs(group.realised_mean), 1.0) if newest.model == "clv" else 1.0
    return group.customers >= SEGMENT_PEOPLE and gap / scale > newest.limits.segment and gap > 3 * (group.realised_error or 0)


def model_verdicts(run: Run, waiting: Mapping[str, tuple[date | None, date | None]]) -> pd.DataFrame:
    """Return the rows of ``bi.score_verdict`` as of the run's date.

    Parameters
    ----------
    run : Run
        The day; its dates must be measured (:func:`measure_scores`).
    waiting : mapping
        By model without any, the oldest scores that wait and when they come due.
    """
    with run.warehouse.connect() as connection:
        known: dict[str, list[Measured]] = {}
        for row in connection.execute(sa.text(_KNOWN), {"as_of_date": run.as_of_date, "dates": DATES}):
            known.setdefault(row.model, []).append(Measured(**row._mapping))
        drift = {
            row.kind: row.level
            for row in connection.execute(
                sa.text(_DRIFT),
                {"as_of_date": run.as_of_date, "since": run.as_of_date - timedelta(days=DRIFT_DAYS)},
            )
        }
        rows = []
        for model in MODELS:
            shifted = drift.get(model.partition("_")[0], "unknown")
            if model in known:
                newest, *earlier = known[model]
                groups = [
                    Group(**row._mapping)
                    for row in connection.execute(sa.text(_GROUPS), {"model": model, "scored_as_of": newest.scored_as_of})
                ]
                rows.append(_row(run, newest, reasons_of(newest, earlier, groups, shifted), shifted))
            elif model in waiting:
                rows.append(_waiting(run, model, *waiting[model], shifted))
    columns = load_contract("bi.score_verdict").column_names
    frame = pd.DataFrame(rows, columns=columns)
    floats = ("predicted_mean", "realised_mean", "calibration_error", "ranking", "skill")
    return frame.astype({"customers": "int64", **dict.fromkeys(floats, "float64")})


_KNOWN = """
select model, scored_as_of, matured_on, is_fallback, customers, predicted_mean, realised_mean, gap_error, calibration_error,
    ranking, skill
from (
    select *, row_number() over (partition by model order by scored_as_of desc) as place
    from bi.score_measure
    where matured_on <= :as_of_date
) as placed
where place <= :dates
order by model, scored_as_of desc
"""
_DRIFT = """
select distinct on (kind) kind, level
from ops.score_drift
where as_of_date <= :as_of_date and as_of_date > :since
order by kind, as_of_date desc, case level when 'stop' then 0 when 'warn' then 1 else 2 end
"""
_GROUPS = """
select dimension, member, customers, predicted_mean, realised_mean, realised_error
from bi.score_segment_value
where model = :model and scored_as_of = :scored_as_of
order by dimension, member
"""


def _row(run: Run, newest: Measured, reasons: Sequence[Reason], drift: str) -> dict[str, Any]:
    verdict = "good" if not reasons else "bad" if reasons[0].is_bad else "watch"
    return {
        "as_of_date": run.as_of_date,
        "model": newest.model,
        "verdict": verdict,
        "reasons": [reason.key for reason in reasons],
        **{f"sentence_{language}": _told(run.settings, newest, reasons, language) for language in LANGUAGES},
        "scored_as_of": newest.scored_as_of,
        "matures_on": newest.matured_on,
        "customers": newest.customers,
        "predicted_mean": newest.predicted_mean,
        "realised_mean": newest.realised_mean,
        "calibration_error": newest.calibration_error,
        "ranking": newest.ranking,
        "skill": newest.skill,
        "drift": drift,
    }


def _told(settings: Settings, newest: Measured, reasons: Sequence[Reason], language: str) -> str:
    """Return the verdict in words: that it is good, or the two worst reasons."""

    def figure(value: float) -> str:
        return money(value, settings) if newest.model == "clv" else f"{value:.1%}"

    told = {
        "customers": f"{newest.customers:,}", "scored_as_of": newest.scored_as_of, "dates": DATES,
        "calibration": "" if newest.calibration_error is None else f"{newest.calibration_error:.1%}",
        "ranking": "" if newest.ranking is None else f"{newest.ranking:.2f}", "chance": "0" if newest.model == "clv" else "0.5",
    }  # fmt: skip
    if not reasons:
        means = {"predicted": figure(newest.predicted_mean), "realised": figure(newest.realised_mean)}
        return sentence("verdict", "good", language, **told, **means)
    sentences = []
    for reason in reasons[:2]:
        of = reason.group or newest
        told |= {"predicted": figure(of.predicted_mean), "realised": figure(of.realised_mean)}
        if reason.group is not None:
            told |= {"member": reason.group.member, "dimension": reason.group.dimension}
        sentences.append(sentence("verdict", reason.key, language, **told))
    return (" " if language == "en" else "").join(sentences)


def _waiting(run: Run, model: str, scored_as_of: date | None, matures_on: date | None, drift: str) -> dict[str, Any]:
    key = "no_scores" if scored_as_of is None else "waiting"
    return {
        "as_of_date": run.as_of_date,
        "model": model,
        "verdict": "waiting",
        "reasons": [],
        **{f"sentence_{language}": sentence("verdict", key, language, matures_on=matures_on) for language in LANGUAGES},
        "scored_as_of": scored_as_of,
        "matures_on": matures_on,
        "customers": 0,
        "drift": drift,
    }


def read_waiting(run: Run, staged: str) -> dict[str, tuple[date | None, date | None]]:
    """Return the models of which no scores can be compared yet, from the staging of ``bi.score_reliability``."""
    with run.warehouse.connect() as connection:
        rows = connection.execute(sa.text(f"select model, scored_as_of, matures_on from {staged} where state = 'waiting'"))
        return {row.model: (row.scored_as_of, row.matures_on) for row in rows}
