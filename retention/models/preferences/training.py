"""Preferences are counted, not fitted; how well they foretell is measured with every training and kept in the registry.

The profile as of four weeks ago is set beside what customers did since: the share of their lines that lay in the favourite
category, of their orders that came through the preferred channel, of their visits at the best hour and weekday; and how near
the stated response rates were to the messages answered. Beside it stand the company's habit (the same for everybody) and the
customer's own alone (the most frequent so far), so that drawing the one to the other has to earn its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import ClassVar

import numpy as np
import pandas as pd

from retention.models import registry
from retention.models.associations import sample
from retention.models.baskets import open_baskets
from retention.models.metrics import Measured, mean_of
from retention.models.next_best.training import NextBestRule
from retention.models.preferences import RULE, asked_of
from retention.models.preferences.channels import GROUPS, Channels, learn_channels, stated
from retention.models.preferences.habits import Shares, best_moment, favourites, learn_shares
from retention.models.registry import RegisteredModel
from retention.models.report.data import Evaluation
from retention.models.training import Candidate, TooLittleData, Verdict, enrol, model_version
from retention.warehouse import Run, read_frame, sql_file

HORIZON_DAYS = 28
LEAST_CUSTOMERS = 100
SEED = 20260103
OURS, COMPANY, OWN, STATED = "challenger", "company_habit", "own_habit", "stated_prior"
_ALONE, _NOTHING = 1e9, 1e-9
"""As how many occurrences the company's habit counts where it is to stand alone, and where the customer's own is."""


class PreferenceRule(NextBestRule):
    """The settings that preferences are counted with."""

    kind: ClassVar[str] = "preference"


def train_preference(run: Run) -> RegisteredModel:
    """Measure preferences as of four weeks ago on what came after, and register them.

    Raises
    ------
    TooLittleData with what is missing.
    """
    as_of = run.as_of_date - timedelta(days=HORIZON_DAYS)
    customers, measured = measure_preferences(run, as_of)
    if customers < LEAST_CUSTOMERS:
        raise TooLittleData(
            f"preference: customers who ordered or came in the {HORIZON_DAYS} days after {as_of} and had before: {customers}, "
            f"{LEAST_CUSTOMERS} are needed to measure preferences"
        )
    figures = pd.DataFrame(
        [(candidate, name, value.value) for candidate, metrics in measured.items() for name, value in metrics.items()],
        columns=["candidate", "metric", "value"],
    )
    version = model_version(run, "preference", [figures], [], (RULE, run.settings.preferences))
    known = registry.find(run.warehouse, version)
    if known:
        return known
    made = PreferenceRule(asdict(run.settings.preferences))
    candidate = Candidate(
        kind="preference",
        model_version=version,
        definition=RULE,
        horizon_days=HORIZON_DAYS,
        labels_until=run.as_of_date,
        scoring=made,
        twin=made,
        training_rows=customers,
        evaluation=Evaluation(as_of, HORIZON_DAYS, customers, measured),
    )
    return enrol(run, candidate, _verdict(measured))


def measure_preferences(run: Run, as_of: date) -> tuple[int, dict[str, dict[str, Measured]]]:
    """Foretell habits and responses as of a past date, and look at the four weeks after it.

    Customers are those of the first range, a random share of all. In shares of habits every customer counts once, in the Brier
    score of responses every message.

    Returns
    -------
    Customers with visits before and after; candidate -> metric -> value with 95 % bootstrap interval.
    """
    settings, keys = run.settings.preferences, dict(sample(run))
    before, responses, ages = _read(run, as_of, settings.window_days, keys)
    after, answers, _ = _read(run, as_of + timedelta(days=HORIZON_DAYS), HORIZON_DAYS, keys)
    measured: dict[str, dict[str, Measured]] = {OURS: {}, COMPANY: {}, OWN: {}, STATED: {}}
    visitors = 0
    for kind, shares in learn_shares(before, settings).items():
        for candidate, prior in ((OURS, shares.prior), (COMPANY, _ALONE), (OWN, _NOTHING)):
            hits = _hits(before[before["kind"] == kind], after[after["kind"] == kind], replace(shares, prior=prior))
            measured[candidate][f"{kind}_share"] = mean_of(hits, np.ones(len(hits)), SEED)
            visitors = len(hits) if kind == "weekday" else visitors
    channels = learn_channels(responses, ages, settings)
    for candidate, value in _response_errors(responses, answers, ages, channels).items():
        measured[candidate]["response_brier"] = value
    return visitors, measured


def _read(run: Run, as_of: date, window_days: int, keys: Mapping[str, int]) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Habits, responses and ages of a window, as they were known at its end."""
    preferences = replace(run.settings.preferences, window_days=window_days)
    then = replace(
        run,
        business_date=run.business_date - (run.as_of_date - as_of),
        settings=replace(run.settings, preferences=preferences),
    )
    asked = {**asked_of(then), **keys}
    with open_baskets(run, as_of, keys, window_days) as baskets:
        categories = baskets.count("_categories")
    habits = pd.concat([categories, read_frame(run.warehouse, sql_file("scores/_habits"), asked)])
    responses = read_frame(run.warehouse, sql_file("scores/_responses"), asked)
    ages = read_frame(run.warehouse, sql_file("scores/_ages"), asked_of(then)).set_index("customer_key")["age"]
    return habits, responses, ages


def _hits(before: pd.DataFrame, after: pd.DataFrame, shares: Shares) -> np.ndarray:
    """Share of each customer's later occurrences that were what was foretold; empty where nothing is told."""
    customers = pd.Index(np.intersect1d(before["customer_key"], after["customer_key"]))
    moment = shares.kind in ("hour", "weekday")
    foretold = (best_moment if moment else favourites)(before, shares, customers)["first"]
    if foretold.isna().all():
        return np.empty(0)
    after = after[after["customer_key"].isin(customers)]
    hit = after["habit"].to_numpy() == after["customer_key"].map(foretold).to_numpy()
    times = after["count_times"].to_numpy(dtype=np.float64)
    counted = pd.DataFrame({"hit": hit * times, "times": times}).groupby(after["customer_key"].to_numpy()).sum()
    return np.asarray(counted["hit"] / counted["times"], dtype=np.float64)


def _response_errors(
    responses: pd.DataFrame, answers: pd.DataFrame, ages: pd.Series, channels: Channels
) -> dict[str, Measured]:
    """Brier score of the response rates on later messages: ours, the age group's, the customer's own and the stated one."""
    later = answers[(answers["count_messages"] > 0) & answers["channel"].isin(channels.names)]
    asked = later[["customer_key", "channel", "count_messages", "count_answered"]].merge(
        responses[["customer_key", "channel", "count_messages", "count_answered"]],
        on=["customer_key", "channel"], how="left", suffixes=("", "_before"),
    ).fillna(0)  # fmt: skip
    group = channels.groups(ages, pd.Index(asked["customer_key"]))
    column = pd.Index(channels.names).get_indexer(pd.Index(asked["channel"]))
    prior = stated()
    assumed = np.array([[prior[name][channel] for channel in channels.names] for name in GROUPS])[group, column]
    start = channels.answered[group, column]
    sent, answered = (asked[f"{name}_before"].to_numpy(dtype=np.float64) for name in ("count_messages", "count_answered"))
    rates = {
        OURS: (answered + channels.prior_messages * start) / (sent + channels.prior_messages),
        COMPANY: start,
        OWN: (answered + _NOTHING * start) / (sent + _NOTHING),
        STATED: assumed,
    }
    messages, hits = (asked[name].to_numpy(dtype=np.float64) for name in ("count_messages", "count_answered"))
    errors = {name: messages * rate**2 - 2 * hits * rate + hits for name, rate in rates.items()}
    # Messages of one customer go together: customers are drawn, not messages.
    sums = pd.DataFrame({**errors, "messages": messages}).groupby(asked["customer_key"].to_numpy()).sum()
    weights = sums["messages"].to_numpy()
    return {name: mean_of(sums[name].to_numpy() / weights, weights, SEED) for name in rates}


def _verdict(measured: Mapping[str, Mapping[str, Measured]]) -> Verdict:
    """Preferences are in use whatever comes out, so that they are registered as what scores; the words say how good."""
    told = []
    for metric, ours in measured[OURS].items():
        if ours.value is not None:
            others = [
                f"{name.replace('_', ' ')} {values[metric].value:.3f}"
                for name, values in measured.items()
                if name != OURS and metric in values and values[metric].value is not None
            ]
            told.append(f"{metric.replace('_', ' ')} {ours.value:.3f} ({', '.join(others)})")
    return Verdict(True, f"in use, measured out of time: {'; '.join(told) or 'nothing of it told'}")
