"""Next best product and category of each customer, and when what is used up will be bought again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retention.models.associations import KINDS, LEVELS, assortment, labels, open_range, published, ranges, rules
from retention.models.next_best import ranking, replenishment
from retention.models.next_best.histories import Market, learn_market, read_histories
from retention.settings import PROJECT_ROOT
from retention.warehouse import Run
from retention.yaml_text import load_yaml

if TYPE_CHECKING:
    from retention.models.scoring import Given

RULE = "habits-and-lift.v1"
RHYTHM_RULE = "own-and-product-rhythm.v1"
REASONS = PROJECT_ROOT / "include" / "next_best" / "reasons.yml"


def rows(run: Run, given: Given) -> dict[str, pd.DataFrame]:
    """Rows of `scores.association`, `scores.next_best` and `scores.replenishment`; none where no order has lines."""
    settings, as_of = run.settings.associations, run.as_of_date
    products, found = assortment(run, as_of), dict[tuple[str, str], pd.DataFrame]()
    names, markets = labels(products), dict[str, Market]()
    purchasers = given.features.index.to_numpy(dtype=np.int64)
    proposed, expected = [], []
    for keys in ranges(run):
        here = purchasers[(purchasers >= keys["first_key"]) & (purchasers <= keys["last_key"])]
        with open_range(run, as_of, keys) as baskets:
            for level in LEVELS:
                histories = read_histories(baskets, level)
                if level not in markets:
                    # The first range is the random share that everything about items is learned from.
                    found |= {(level, kind): rules(baskets, level, kind) for kind in KINDS}
                    markets[level] = learn_market(run, level, histories, products, found[level, "together"])
                market = markets[level]
                if market.share.any():
                    chosen = ranking.proposals(histories, market, here, settings)
                    proposed.append(_proposed(run, chosen, level, names))
                if level == "product":
                    due = replenishment.due(histories, market, settings)
                    expected.append(_expected(run, due[due["customer_key"].isin(here)], names))
    nothing = _proposed(run, ranking.no_proposals(), "product", names)
    return {
        "scores.association": published(run, found, names),
        "scores.next_best": pd.concat(proposed, ignore_index=True) if proposed else nothing,
        "scores.replenishment": pd.concat(expected, ignore_index=True),
    }


def _proposed(run: Run, found: pd.DataFrame, level: str, names: pd.Series) -> pd.DataFrame:
    because_of = found["because_of"].map(names).astype(object)
    because_of = because_of.where(found["why"] == "association", None)
    sentences = _reasons()
    reasons = {}
    for language in ("en", "zh"):
        text = found["why"].map({why: sentence[language] for why, sentence in sentences.items()}).astype(object)
        named = (found["why"] == "association").to_numpy()
        text[named] = [
            sentence.replace("{because_of}", str(name)) for sentence, name in zip(text[named], because_of[named], strict=True)
        ]
        reasons[language] = text
    return pd.DataFrame(
        {
            "as_of_date": pd.Series(run.as_of_date, index=found.index, dtype="object"),
            "customer_key": found["customer_key"].astype("int64"),
            "level": level,
            "list": found["list"],
            "rank": found["rank"].astype("int32"),
            "item_key": found["item_key"].astype("int64"),
            "item": found["item_key"].map(names),
            "order_probability": found["probability"],
            "why": found["why"],
            "because_of": because_of,
            "why_en": reasons["en"],
            "why_zh": reasons["zh"],
            "days_since_bought": found["last_days_ago"].astype("Int32"),
            "is_replenishable": found["replenishable"].astype(bool),
            "model_version": RULE,
            "is_fallback": found["is_fallback"].astype(bool),
        }
    )


def _expected(run: Run, due: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    until = np.ceil(due["expected_gap_days"]).astype("int64") - due["last_days_ago"]
    day = pd.Timestamp(run.as_of_date)

    def dated(days: pd.Series) -> pd.Series:
        return (day + pd.to_timedelta(days, unit="D")).dt.date

    return pd.DataFrame(
        {
            "as_of_date": pd.Series(run.as_of_date, index=due.index, dtype="object"),
            "customer_key": due["customer_key"].astype("int64"),
            "rank": due["rank"].astype("int32"),
            "product_key": due["item_key"].astype("int64"),
            "product": due["item_key"].map(names),
            "count_days": due["count_days"].astype("int64"),
            "last_bought_on": dated(-due["last_days_ago"]),
            "own_gap_days": due["own_gap_days"],
            "product_gap_days": due["item_gap_days"],
            "gap_from": due["gap_from"].astype(str),
            "expected_gap_days": due["expected_gap_days"],
            "expected_on": dated(until),
            "expected_earliest_on": dated(np.floor(due["earliest_gap_days"]) - due["last_days_ago"]),
            "expected_latest_on": dated(np.ceil(due["latest_gap_days"]) - due["last_days_ago"]),
            "days_until_expected": until.astype("int32"),
            "model_version": RHYTHM_RULE,
            "is_fallback": (due["gap_from"] == "all").astype(bool),
        }
    )


def _reasons() -> dict[str, Any]:
    found: dict[str, Any] = load_yaml(REASONS.read_text(encoding="utf-8"))
    return found


__all__ = ["RHYTHM_RULE", "RULE", "rows"]
