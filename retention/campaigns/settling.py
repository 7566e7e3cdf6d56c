"""Settling: who of the contenders gets the day, between plays, budgets, capacities and the control groups.

Promotional contenders who would begin today are allocated (:mod:`retention.campaigns.allocation`); what was handed out today
already keeps its customer. Service and staff plays stand in no contest, but a play's capacity holds for them too. A membership
of an earlier day goes on. Contact caps count what else the day brings (:mod:`retention.campaigns.capping`). Who was drawn as
control is judged like all and takes nothing: control is who would be contacted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retention.campaigns.allocation import Allocation, Budgets, Contenders, Verdict, allocate
from retention.campaigns.capping import Contacts, over_the_cap
from retention.campaigns.plays import Play
from retention.settings_campaigns import CampaignSettings

_OF_ALLOCATION = {
    Verdict.CHOSEN: "chosen",
    Verdict.BEATEN: "beaten",
    Verdict.OVER_BUDGET: "over_budget",
    Verdict.CHANNEL_FULL: "channel_full",
    Verdict.DO_NOT_DISTURB: "do_not_disturb",
    Verdict.NOT_WORTH_ITS_COST: "below_minimum_value",
}
_CHOSEN, _STANDING, _EXEMPT, _CONTROL = range(4)
VERDICTS = (
    "chosen",
    "standing",
    "exempt",
    "control",
    *(name for name in _OF_ALLOCATION.values() if name != "chosen"),
    "frequency_cap",
)
"""What can become of a contender, as in ``campaigns.contender.verdict``."""
_NAMED = np.array([VERDICTS.index(_OF_ALLOCATION[verdict]) for verdict in sorted(_OF_ALLOCATION)])


@dataclass(frozen=True)
class Settled:
    """What became of a day's contenders."""

    table: pa.Table
    """Rows of ``campaigns.contender``, with verdicts."""
    promotional: Contenders
    """Those that stood in the contest …"""
    evidence: NDArray[np.object_]
    """… what their values rest on …"""
    allocation: Allocation
    """… and what was decided about them."""


def settle(
    table: pa.Table,
    plays: Sequence[Play],
    as_of_date: date,
    budgets: Budgets,
    contacts: Mapping[int, Contacts] | None = None,
    limits: CampaignSettings | None = None,
) -> Settled:
    """Return the contenders with ``verdict`` and ``beaten_by``, and the allocation of the promotional ones.

    Parameters
    ----------
    table : Table
        Rows of ``campaigns.contender`` of one day; ``verdict`` says ``chosen`` of who was handed out today already, and
        ``beaten``, with ``beaten_by``, of the other promotions of somebody who was handed out one today.
    plays : sequence of Play
        In the order of their positions.
    as_of_date : date
        The day.
    budgets : Budgets
        What promotion, and plays with a capacity, may use today.
    contacts : mapping, optional
        What customers have had of whom the day might make too many (:func:`retention.campaigns.capping.read_contacts`).
    limits : CampaignSettings, optional
        The contact caps.
    """
    table = table.take(pa.array(np.lexsort((_column(table, "position"), _column(table, "customer_key")))))
    position = _column(table, "position")
    is_today = _column(table, "joined_on") == np.datetime64(as_of_date)
    is_promotional = np.array([False, *(play.kind == "promotional" for play in plays)])[position]
    verdict = np.where(is_today, _EXEMPT, _STANDING)
    beaten_by = np.zeros(len(position), dtype=np.int16)

    # Who is a member of it still keeps it in the contest; of whom it is to be taken back gets no other in its place.
    said = np.asarray(pc.index_in(table.column("verdict"), pa.array(VERDICTS)))
    customer = _column(table, "customer_key")
    is_spent = (said == VERDICTS.index("beaten")) & ~np.isin(customer, customer[is_promotional & (said == _CHOSEN)])
    verdict[is_spent] = VERDICTS.index("beaten")
    beaten_by[is_spent] = pc.fill_null(table.column("beaten_by"), 0).to_numpy()[is_spent]

    is_over = over_the_cap(
        table, plays, is_today & ~is_spent & (said != VERDICTS.index("chosen")), contacts or {}, limits or CampaignSettings()
    )
    verdict[is_over] = VERDICTS.index("frequency_cap")

    rows = np.flatnonzero(is_promotional & is_today & ~is_spent & ~is_over)
    promotional = _contenders(table, rows, plays)
    allocation = allocate(promotional, budgets)
    verdict[rows] = _NAMED[allocation.verdict]
    is_beaten = allocation.verdict == Verdict.BEATEN
    beaten_by[rows[is_beaten]] = allocation.beaten_by[is_beaten]

    limited = np.flatnonzero(~is_promotional & is_today & ~is_over & np.isin(position, list(budgets.tasks)))
    if limited.size:
        own = _contenders(table, limited, plays)
        # Nobody's day is at stake: every row stands for itself. Whether a call is worth it is not asked; greater value first.
        own = replace(own, customer=np.arange(limited.size), value_minor=np.maximum(own.value_minor, own.cost_minor))
        full = allocate(own, Budgets(play_contacts=budgets.tasks)).verdict == Verdict.CHANNEL_FULL
        verdict[limited[full]] = VERDICTS.index("channel_full")

    verdict[_column(table, "is_control") & (verdict <= _EXEMPT)] = _CONTROL
    columns = {
        "verdict": pa.array(VERDICTS).take(pa.array(verdict)),
        "beaten_by": pa.array(beaten_by, mask=beaten_by == 0),
    }
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return Settled(table, promotional, _column(table, "evidence")[rows], allocation)


def _contenders(table: pa.Table, rows: NDArray[Any], plays: Sequence[Play]) -> Contenders:
    position = _column(table, "position")[rows]
    return Contenders(
        customer=_column(table, "customer_key")[rows],
        play=position.astype(np.int16),
        channel=_column(table, "channel_number")[rows].astype(np.int8),
        value_minor=_column(table, "value_minor")[rows],
        cost_minor=_column(table, "cost_minor")[rows],
        priority=np.array([0, *(play.priority for play in plays)], dtype=np.int16)[position],
        is_top=_column(table, "is_top")[rows],
        is_held=np.asarray(pc.equal(table.column("verdict"), "chosen"))[rows],
        is_control=_column(table, "is_control")[rows],
    )


def _column(table: pa.Table, name: str) -> NDArray[Any]:
    values: NDArray[Any] = table.column(name).to_numpy(zero_copy_only=False)
    return values
