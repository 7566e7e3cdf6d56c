"""What a contact is expected to bring and to cost: SQL expressions over a customer's attributes, one play at a time.

Three levels of evidence, the best there is for the play and the customer:

* ``measured``: the play's effect against its control group (``campaigns.uplift``), weighed against what the play states;
* ``stated``: what the play states (``expected``), a share of one of the customer's amounts, as margin;
* ``priority``: neither is known. Each point of priority counts as a fixed amount of margin after cost
  (``settings.allocation.priority_point_minor``); among customers of one priority those of greater predicted value come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from retention.campaigns.catalogue import attributes
from retention.campaigns.conditions import Binds
from retention.campaigns.plays import Play, Rung
from retention.settings import Settings
from retention.warehouse import Run, sql_file
from retention.warehouse.writer import StageWriter

IN_BASIS = frozenset({"clv_12m_minor", "value_at_risk_minor"})
"""Amounts that are margin already where unit costs are known; all other amounts of customers are revenue."""

EVIDENCE = ("measured", "stated", "priority")

_HALFWAY_VALUE = 1_000
"""Predicted value, in whole units of the base currency, at which a customer is half a point of priority ahead."""


@dataclass(frozen=True)
class Uplift:
    """What a play's measured effect says, as weighed against what the play states."""

    weight: float
    """Of the measurement, 0 to 1; the rest is the prior's."""
    margin_minor: float
    """Measured margin of a contact, after the offer, before the touch."""
    stated_minor: float | None
    """What those contacted had been expected to bring on average; None where nothing was stated or kept."""

    @property
    def is_measured(self) -> bool:
        """Whether the measurement says more than the prior."""
        return self.weight >= 0.5


@dataclass(frozen=True)
class Valuation:
    """The numbers of a day that values rest on."""

    settings: Settings
    margin_of_revenue: float = 1.0
    """Share of revenue that is margin."""
    margin_of_value: float = 1.0
    """The same of predicted value: 1 where that is margin already."""
    top_value_minor: float | None = None
    """Predicted value from which a customer is among those who matter most; None where nobody has any."""
    uplifts: Mapping[tuple[str, str], Uplift] = field(default_factory=dict)
    """By play and service tier; the tier ``all`` is the whole play's, for who has none of the others."""

    def of_play(self, play: str) -> dict[str, Uplift]:
        """Return what a play's effects say, by service tier; empty where it was not measured."""
        return {tier: uplift for (name, tier), uplift in self.uplifts.items() if name == play}


def fill_uplift(writer: StageWriter, run: Run) -> None:
    """Fill the day's slice of ``campaigns.uplift`` from the newest measurement up to the day.

    Parameters
    ----------
    writer : StageWriter
        Of the ``campaigns`` schema.
    run : Run
        The day.
    """
    allocation = run.settings.allocation
    writer.fill_select(
        "campaigns.uplift",
        sql_file("campaigns/uplift"),
        {
            "as_of_date": run.as_of_date,
            "assumed_margin_share": allocation.assumed_margin_share,
            "minimum_people": allocation.uplift_minimum_people,
            "prior_spread": allocation.prior_spread,
            "priority_point_minor": allocation.priority_point_minor,
            "history_days": run.settings.measurement.effect_history_days,
        },
    )


def read_valuation(run: Run, attributes_table: str, uplift_table: str = "campaigns.uplift") -> Valuation:
    """Return the numbers that the day's values rest on.

    Parameters
    ----------
    run : Run
        The day.
    attributes_table : str
        Where the day's customer attributes are: the table, or its staging.
    uplift_table : str
        Where the day's effects are (:func:`fill_uplift`): the table, or its staging.
    """
    allocation = run.settings.allocation
    day = {"as_of_date": run.as_of_date}
    with run.warehouse.connect() as connection:
        # Table names are the writer's own.
        # Of customers who are worth the same at the border none counts: at most the share, unless all are worth the same.
        top = connection.execute(
            sa.text(
                f"with valued as (select clv_12m_minor as value from {attributes_table} "
                "where as_of_date = :as_of_date and not is_test and not is_staff and clv_12m_minor is not null), "
                "border as (select percentile_disc(cast(:quantile as double precision)) within group (order by value) as value "
                "from valued) "
                "select coalesce(min(valued.value) filter (where valued.value > border.value), max(border.value)) "
                "from valued cross join border"
            ),
            {**day, "quantile": 1 - allocation.top_share},
        ).scalar()
        basis = connection.execute(
            sa.text(
                "select bool_and(basis = 'net_margin') as is_margin, "
                "sum(margin_share * greatest(net_revenue_12m_minor, 0)) "
                "/ nullif(sum(greatest(net_revenue_12m_minor, 0)), 0) as share "
                "from scores.clv where as_of_date = :as_of_date"
            ),
            day,
        ).one()
        uplifts = connection.execute(
            sa.text(
                f"select play, service_tier, weight, margin_minor, stated_minor from {uplift_table} "
                "where as_of_date = :as_of_date and weight > 0 order by play, service_tier"
            ),
            day,
        ).all()
    is_margin = bool(basis.is_margin) and basis.share is not None
    assumed = allocation.assumed_margin_share
    return Valuation(
        settings=run.settings,
        margin_of_revenue=float(basis.share) if is_margin else assumed,
        margin_of_value=1.0 if is_margin else assumed,
        top_value_minor=None if top is None else float(top),
        uplifts={(row.play, row.service_tier): Uplift(row.weight, row.margin_minor, row.stated_minor) for row in uplifts},
    )


def is_top_sql(valuation: Valuation, binds: Binds) -> str:
    """Return whether a customer is among those who matter most, as an SQL expression over ``attributes``, never null.

    Where nobody's value is known nobody matters less than others, and the rule of 80/20 holds nobody back.
    """
    if valuation.top_value_minor is None:
        return "true"
    return (
        "coalesce(attributes.clv_12m_minor > 0 and attributes.clv_12m_minor >= "
        f"cast({binds.add(valuation.top_value_minor)} as double precision), false)"
    )


def offer_cost_sql(play: Play, rung: Rung, binds: Binds, valuation: Valuation) -> str:
    """Return what an offer is expected to cost, as an SQL expression over ``attributes``: minor units, at least 0, never null.

    An amount, a share of the customer's mean order or a refund of the order complained of, times the share of people who use
    it; where staff negotiate, the middle between opening and ceiling.

    Parameters
    ----------
    play : Play
        The play.
    rung : Rung
        One rung of its ladder.
    binds : Binds
        Takes the values.
    valuation : Valuation
        Numbers of the day.
    """
    settings = valuation.settings
    unit = 10**settings.company.base_currency_minor_digits
    redemption = play.expected.redemption if play.expected else settings.allocation.assumed_redemption_share
    if rung.negotiation is not None:
        middle = (rung.negotiation.opening + rung.negotiation.ceiling) / 2 * unit
        return f"cast({binds.add(redemption * middle)} as double precision)"
    parts = []
    if rung.amount is not None and rung.kind != "points":
        parts.append(f"cast({binds.add(redemption * rung.amount * unit)} as double precision)")
    if rung.percent is not None:
        of = (
            "coalesce(attributes.resolved_complaint_order_net_minor, attributes.open_complaint_order_net_minor, 0)"
            if rung.kind == "refund"
            else "coalesce(attributes.mean_order_value_minor_365d, 0)"
        )
        parts.append(f"cast({binds.add(redemption * rung.percent / 100)} as double precision) * greatest({of}, 0)")
    return f"({' + '.join(parts)})" if parts else "cast(0 as double precision)"


def value_sql(play: Play, binds: Binds, valuation: Valuation, touch_cost: str, offer_cost: str) -> str:
    """Return the expected incremental margin of a contact before its cost, as an SQL expression over ``attributes``.

    Minor units, never null; below zero where the contact is expected to do harm.

    Parameters
    ----------
    play : Play
        The play.
    binds : Binds
        Takes the values.
    valuation : Valuation
        Numbers of the day.
    touch_cost, offer_cost : str
        SQL expressions: cost of the touch and of the offer, minor units, as the contender carries them.
    """
    unit = 10**valuation.settings.company.base_currency_minor_digits
    point = valuation.settings.allocation.priority_point_minor
    worth = "greatest(coalesce(attributes.clv_12m_minor, 0), 0)"
    ahead = f"{worth} / ({worth} + cast({_HALFWAY_VALUE * unit} as double precision))"
    points = f"cast({binds.add(float(play.priority))} as double precision) + {ahead}"
    standing_in = f"(cast({binds.add(point)} as double precision) * ({points}) + {touch_cost} + {offer_cost})"
    stated = _stated(play, binds, valuation)
    prior = standing_in if stated is None else f"coalesce({stated}, {standing_in})"
    uplifts = valuation.of_play(play.name)
    if not uplifts:
        return prior
    weight = _of_tier(uplifts, {tier: uplift.weight for tier, uplift in uplifts.items()}, 0.0, binds)
    measured = _of_tier(uplifts, {tier: uplift.margin_minor for tier, uplift in uplifts.items()}, 0.0, binds)
    scales = {
        tier: uplift.margin_minor / uplift.stated_minor
        for tier, uplift in uplifts.items()
        if uplift.stated_minor is not None and uplift.stated_minor > 0
    }
    if stated is not None and scales:
        # The customers keep their order: each is expected to bring as many times their own prior as all brought of theirs.
        measured = f"coalesce({stated} * {_of_tier(uplifts, scales, None, binds)}, {measured})"
    # Revenue is measured after the offer, so that its cost is in the measurement and added back before it is taken off again.
    return f"((1 - {weight}) * {prior} + {weight} * ({measured} + {offer_cost}))"


def _of_tier(uplifts: Mapping[str, Uplift], numbers: Mapping[str, float], lacking: float | None, binds: Binds) -> str:
    """Return each customer's number by service tier, as an SQL expression; one number where all tiers have the same."""

    def number(value: float | None) -> str:
        return "cast(null as double precision)" if value is None else f"cast({binds.add(value)} as double precision)"

    of_all = numbers.get("all", lacking)
    told = {tier: numbers.get(tier, lacking) for tier in uplifts if tier != "all"}
    if all(value == of_all for value in told.values()):
        return number(of_all)
    whens = " ".join(f"when cast({binds.add(tier)} as text) then {number(value)}" for tier, value in sorted(told.items()))
    return f"(case attributes.service_tier {whens} else {number(of_all)} end)"


def evidence_sql(play: Play, valuation: Valuation) -> str:
    """Return what a value rests on, as an SQL expression over ``attributes``: one of :data:`EVIDENCE`."""
    uplifts = valuation.of_play(play.name)
    told = "'priority'"
    if play.expected is not None:
        told = f"case when attributes.{attributes()[play.expected.of].name} is null then 'priority' else 'stated' end"
    measured = {tier: uplift.is_measured for tier, uplift in uplifts.items()}
    if not any(measured.values()):
        return told
    if all(measured.values()):
        return "'measured'"
    of_all = "'measured'" if measured.get("all") else told
    said = {tier: "'measured'" if is_measured else told for tier, is_measured in sorted(measured.items()) if tier != "all"}
    whens = " ".join(f"when '{tier}' then {evidence}" for tier, evidence in said.items())
    return f"case attributes.service_tier {whens} else {of_all} end"


def _stated(play: Play, binds: Binds, valuation: Valuation) -> str | None:
    if play.expected is None:
        return None
    margin = valuation.margin_of_value if play.expected.of in IN_BASIS else valuation.margin_of_revenue
    share = binds.add(play.expected.uplift * margin)
    return f"(attributes.{attributes()[play.expected.of].name} * cast({share} as double precision))"
