"""Alternatives measured once on the same splits by the same definitions, for the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Alternative -> metric -> value."""

    churn: Mapping[str, Mapping[str, float]]
    value: Mapping[str, Mapping[str, float]]


def _value(mae: float, bias: float, spearman: float, share: float, gini: float) -> dict[str, float]:
    return {"mae": mae, "total_bias": bias, "spearman": spearman, "top_decile_share": share, "normalised_gini": gini}


ALTERNATIVES: Mapping[str, Published] = {
    "CDNOW sample, 39 weeks": Published(
        {
            "1 - P(alive)": {"auc": 0.316},
            "-E[N]": {"auc": 0.772},
            "logistic RFM": {"auc": 0.780},
            "boosting": {"auc": 0.758, "brier": 0.181},
        },
        {},
    ),
    "CDNOW master, 39 weeks": Published(
        {
            "1 - P(alive)": {"auc": 0.320},
            "-E[N]": {"auc": 0.763},
            "logistic RFM": {"auc": 0.769},
            "boosting": {"auc": 0.768, "brier": 0.184},
        },
        {
            "BG/NBD + Gamma-Gamma, reference fit": _value(32.67, -0.173, 0.421, 0.516, 0.672),
            "boosting, Poisson": _value(33.74, -0.077, 0.430, 0.515, 0.674),
        },
    ),
    "CDNOW master, 13 weeks": Published(
        {
            "1 - P(alive)": {"auc": 0.344},
            "-E[N]": {"auc": 0.834},
            "logistic RFM": {"auc": 0.837},
            "boosting": {"auc": 0.837, "brier": 0.089},
        },
        {
            "BG/NBD + Gamma-Gamma, reference fit": _value(11.09, 0.149, 0.398, 0.616, 0.769),
            "boosting, Poisson": _value(12.13, 0.258, 0.392, 0.600, 0.770),
        },
    ),
    "Complete Journey, 92 days": Published(
        {
            "1 - P(alive)": {"auc": 0.669},
            "-E[N]": {"auc": 0.866},
            "logistic RFM": {"auc": 0.884},
            "boosting": {"auc": 0.888, "brier": 0.044},
        },
        {
            "BG/NBD + Gamma-Gamma, reference fit": _value(186.1, -0.033, 0.804, 0.327, 0.845),
            "boosting, Poisson": _value(186.4, 0.068, 0.829, 0.328, 0.866),
        },
    ),
    "Complete Journey, 28 days": Published(
        {
            "1 - P(alive)": {"auc": 0.680},
            "-E[N]": {"auc": 0.861},
            "logistic RFM": {"auc": 0.862},
            "boosting": {"auc": 0.875, "brier": 0.103},
        },
        {
            "BG/NBD + Gamma-Gamma, reference fit": _value(77.0, -0.064, 0.743, 0.347, 0.799),
            "boosting, Poisson": _value(72.6, -0.026, 0.771, 0.354, 0.829),
        },
    ),
}
