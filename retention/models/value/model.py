"""Customer lifetime value: candidates of the purchase process and of boosting, blended, discounted over any horizon.

The purchase process knows any horizon and needs little data; boosting knows seasons, trends and everything else the
features hold, but only the horizon it has seen outcomes of. Beyond that the purchase process extends it, customer by
customer. No random numbers are drawn, so neither the order of rows nor threads can move a prediction.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from retention.models.btyd import BetaGeoNBD, FitReport, GammaGamma
from retention.models.learning import TrainingSet, uniform
from retention.models.metrics import logit
from retention.models.sums import row_sums
from retention.models.value.boosting import Candidates, TwoStage, fit_two_stage
from retention.models.value.intervals import Levels, Spread
from retention.models.value.process import ProcessPart, spending
from retention.models.value.rhythm import Rhythm
from retention.models.value.season import NO_SEASON, Season, recent, season_of

Floats = NDArray[np.float64]

# Purchases are discounted at the middle of twelve equal parts of the horizon.
DISCOUNT_STEPS = 12
DAYS_PER_YEAR = 365.0
# Shares of the candidates: purchase process; the process with the learned chance of buying in place of its own; boosted orders
# at the process's order value; two-stage boosting.
BLEND = (1 / 4, 1 / 4, 1 / 4, 1 / 4)
# Roots are blended, not amounts: where one candidate alone expects much of a customer, it mostly errs.
BLEND_POWER = 0.5
PIECE = 100_000
# Days since the first order are not learned from: where customers came in one wave they tell the date, all who are scored
# are older than anybody learned from, and the newest season would pass for an age. The purchase process knows about them.
AGES = ("tenure_days", "first_to_last_order_days")


class TooLittleData(ValueError):
    """There is not enough to learn from; the message says what is missing and how much was asked."""


@dataclass(frozen=True)
class ValueModel:
    """A fitted model of lifetime value.

    Attributes
    ----------
    part : the purchase process as of the date that scores.
    learned : the boosted candidates; None where there was too little to learn from.
    levels : how stated probabilities of intervals are reached.
    rhythm : when the next order comes; None where outcomes did not say when orders came.
    season : how far the days to come differ from those learned from.
    """

    kind: ClassVar[str] = "clv"

    part: ProcessPart
    learned: TwoStage | None
    levels: Levels
    rhythm: Rhythm | None = None
    season: Season = NO_SEASON

    @property
    def process(self) -> BetaGeoNBD:
        """How often."""
        return self.part.process

    @property
    def spending(self) -> GammaGamma:
        """How much per order."""
        return self.part.money

    @property
    def order_value_limit(self) -> float:
        """Mean order values above this are cut down to it, minor units."""
        return self.part.order_value_limit

    @property
    def huge_order_customers(self) -> int:
        """Customers whose values were cut in training."""
        return self.part.huge_order_customers

    @property
    def reports(self) -> dict[str, FitReport]:
        """How the fits of the purchase process went."""
        return self.part.reports

    @classmethod
    def fit(
        cls,
        features: pd.DataFrame,
        minimum_repeat_customers: int,
        training: TrainingSet | None = None,
        training_days: int | None = None,
        seed: int = 0,
    ) -> ValueModel:
        """Fit as of one date.

        Parameters
        ----------
        features : the purchasers of that date.
        training : features of earlier dates with `orders` and `net_minor` (and `days_to_next`, nan where none came) of the
            `training_days` after each, all matured. Without it the model is the purchase process alone.

        Raises
        ------
        TooLittleData when fewer than `minimum_repeat_customers` bought again, or had a positive net value.
        """
        _enough(features, minimum_repeat_customers)
        # Sums of numbers depend on their order in the last digit: one order for all.
        features = features.sort_index()
        part = ProcessPart.fit(features)
        if training is None or not training_days:
            return cls(part, None, Levels.plain())
        whole = training.ordered()
        training = whole.take(np.flatnonzero(recent(whole.dates, training_days)))
        newest = np.flatnonzero(training.newest)
        past = training.features.iloc[newest]
        if _repeat_buyers(past) < minimum_repeat_customers:
            return cls(part, None, Levels.plain())
        outcomes = _capped(training.outcomes, part.order_value_limit)
        fitted = fit_two_stage(training.features, outcomes, training.dates, _columns(training), training_days, seed)
        # What would have been said at the newest matured date, by models that had not seen the customer.
        answers: Candidates | None = None
        if fitted is None:
            earlier = cls(ProcessPart.fit(past), None, Levels.plain())
        else:
            learned, unseen = fitted
            earlier = cls(learned.process, learned.balanced(learned.process, past), Levels.plain())
            answers = Candidates(unseen.orders[newest], unseen.buying[newest], unseen.amount[newest])
        spread = earlier._spread(past, training_days, answers)
        levels = Levels.fit(spread, outcomes["net_minor"].to_numpy()[newest], uniform(past.index.to_numpy()))
        season, learned_now = NO_SEASON, None
        if earlier.learned is not None:
            learned_now = earlier.learned.balanced(part, features)
            season = season_of(
                whole.features, whole.outcomes["orders"].to_numpy(dtype=np.float64), whole.dates, earlier.learned
            )
        rhythm = None
        if "days_to_next" in outcomes.columns:
            waits = outcomes["days_to_next"].to_numpy(dtype=np.float64)
            rhythm = Rhythm.fit(earlier.process, training.features, waits, training_days)
        return cls(part, learned_now, levels, rhythm, season)

    def predict(self, features: pd.DataFrame, horizon_days: int, annual_discount_rate: float, interval: float) -> pd.DataFrame:
        """Predict the value of every purchaser.

        Parameters
        ----------
        horizon_days : days ahead.
        annual_discount_rate : 0.10 makes money in a year worth 1/1.10.
        interval : probability that the interval is meant to cover.

        Returns
        -------
        DataFrame, index of `features`: expected_orders, expected_order_value_minor, clv_minor (discounted),
        probability_alive, clv_lower_minor, clv_upper_minor, interval_probability (what the interval really covers: more
        than asked where nothing is likelier than that); all floats.
        """
        # In pieces, so that a million customers' inputs never lie in memory at once.
        pieces = [
            self._predict(features.iloc[start : start + PIECE], horizon_days, annual_discount_rate, interval)
            for start in range(0, max(len(features), 1), PIECE)
        ]
        return pd.concat(pieces) if len(pieces) > 1 else pieces[0]

    def _predict(self, features: pd.DataFrame, horizon_days: int, annual_discount_rate: float, interval: float) -> pd.DataFrame:
        answers = self.learned.predict(features) if self.learned else None
        times = np.linspace(0, horizon_days, DISCOUNT_STEPS + 1)
        cumulative = self.part.orders(features, times)
        middle = (times[1:] + times[:-1]) / 2 / DAYS_PER_YEAR
        discounted = row_sums(np.diff(cumulative, axis=1), (1 + annual_discount_rate) ** -middle)
        share = np.divide(discounted, cumulative[:, -1], out=np.ones(len(features)), where=cumulative[:, -1] > 0)
        orders, money = self._mean(features, horizon_days, answers, cumulative[:, -1])
        spread = self._spread(features, horizon_days, answers, money)
        lower, upper, probability = self.levels.interval(spread, interval)
        return pd.DataFrame(
            {
                "expected_orders": orders,
                "expected_order_value_minor": np.divide(money, orders, out=self.part.order_value(features), where=orders > 0),
                "clv_minor": money * share,
                "probability_alive": self.part.alive(features),
                "clv_lower_minor": lower * share,
                "clv_upper_minor": upper * share,
                "interval_probability": probability,
            },
            index=features.index,
        )

    def expected_orders(self, features: pd.DataFrame, horizons_days: list[int], known: Floats, known_days: int) -> Floats:
        """Expected order days of every purchaser within other horizons: customers by horizons.

        Parameters
        ----------
        known, known_days : the answer of `predict` for a horizon. All candidates are carried to other horizons by the
            purchase process, so nothing else is asked again.
        """
        return self.orders_and_buyers(features, horizons_days, known, known_days)[0]

    def orders_and_buyers(
        self, features: pd.DataFrame, horizons_days: list[int], known: Floats, known_days: int
    ) -> tuple[Floats, Floats]:
        """Expected order days as :meth:`expected_orders`, and those of customers who order at all, by the purchase process."""
        said = self.part.orders(features, [*(float(days) for days in horizons_days), float(known_days)])
        share = np.divide(said[:, :-1], said[:, -1:], out=np.ones_like(said[:, :-1]), where=said[:, -1:] > 0)
        buying = 1 - np.column_stack([self.part.silent(features, days) for days in horizons_days])
        return known[:, None] * share, np.maximum(said[:, :-1] / np.maximum(buying, 1e-12), 1.0)

    def _mean(
        self, features: pd.DataFrame, horizon_days: float, answers: Candidates | None, expected: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Expected order days and money within the horizon, undiscounted."""
        if expected is None:
            expected = self.part.orders(features, [horizon_days])[:, 0]
        order_value, season = self.part.order_value(features), self.season
        if answers is None or self.learned is None:
            return expected * season.process, expected * order_value * season.process
        known = self.part.orders(features, [self.learned.horizon_days])[:, 0]
        growth = np.divide(expected, known, out=np.ones_like(expected), where=known > 0)
        expected = expected * season.process
        orders = answers.orders * growth * season.learned
        two_stage = answers.buying * answers.amount * growth * season.learned
        # As often as the process says of those who buy at all, and as many of them as was learned.
        of_buyers = answers.buying * self.part.orders_of_buyers(features, self.learned.horizon_days) * growth
        half_learned = of_buyers * self.learned.buyer_balance * season.learned
        said = np.column_stack([expected * order_value, half_learned * order_value, orders * order_value, two_stage])
        return (expected + orders) / 2, row_sums(said**BLEND_POWER, np.array(BLEND)) ** (1 / BLEND_POWER)

    def _spread(
        self, features: pd.DataFrame, horizon_days: float, answers: Candidates | None, money: Floats | None = None
    ) -> Spread:
        """How the undiscounted value of each customer may turn out."""
        if money is None:
            money = self._mean(features, horizon_days, answers)[1]
        silent = logit(self.part.silent(features, horizon_days))
        if answers is not None and self.learned is not None:
            shift = silent - logit(self.part.silent(features, self.learned.horizon_days))
            silent = (silent + logit(1 - answers.buying) + shift) / 2
        return Spread.of(expit(silent), money, *self.part.spread(features, horizon_days))

    def to_dict(self) -> dict[str, Any]:
        """What makes the model again; see :mod:`retention.models.artifacts`."""
        return {
            "part": self.part.to_dict(),
            "learned": self.learned.to_dict() if self.learned else None,
            "levels": self.levels.to_dict(),
            "rhythm": self.rhythm.to_dict() if self.rhythm else None,
            "season": asdict(self.season),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ValueModel:
        """Make the model from `to_dict`."""
        learned, rhythm = stored["learned"], stored["rhythm"]
        return cls(
            ProcessPart.from_dict(stored["part"]),
            TwoStage.from_dict(learned) if learned else None,
            Levels.from_dict(stored["levels"]),
            Rhythm.from_dict(rhythm) if rhythm else None,
            Season(**stored["season"]),
        )


def _enough(features: pd.DataFrame, minimum: int) -> None:
    valued = _repeat_buyers(features)
    if valued < minimum:
        raise TooLittleData(
            f"purchasers who bought again with a positive net value: {valued} of {len(features)}; {minimum} are needed to fit "
            "a purchase process"
        )


def _repeat_buyers(features: pd.DataFrame) -> int:
    again = features["count_order_days_lifetime"].to_numpy(dtype=np.float64) > 1
    return int((again & (spending(features).orders > 0)).sum())


def _capped(outcomes: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Outcomes without what a single extreme order brought; money given back for earlier orders is no negative value."""
    most = outcomes["orders"].to_numpy(dtype=np.float64) * limit if np.isfinite(limit) else np.inf
    return outcomes.assign(net_minor=np.clip(outcomes["net_minor"].to_numpy(dtype=np.float64), 0.0, most))


def _columns(training: TrainingSet) -> list[str]:
    """Columns worth learning from: known for enough customers, and not the same for all."""
    known = training.known_often_enough()
    return [name for name in known if name not in AGES and training.features[name].nunique(dropna=True) > 1]
