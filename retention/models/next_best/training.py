"""Proposals and rules are counted, not fitted; how often they hit is measured with every training and kept in the registry.

The formula that proposes has settings and no parameters. What is registered is these settings with their hit rates, held out by
time: `next_best` for the list of what comes next, `association` for what is new to a customer, which rests on rules alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Self
from weakref import WeakKeyDictionary

import pandas as pd

from retention.models import registry
from retention.models.associations import LEVELS
from retention.models.metrics import Measured
from retention.models.next_best import RULE
from retention.models.next_best.measure import HitRates, hit_rates
from retention.models.registry import RegisteredModel
from retention.models.report.data import Evaluation
from retention.models.training import Candidate, TooLittleData, Verdict, enrol, model_version
from retention.warehouse import Run, Warehouse

HORIZON_DAYS = 28
LEAST_CUSTOMERS = 100
OURS = "challenger"

_MEASURED: WeakKeyDictionary[Warehouse, tuple[date, tuple[HitRates, ...]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class NextBestRule:
    """The settings that proposals are made with."""

    kind: ClassVar[str] = "next_best"

    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """What makes it again."""
        return {"settings": self.settings}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make it from `to_dict`."""
        return cls(dict(stored["settings"]))


class AssociationRule(NextBestRule):
    """The settings that rules are counted with."""

    kind: ClassVar[str] = "association"


def train_next_best(run: Run) -> RegisteredModel:
    """Measure what is proposed next, as of four weeks ago, and register it.

    Raises
    ------
    TooLittleData with what is missing.
    """
    found = _measured(run)
    return _register(
        run, NextBestRule, found, {rates.level: rates.measured for rates in found}, min(rates.customers for rates in found)
    )


def train_association(run: Run) -> RegisteredModel:
    """Measure what is proposed of items that are new to a customer, as of four weeks ago, and register it.

    Raises
    ------
    TooLittleData with what is missing.
    """
    found = _measured(run)
    return _register(
        run, AssociationRule, found, {rates.level: rates.new for rates in found}, min(rates.new_customers for rates in found)
    )


def _measured(run: Run) -> tuple[HitRates, ...]:
    """Hit rates by level; both kinds are measured on the same proposals."""
    as_of = run.as_of_date - timedelta(days=HORIZON_DAYS)
    known = _MEASURED.get(run.warehouse)
    if known is None or known[0] != run.as_of_date:
        found = tuple(hit_rates(run, as_of, level, HORIZON_DAYS) for level in LEVELS)
        known = _MEASURED[run.warehouse] = run.as_of_date, found
    return known[1]


def _register(
    run: Run,
    rule: type[NextBestRule],
    found: tuple[HitRates, ...],
    by_level: dict[str, dict[str, dict[str, Measured]]],
    customers: int,
) -> RegisteredModel:
    as_of, kind = found[0].as_of, rule.kind
    if customers < LEAST_CUSTOMERS:
        raise TooLittleData(
            f"{kind}: customers who ordered in the {HORIZON_DAYS} days after {as_of} and had before: {customers}, "
            f"{LEAST_CUSTOMERS} are needed to measure proposals"
        )
    measured: dict[str, dict[str, Measured]] = {}
    for level, candidates in by_level.items():
        for candidate, metrics in candidates.items():
            measured.setdefault(candidate, {}).update({f"{level}_{name}": value for name, value in metrics.items()})
    settings = run.settings.associations
    figures = pd.DataFrame(
        [(candidate, name, value.value) for candidate, metrics in measured.items() for name, value in metrics.items()],
        columns=["candidate", "metric", "value"],
    )
    version = model_version(run, kind, [figures], [], (RULE, settings))
    known = registry.find(run.warehouse, version)
    if known:
        return known
    made = rule(asdict(settings))
    return enrol(
        run,
        Candidate(
            kind=kind,
            model_version=version,
            definition=RULE,
            horizon_days=HORIZON_DAYS,
            labels_until=run.as_of_date,
            scoring=made,
            twin=made,
            training_rows=customers,
            evaluation=Evaluation(as_of, HORIZON_DAYS, customers, measured),
            details={"expected_hits": {rates.level: rates.expected_hits for rates in found}},
        ),
        _verdict(measured),
    )


def _verdict(measured: dict[str, dict[str, Measured]]) -> Verdict:
    """The formula is in use whatever comes out, so that it is registered as what scores; the words say how good it is."""
    parts = []
    for metric, ours in measured[OURS].items():
        if ours.value is not None:
            others = [
                f"{name.replace('_', '-')} {values[metric].value:.3f}"
                for name, values in measured.items()
                if name != OURS and metric in values and values[metric].value is not None
            ]
            parts.append(f"{metric.replace('_', ' ')} {ours.value:.3f} ({', '.join(others)})")
    return Verdict(True, f"in use, measured out of time: {'; '.join(parts)}")
