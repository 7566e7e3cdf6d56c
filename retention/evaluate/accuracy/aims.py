"""Where ours falls short on a split: said in words under its tables, so that nobody has to find it among the figures."""

from __future__ import annotations

from collections.abc import Mapping

from retention.evaluate.orders import MINOR_DIGITS
from retention.models.report import Measured

Measures = Mapping[str, Mapping[str, Measured]]
Figures = Mapping[str, Mapping[str, float]]

MEAN_GAP, ECE, ECE_CUSTOMERS = 0.03, 0.02, 20_000
"""Aims: the mean within three points of what happened; a calibration error of at most 0.02 where this many customers tell."""
_OURS = "model"
_STANDARD_ERRORS = 2 * 1.96
"""A 95 % interval is as wide as so many standard errors."""
_HIGHER = ("auc", "spearman", "top_decile_share", "normalised_gini")
_LOWER = ("brier", "mae")
_TO_ZERO = ("total_bias",)


def shortfalls(
    customers: int, churn: Measures, value: Measures, published_churn: Figures, published_value: Figures
) -> list[str]:
    """Aims that were missed, and measures in which an alternative is better by more than one bootstrap standard error of ours.

    Parameters
    ----------
    churn, value : candidate -> metric -> value with its interval; money in minor units.
    published_churn, published_value : the same of models that the command does not fit; money in major units.

    Returns
    -------
    Half sentences; empty where nothing falls short.
    """
    found = []
    gap, ece = (churn[_OURS][name].value for name in ("mean_gap", "ece"))
    if gap is not None and abs(gap) > MEAN_GAP:
        found.append(f"mean predicted churn {gap * 100:+.1f} points from what happened (aim: within {MEAN_GAP * 100:.0f})")
    if ece is not None and customers >= ECE_CUSTOMERS and ece > ECE:
        found.append(f"calibration error {ece:.3f} (aim: {ECE} from {ECE_CUSTOMERS:,} customers on)")
    for measured, published in ((churn, published_churn), (value, published_value)):
        for metric in (*_HIGHER, *_LOWER, *_TO_ZERO):
            better = _better(metric, measured, published)
            if better:
                found.append(better)
    return found


def _better(metric: str, measured: Measures, published: Figures) -> str | None:
    ours = measured[_OURS].get(metric)
    if ours is None or ours.value is None or ours.lower is None or ours.upper is None:
        return None
    unit = 10.0**MINOR_DIGITS if metric == "mae" else 1.0
    others = {name: values[metric] * unit for name, values in published.items() if metric in values}
    for name, values in measured.items():
        theirs = values[metric].value if name != _OURS and metric in values else None
        if theirs is not None:
            others[name.replace("_", " ")] = theirs
    if not others:
        return None

    def loss(figure: float) -> float:
        return -figure if metric in _HIGHER else abs(figure) if metric in _TO_ZERO else figure

    best = min(others, key=lambda name: loss(others[name]))
    if loss(ours.value) - loss(others[best]) <= (ours.upper - ours.lower) / _STANDARD_ERRORS:
        return None
    return f"{metric.replace('_', ' ')} {ours.value / unit:.3f}, {best} {others[best] / unit:.3f}"
