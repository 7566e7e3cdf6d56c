"""What is kept of an allocation: sums, what became of each play's contenders, limits with their prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.campaigns.allocation.problem import Allocation, Contenders, Verdict
from retention.settings_campaigns import AllocationSettings
from retention.warehouse import load_contract
from retention.warehouse.writer import StageWriter

_COUNTED = {
    "chosen": Verdict.CHOSEN,
    "beaten": Verdict.BEATEN,
    "over_budget": Verdict.OVER_BUDGET,
    "channel_full": Verdict.CHANNEL_FULL,
    "do_not_disturb": Verdict.DO_NOT_DISTURB,
    "not_worth_its_cost": Verdict.NOT_WORTH_ITS_COST,
}


def fill_allocation(
    writer: StageWriter,
    contenders: Contenders,
    evidence: NDArray[np.object_] | Sequence[str],
    allocation: Allocation,
    plays: Mapping[int, str],
    channels: Mapping[int, str],
    settings: AllocationSettings,
    top_value_minor: float | None,
) -> None:
    """Fill the day's slices of ``campaigns.allocation``, ``allocation_play`` and ``allocation_limit``.

    Parameters
    ----------
    writer : StageWriter
        Of the ``campaigns`` schema.
    contenders : Contenders
        Promotional contenders; control rows are left out of the counts.
    evidence : sequence of str
        What each row's value rests on.
    allocation : Allocation
        What was decided about them.
    plays, channels : mapping
        Names by position of the promotional plays and by number of the channels.
    settings : AllocationSettings
        The rule of 80/20.
    top_value_minor : float, optional
        Predicted value from which a customer is among those who matter most.
    """
    c, day = contenders, writer.run.as_of_date
    counted = np.ones(len(c), dtype=bool) if c.is_control is None else ~(c.is_control & ~c.is_held)
    total = {
        "as_of_date": day,
        "contenders": int(counted.sum()),
        "customers": len(np.unique(c.customer[counted])),
        "chosen": int(allocation.chosen.sum()),
        "value_minor": allocation.value_minor,
        "cost_minor": allocation.cost_minor,
        "bound_minor": allocation.bound_minor,
        "gap_share": allocation.gap,
        "method": allocation.method,
        "top_share": settings.top_share,
        "top_budget_share": settings.top_budget_share,
        "top_value_minor": top_value_minor,
        "top_chosen": allocation.top_customers,
        "top_cost_minor": allocation.top_cost_minor,
        "rest_chosen": allocation.rest_customers,
        "rest_cost_minor": allocation.rest_cost_minor,
    }
    _fill(writer, "campaigns.allocation", [total])
    _fill(writer, "campaigns.allocation_play", _by_play(c, np.asarray(evidence), allocation, plays, counted, day))
    names = {"play_budget": plays, "play_capacity": plays, "channel_capacity": channels}
    _fill(
        writer,
        "campaigns.allocation_limit",
        [
            {
                "as_of_date": day,
                "kind": limit.kind,
                "applies_to": "all" if limit.index is None else names[limit.kind][limit.index],
                "is_money": limit.kind.endswith("_budget"),
                "most": limit.most,
                "used": limit.used,
                "shadow_price_minor": limit.shadow_price,
            }
            for limit in allocation.limits
        ],
    )


def _by_play(
    c: Contenders,
    evidence: NDArray[np.object_],
    allocation: Allocation,
    plays: Mapping[int, str],
    counted: NDArray[np.bool_],
    day: object,
) -> list[dict[str, object]]:
    size = max([*plays, 0]) + 1

    def tallied(rows: NDArray[np.bool_], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        counts = np.bincount(c.play[rows], weights=None if weights is None else weights[rows], minlength=size)
        return counts.astype(np.float64)

    is_stated = evidence == "stated"
    sums = {
        "contenders": tallied(counted),
        **{name: tallied(counted & (allocation.verdict == verdict)) for name, verdict in _COUNTED.items()},
        "measured": tallied(counted & (evidence == "measured")),
        "stated": tallied(counted & is_stated),
        "stated_chosen": tallied(allocation.chosen & is_stated),
    }
    value, cost = tallied(allocation.chosen, c.value_minor), tallied(allocation.chosen, c.cost_minor)
    stated_value = tallied(allocation.chosen & is_stated, c.value_minor)
    return [
        {
            "as_of_date": day,
            "play": name,
            **{column: int(values[position]) for column, values in sums.items()},
            "stated_value_minor": float(stated_value[position]),
            "value_minor": float(value[position]),
            "cost_minor": float(cost[position]),
        }
        for position, name in sorted(plays.items())
    ]


def _fill(writer: StageWriter, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Stage the rows; a day without any still replaces what an earlier plan of it left."""
    writer.staging(table)
    if rows:
        writer.fill_arrow(table, pd.DataFrame(list(rows), columns=list(load_contract(table).column_names)))
