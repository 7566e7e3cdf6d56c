"""The whole way from files to predictions, measures and a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from retention.evaluate.columns import Columns, find_columns, needed
from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.explaining import given_of, sentences
from retention.evaluate.ledger import Ledger, build_ledger
from retention.evaluate.measuring import Outcome, compare
from retention.evaluate.orders import Rows, read_rows
from retention.evaluate.people import read_complaints, read_customers
from retention.evaluate.plan import Plan, make_plan
from retention.evaluate.predicting import Fitted, fit, fit_models, predict, settings_for
from retention.evaluate.reading import read_file
from retention.evaluate.repurchasing import Repurchased, repurchased
from retention.evaluate.words import counted
from retention.evaluate.workspace import load, throw_away_secrets, workspace
from retention.models import repurchase
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse

REPURCHASE = {
    "repurchase_probability_30d": "probability_30d",
    "repurchase_probability_90d": "probability_90d",
    "next_order_date": "next_order_date",
    "next_order_from": "next_order_from",
    "next_order_until": "next_order_until",
}
"""Columns of predictions, and of scores.repurchase."""
Progress = Callable[[str, float | None, str], None]
"""Called with a step's name, its seconds (None when it begins), and what came of it in a few words."""


@dataclass(frozen=True)
class Request:
    """What somebody wants to try.

    Attributes
    ----------
    orders, customers, complaints : files.
    as_of, horizon_days, train_from : dates, chosen where left out.
    mapping : role -> column, where the user says so.
    timezone : zone of times without one, in which days are cut; the company's when left out.
    now : present instant; what lies after it cannot have happened.
    """

    orders: Path
    now: datetime
    customers: Path | None = None
    complaints: Path | None = None
    as_of: date | None = None
    horizon_days: int | None = None
    train_from: date | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Evaluated:
    """What came of it.

    Attributes
    ----------
    plan : dates.
    columns : role -> column of the file of orders, and why.
    ledger : orders and customers read.
    fitted : models.
    predictions : one row per purchaser as of the date, index customer_key, amounts in minor units; `customer_id` as delivered.
    outcome : measures; None where the file does not reach past the as-of date.
    notes : everything that was left out, assumed or chosen, in words.
    """

    request: Request
    plan: Plan
    columns: Columns
    rows: Rows
    ledger: Ledger
    fitted: Fitted
    predictions: pd.DataFrame
    outcome: Outcome | None
    notes: tuple[str, ...]
    seconds: Mapping[str, float]

    @cached_property
    def repurchased(self) -> list[Repurchased]:
        """How good the chances of another order were, for each number of days that the file covers."""
        return repurchased(self.outcome, self.predictions, self.plan.compared_days, self.request.settings.churn.seed)


def evaluate(request: Request, progress: Progress = lambda *_: None) -> Evaluated:
    """Learn from what was known before the as-of date, predict, and compare with what followed.

    Raises
    ------
    HistoryUnusable when a file cannot be read as what it is meant to be, or the dates leave nothing to predict from.
    """
    clock = _Clock(progress)
    settings = _settings(request)
    zone, notes = settings.company.business_timezone, []
    with clock("read orders") as step:
        delivered = read_file(request.orders)
        columns = find_columns(delivered, "orders", request.mapping, zone)
        needed(delivered, columns)
        rows = read_rows(delivered, columns, zone, request.now)
        settings = replace(settings, company=replace(settings.company, base_currency_minor_digits=rows.minor_digits))
        step.says = counted(delivered.table.num_rows, "row")
    known = build_ledger(rows.settled(None))
    if known.orders.empty:
        notes += [*delivered.notes, *rows.notes, *known.notes]
        raise HistoryUnusable(f"{delivered.name}: there is no purchase in it ({'; '.join(notes)}). Nothing was computed.")
    days = _days(known, zone)
    plan = make_plan(days.min(), days.max(), request.as_of, request.horizon_days, request.train_from, settings)
    began = np.datetime64(settings.day_start(plan.as_of).astimezone(UTC).replace(tzinfo=None))
    dated = rows.settled(began if plan.compared_days else None)
    rows, ledger = dated, known if dated is rows else build_ledger(dated)
    notes += [*delivered.notes, *rows.notes, *ledger.notes, *plan.notes]
    customers = complaints = None
    if request.customers is not None:
        with clock("read customers") as step:
            file = read_file(request.customers)
            customers = read_customers(file, find_columns(file, "customers", request.mapping, zone), zone, notes)
            without = len(set(customers["customer_key"]) - set(ledger.orders["customer_key"]))
            if without:
                notes.append(
                    f"{file.name}: without an order in the file, so without a prediction: {counted(without, 'customer')}"
                )
            step.says = counted(len(customers), "customer")
    if request.complaints is not None:
        with clock("read complaints") as step:
            file = read_file(request.complaints)
            found = find_columns(file, "complaints", request.mapping, zone)
            complaints = read_complaints(file, found, ledger.orders, zone, notes, rows.minor)
            step.says = counted(len(complaints), "complaint")
    with workspace() as warehouse:
        with clock("load") as step:
            load(warehouse, ledger, complaints, customers)
            step.says = (
                f"{counted(len(ledger.orders), 'order')} of {counted(ledger.orders['customer_key'].nunique(), 'customer')}"
            )
        run = _run(warehouse, plan, settings_for(settings, plan))
        with clock("features") as step:
            fitted = fit(run, plan)
            step.says = f"{counted(len(plan.dates), 'training date')}, {fitted.features.shape[1]} features"
        with clock("learn") as step:
            fit_models(run, plan, fitted)
            step.says = ", ".join(f"{kind}: fallback" for kind in fitted.reasons) or "churn and value"
        with clock("predict") as step:
            predictions = _predictions(run, plan, fitted, ledger)
            step.says = counted(len(predictions), "customer")
        with clock("explain"):
            predictions = predictions.join(sentences(run, fitted, predictions, rows.has_money))
        with clock("compare") as step:
            days_compared = plan.compared_days
            same = days_compared in (0, plan.horizon_days)
            outcome = compare(run, plan, fitted, predictions if same else predict(run, fitted, days_compared), rows.has_money)
            step.says = "nothing to compare with" if outcome is None else counted(days_compared, "day")
    notes += [f"{kind}: {why}; every row carries the marked fallback" for kind, why in fitted.reasons.items()]
    return Evaluated(request, plan, columns, rows, ledger, fitted, predictions, outcome, tuple(notes), clock.seconds)


def _settings(request: Request) -> Settings:
    """The installation's settings in the file's time zone; the file's amounts are in a currency that nobody named."""
    company = replace(request.settings.company, base_currency="")
    if request.timezone is not None:
        company = replace(company, business_timezone=request.timezone)
    return replace(request.settings, company=company)


def _days(ledger: Ledger, zone: str) -> pd.Series[date]:
    days: pd.Series[date] = ledger.orders["paid_at"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.date
    return days


def _run(warehouse: Warehouse, plan: Plan, settings: Settings) -> Run:
    return Run(
        business_date=plan.as_of - timedelta(days=1),
        warehouse=warehouse,
        settings=settings,
        attempt=Attempt("evaluate", "evaluate", "evaluate"),
        secrets=throw_away_secrets(),
    )


def _predictions(run: Run, plan: Plan, fitted: Fitted, ledger: Ledger) -> pd.DataFrame:
    predictions = predict(run, fitted, plan.horizon_days)
    again = repurchase.rows(run, given_of(run, fitted, predictions))["scores.repurchase"]
    for ours, theirs in REPURCHASE.items():
        predictions[ours] = again[theirs].to_numpy()
    predictions["customer_id"] = ledger.customers.reindex(predictions.index)
    predictions["is_fallback"] = predictions["churn_is_fallback"] | predictions["clv_is_fallback"]
    return predictions


class _Step:
    says = ""


class _Clock:
    """Times the steps and tells whoever watches."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[_Step]:
        step, start = _Step(), time.perf_counter()
        self._progress(name, None, "")
        yield step
        self.seconds[name] = time.perf_counter() - start
        self._progress(name, self.seconds[name], step.says)
