"""Scoring of one range of purchasers: what does not depend on anybody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models import artifacts, parts, registry
from retention.models.churn import ChurnModel
from retention.models.coherence import reconciled
from retention.models.day import Day
from retention.models.definitions import churn_definition, clv_definition
from retention.models.fallback import fallback_churn, matured_shift
from retention.models.inputs import FALLBACK_COLUMNS
from retention.models.profile import ScoresStopped
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS
from retention.models.registry import RegisteredModel
from retention.models.value import ValueModel, margin
from retention.models.value.scores import check_finite, rule_of_thumb
from retention.warehouse import Run

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Model = TypeVar("Model")

CHURN_FALLBACK = "fallback-recency"
NO_CALIBRATION = "none"


@dataclass(frozen=True)
class Given:
    """What every scoring part is handed.

    Attributes
    ----------
    features : of every purchaser the features that parts read (`READS` of their modules), index `customer_key`, ascending.
    churn, clv : the rows of `scores.churn` and `scores.clv` of this date, in the order of `features`. Parts that score by
        range are handed what models say of the range; of `clv` they have `expected_orders_12m` and `horizon_days`.
    churn_champion, clv_champion : who scored, None where the marked fallback did.
    churn_model, clv_model : the champions' models, None likewise.
    churn_log_odds : what the churn model says before calibration, where it has said so already.
    read : reads all features of chosen purchasers; None where `features` holds them.
    """

    features: pd.DataFrame
    churn: pd.DataFrame
    clv: pd.DataFrame
    churn_champion: RegisteredModel | None = None
    clv_champion: RegisteredModel | None = None
    churn_model: ChurnModel | None = None
    clv_model: ValueModel | None = None
    churn_log_odds: Floats | None = None
    read: Callable[[Flags], pd.DataFrame] | None = None

    def inputs(self, rows: Flags) -> pd.DataFrame:
        """All features of some of the purchasers, in the order of `features`."""
        return self.features[rows] if self.read is None else self.read(rows)


@dataclass(frozen=True)
class Scored:
    """A range of purchasers.

    Attributes
    ----------
    features : those that parts read of everybody.
    inputs : those that the champions learned from, as the gates look at them.
    churn : rows of `scores.churn`.
    value : predicted net revenue, as :meth:`ValueModel.predict` answers.
    tables : rows of the tables that are scored by range.
    """

    features: pd.DataFrame
    inputs: pd.DataFrame
    churn: pd.DataFrame
    value: pd.DataFrame
    tables: dict[str, pd.DataFrame]

    def kept(self) -> Scored:
        """The same without what is done with."""
        return replace(self, inputs=self.inputs.iloc[:0], tables={})


@dataclass(frozen=True)
class RangeScoring:
    """Who scores, and what is read for it.

    Attributes
    ----------
    shift : log-odds that put the rule of thumb on the level of the newest outcomes, where there is no model of churn.
    kept : features that are kept of everybody.
    """

    run: Run
    churn_champion: RegisteredModel | None
    clv_champion: RegisteredModel | None
    churn_model: ChurnModel | None
    clv_model: ValueModel | None
    shift: float
    kept: tuple[str, ...]

    @classmethod
    def of(cls, run: Run) -> RangeScoring:
        """Open the champions.

        Raises
        ------
        ModelFileRefused when a champion's file is not the one that was registered.
        """
        churn = registry.champion(run.warehouse, "churn", churn_definition(run.settings))
        clv = registry.champion(run.warehouse, "clv", clv_definition(run.settings))
        kept = (*PURCHASE_COLUMNS, *FALLBACK_COLUMNS, *margin.READS, *parts.columns_read())
        return cls(
            run, churn, clv, _model(churn, ChurnModel), _model(clv, ValueModel),
            matured_shift(run) if churn is None else 0.0, tuple(dict.fromkeys(kept)),
        )  # fmt: skip

    @property
    def learned(self) -> tuple[str, ...]:
        """Features that the champions learned from."""
        learned = self.clv_model.learned if self.clv_model else None
        churn = self.churn_model.features if self.churn_model else ()
        return tuple(dict.fromkeys((*churn, *(learned.features if learned else ()))))

    def refuse_gone(self, day: Day) -> None:
        """Stop when a champion learned from columns that are no more.

        Raises
        ------
        ScoresStopped naming them.
        """
        gone = [name for name in self.learned if name not in day.columns]
        if gone:
            champions = [champion.model_version for champion in (self.churn_champion, self.clv_champion) if champion]
            raise ScoresStopped(
                f"scores {self.run.as_of_date}: {' or '.join(champions)} learned from columns that are gone: "
                f"{', '.join(gone)}. Nothing published. Train again, or bring the columns back."
            )

    def score(self, day: Day, rows: slice, with_tables: bool) -> Scored:
        """Score the purchasers of a range."""
        settings = self.run.settings
        features = day.read(day.keys[rows], tuple(dict.fromkeys((*self.learned, *self.kept))))
        raw = self.churn_model.log_odds(features) if self.churn_model else None
        churn = self._churn_rows(features, raw)
        probability = churn["churn_probability"].to_numpy()
        if self.clv_model is None:
            value = rule_of_thumb(features, probability, settings.clv.horizon_days)
            check_finite(f"scores.clv {self.run.as_of_date}", value["clv_minor"].to_numpy())
        else:
            clv = settings.clv
            value = self.clv_model.predict(features, clv.horizon_days, clv.annual_discount_rate, clv.interval)
            self._reconcile(features, churn, value["expected_orders"].to_numpy())
        tables: dict[str, pd.DataFrame] = {}
        if with_tables:
            orders = {"expected_orders_12m": value["expected_orders"].to_numpy(), "horizon_days": settings.clv.horizon_days}
            here = Given(
                features, churn, pd.DataFrame(orders), self.churn_champion, self.clv_champion,
                self.churn_model, self.clv_model, raw,
            )  # fmt: skip
            tables["scores.churn"] = churn
            for part in parts.SCORING_BY_RANGE:
                tables |= parts.function(part)(self.run, here)
        # Copies: a view would keep the whole range in memory.
        return Scored(features[list(self.kept)].copy(), features[list(self.learned)], churn, value, tables)

    def _reconcile(self, features: pd.DataFrame, churn: pd.DataFrame, orders: Floats) -> None:
        """Bring churn of a longer horizon than was learned in line with expected orders (:mod:`retention.models.coherence`)."""
        settings, model = self.run.settings, self.churn_model
        horizon = settings.churn.horizon_days
        if model is None or self.clv_model is None or horizon <= model.horizon_days:
            return
        expected, per_buyer = self.clv_model.orders_and_buyers(features, [horizon], orders, settings.clv.horizon_days)
        said = churn["churn_probability"].to_numpy()
        buying, _ = reconciled(1 - said, expected[:, 0], per_buyer[:, 0], is_learned=False)
        churn["churn_probability"] = np.where(buying > 1 - said, 1 - buying, said)

    def _churn_rows(self, features: pd.DataFrame, raw: Floats | None) -> pd.DataFrame:
        settings, model, champion = self.run.settings, self.churn_model, self.churn_champion
        if champion is None or model is None:
            probability = fallback_churn(features, settings, self.shift)
            check_finite(f"scores.churn {self.run.as_of_date}", probability)
            version, calibration = CHURN_FALLBACK, NO_CALIBRATION
        else:
            probability = model.predict(features, settings.churn.horizon_days, raw)
            version = champion.model_version
            calibration = f"{version}@{model.calibrated_as_of.isoformat()}"
        return pd.DataFrame(
            {
                "as_of_date": self.run.as_of_date,
                "customer_key": features.index.to_numpy(dtype=np.int64),
                "churn_probability": probability,
                "horizon_days": np.full(len(features), settings.churn.horizon_days, dtype=np.int32),
                "definition": churn_definition(settings),
                "model_version": version,
                "calibration_id": calibration,
                "is_fallback": champion is None,
            }
        )


def _model(champion: RegisteredModel | None, wanted: type[Model]) -> Model | None:
    if champion is None:
        return None
    model = artifacts.load(champion.file_name, champion.file_sha256)[0]
    if not isinstance(model, wanted):
        raise artifacts.ModelFileRefused(f"{champion.file_name} holds no {wanted.__name__}. Nothing published.")
    return model
