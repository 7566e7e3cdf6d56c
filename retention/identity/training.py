"""Training of the linkage model on a company's own customers: splink's u by random pairs, m by expectation maximisation."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retention.identity.comparisons import settings as untrained
from retention.identity.model import LinkageModel, NameFrequencies, shipped_model
from retention.identity.records import prepare
from retention.identity.scoring import duckdb_in_memory, open_linker
from retention.warehouse import RetentionError

LINK_PROBABILITY = 0.95
REVIEW_PROBABILITY = 0.5
_SEED = 20260103
_MINIMUM_RECORDS = 2_000
_RANDOM_PAIRS = 4_000_000
_LEAST_M = 0.002


class TooFewToTrain(RetentionError):
    """There are too few customers to learn from."""

    runbook = "linkage-model"


def train(
    records: pd.DataFrame, label: str, link_probability: float = LINK_PROBABILITY, random_pairs: int = _RANDOM_PAIRS
) -> LinkageModel:
    """Train a linkage model. Needs no truth; the same records give the same model, in whatever order they come.

    Parameters
    ----------
    records : DataFrame with :data:`retention.identity.records.COLUMNS`
        Source customers.
    label : str
        What it was trained on, for people to read.
    link_probability : float
        Probability from which pairs are linked.
    random_pairs : int
        Pairs drawn to learn how often strangers agree.

    Raises
    ------
    TooFewToTrain with fewer than 2,000 records.
    """
    if len(records) < _MINIMUM_RECORDS:
        raise TooFewToTrain(
            f"linkage model: {len(records):,} source customers, at least {_MINIMUM_RECORDS:,} are needed to learn from. "
            "Nothing changed; the model in force goes on linking."
        )
    records = records.sort_values("source_customer_key", ignore_index=True)
    prepared = prepare(records, NameFrequencies(1, {}, {}))
    frequencies = NameFrequencies.count(prepared)
    prepared["tf_name_full"] = frequencies.shares(prepared)
    prepared["email_use"] = prepared["phone_use"] = 0
    with duckdb_in_memory() as connection:
        connection.execute("set threads = 1; set preserve_insertion_order = true")  # sums of floats depend on their order
        linker = open_linker(connection, prepared, untrained())
        linker.training.estimate_probability_two_random_records_match(
            ["l.phone = r.phone and l.sound = r.sound", "l.email = r.email and l.sound = r.sound"], recall=0.75
        )
        linker.training.estimate_u_using_random_sampling(max_pairs=random_pairs, seed=_SEED, min_count_per_level=None)
        for rule in ("l.phone = r.phone", "l.email = r.email", "l.sound = r.sound and l.birth = r.birth"):
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
        learned: dict[str, Any] = linker.misc.save_model_to_json()
        pairs = min(random_pairs, len(prepared) * (len(prepared) - 1) / 2)
    return LinkageModel(
        splink=_rounded(_completed({key: value for key, value in learned.items() if key != "linker_uid"}, pairs)),
        frequencies=frequencies,
        link_probability=link_probability,
        review_probability=REVIEW_PROBABILITY,
        trained_on={"records": len(records), "label": label, "seed": _SEED},
    )


def _completed(model: dict[str, Any], pairs: float) -> dict[str, Any]:
    """Give levels that training never met a cautious probability in place of none, or of one that forbids.

    What no random pair showed is as rare as one pair would be; and no single disagreement may outweigh everything else,
    because among hundreds of thousands of duplicates every kind of mistake happens.
    """
    for comparison in model["comparisons"]:
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        for level in levels:
            level["u_probability"] = max(level.get("u_probability") or 0.0, 1.0 / pairs)
            level["m_probability"] = max(level.get("m_probability") or 0.0, _LEAST_M)
        for side in ("m_probability", "u_probability"):
            total = sum(level[side] for level in levels)
            for level in levels:
                level[side] /= total
    return model


def _rounded(value: Any) -> Any:
    """Return a value with its floats cut to nine significant digits: what lies behind them is noise of the machine."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return value


__all__ = ["TooFewToTrain", "shipped_model", "train"]
