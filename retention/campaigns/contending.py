"""Contenders: customers whom no rule keeps out, with channel, rung, expected value and cost, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retention.campaigns.candidates import period_of
from retention.campaigns.compiling import Statement, by_position, compile_file, laddered, of_rung
from retention.campaigns.conditions import Binds
from retention.campaigns.eligibility import CHANNELS, channel_bits
from retention.campaigns.holdout import bucket_sql
from retention.campaigns.plays import Play
from retention.campaigns.stratifying import Draw, Key, threshold_records
from retention.campaigns.valuing import Valuation, evidence_sql, is_top_sql, offer_cost_sql, value_sql


def contender_query(plays: Sequence[Play], valuation: Valuation, draws: Mapping[Key, Draw]) -> Statement:
    """Return the statement that fills ``campaigns.contender`` for one customer bucket, before anything is settled.

    Parameters
    ----------
    plays : sequence of Play
        In the order of their positions.
    valuation : Valuation
        The numbers of the day that values rest on.
    draws : mapping
        Thresholds of the control groups (:mod:`retention.campaigns.stratifying`).
    """
    binds = Binds("contender")
    names = [f"cast({binds.add(play.name)} as text)" for play in plays]
    touch, offer = "attributes.touch_cost_minor", "attributes.offer_cost_minor"
    parts = {
        "/* period of the play */ cast(null as text)": by_position("matched.position", [period_of(play) for play in plays]),
        "/* first open channel */ 0": by_position("matched.position", [_first_open(play) for play in plays]),
        "/* rung of the ladder */ 1": by_position(
            "matched.position", [laddered(play, binds, lambda number: str(number + 1)) for play in plays]
        ),
        "/* expected cost of the offer */ cast(0 as double precision)": by_position(
            "attributes.position",
            [
                of_rung("attributes.rung", [offer_cost_sql(play, rung, binds, valuation) for rung in play.ladder])
                for play in plays
            ],
        ),
        "/* bucket of the draw */ 0.0": bucket_sql(
            ":holdout_salt", by_position("attributes.position", names), "attributes.period_key", "attributes.customer_key"
        ),
        "/* among the top */ false": is_top_sql(valuation, binds),
        "/* expected value */ cast(0 as double precision)": by_position(
            "attributes.position", [value_sql(play, binds, valuation, touch, offer) for play in plays]
        ),
        "/* evidence */ 'priority'": by_position("attributes.position", [evidence_sql(play, valuation) for play in plays]),
    }
    given = {**binds.values, "thresholds": threshold_records(draws, plays)}
    return Statement(compile_file("campaigns/contender", parts), given)


def _first_open(play: Play) -> str:
    """Expression of the first channel with an address, a permission and room: as listed, or the customer's own first."""
    usable = f"matched.usable_{play.purpose}" + (" & matched.room_channels" if play.is_capped else "")
    whens = []
    if play.channel_choice == "preferred":
        whens = [
            f"when attributes.preferred_channel = '{channel}' and {usable} & {channel_bits([channel])} <> 0 "
            f"then {CHANNELS.index(channel)}"
            for channel in play.channels
        ]
    whens += [f"when {usable} & {channel_bits([channel])} <> 0 then {CHANNELS.index(channel)}" for channel in play.channels]
    return f"case {' '.join(whens)} end"
