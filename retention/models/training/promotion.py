"""Who scores: a challenger is promoted only when it beats the baselines and the champion on the same customers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from retention.models import artifacts
from retention.models.registry import RegisteredModel
from retention.models.report.data import Measured

log = logging.getLogger(__name__)

# A challenger must lower the loss by this share, or every week's noise would change the model.
LEAST_GAIN = 0.001
# A lower Brier score must not be bought with a worse order of customers: this much AUC may be lost at most.
AUC_TOLERANCE = 0.005
# Likewise for value. Baselines are left out: past spend orders big spenders well and is far off in what they will spend.
GINI_TOLERANCE = 0.02
CHALLENGER, CHAMPION = "challenger", "champion"
LABELS = {"brier": "Brier", "mae": "mean absolute error", "auc": "AUC", "normalised_gini": "normalised Gini"}

Table = Mapping[str, Mapping[str, Measured]]


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger becomes champion, and why in plain words."""

    promoted: bool
    reason: str

    @property
    def state(self) -> str:
        """State of the model in the registry."""
        return CHAMPION if self.promoted else CHALLENGER


def decide_churn(measured: Table, current: RegisteredModel | None) -> Verdict:
    """Promote when the Brier score is better than every baseline's and the champion's, and the order is not worse."""
    return decide(measured, current, loss="brier", order="auc", tolerance=AUC_TOLERANCE)


def decide_clv(measured: Table, current: RegisteredModel | None, unit: float = 1.0) -> Verdict:
    """Promote when the mean absolute error is lower than the baselines' and the champion's, and the order is not worse.

    Parameters
    ----------
    unit : the reason says amounts in units of so many minor ones.
    """
    return decide(measured, current, loss="mae", order="normalised_gini", tolerance=GINI_TOLERANCE, unit=unit)


def decide(
    measured: Table,
    current: RegisteredModel | None,
    *,
    loss: str,
    order: str,
    tolerance: float,
    unit: float = 1.0,
) -> Verdict:
    """Compare the challenger with everybody else measured.

    Parameters
    ----------
    loss : metric that has to be lower; than the champion's by `LEAST_GAIN`.
    order, tolerance : metric of order, and how much of it may be lost against anybody.
    unit : the loss is said in units of this size.
    """
    mine = measured[CHALLENGER]
    for name in [name for name in measured if name != CHALLENGER]:
        other = measured[name]
        figures = f"{LABELS[loss]} {_show(mine[loss], unit)} against {_show(other[loss], unit)}"
        if _gain(mine[loss], other[loss]) <= (LEAST_GAIN if name == CHAMPION else 0.0):
            return Verdict(False, f"not promoted: no better than {_name(name, current)} ({figures})")
        if _value(other, order) - _value(mine, order) > tolerance:
            figures += f", {LABELS[order]} {_show(mine[order])} against {_show(other[order])}"
            return Verdict(False, f"not promoted: orders customers worse than {_name(name, current)} ({figures})")
    return Verdict(True, f"promoted: {_beaten(loss, measured, current, unit)}")


def champion_twin(current: RegisteredModel | None) -> artifacts.StoredModel | None:
    """The champion's twin; None when there is no champion, or its file cannot be used.

    A damaged file stops scoring until somebody acts; training a replacement is one way to act, so it must go on.
    """
    if current is None:
        return None
    try:
        return artifacts.load(current.file_name, current.file_sha256)[1]
    except artifacts.ModelFileRefused as refused:
        log.warning("champion %s cannot be compared with: %s", current.model_version, refused)
        return None


def _beaten(loss: str, measured: Table, current: RegisteredModel | None, unit: float) -> str:
    others = ", ".join(
        f"{_name(name, current)} {_show(values[loss], unit)}" for name, values in measured.items() if name != CHALLENGER
    )
    if CHAMPION in measured:
        first = ""
    elif current:
        first = f"; champion {current.model_version} could not be compared (its file or its columns are gone)"
    else:
        first = "; the first champion"
    return f"out of time {LABELS[loss]} {_show(measured[CHALLENGER][loss], unit)}, better than {others}{first}"


def _gain(mine: Measured, other: Measured) -> float:
    """Share by which a loss is lower; nothing is gained on what cannot be measured."""
    if mine.value is None or other.value is None or other.value <= 0:
        return 0.0
    return (other.value - mine.value) / other.value


def _value(metrics: Mapping[str, Measured], name: str) -> float:
    return (metrics[name].value or 0.0) if name in metrics else 0.0


def _name(candidate: str, current: RegisteredModel | None) -> str:
    if candidate == CHAMPION and current:
        return f"champion {current.model_version}"
    return candidate.replace("_", " ")


def _show(measured: Measured, unit: float = 1.0) -> str:
    if measured.value is None:
        return "undefined"
    shown = measured.value / unit
    return f"{shown:,.0f}" if abs(shown) >= 1000 else f"{shown:.4g}"
