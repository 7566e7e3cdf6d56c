"""What is to be decided, what limits it, and what was decided: plain arrays, no database.

One row of :class:`Contenders` is one way of contacting one customer: a play through a channel. Amounts are minor units of the
base currency. Prices (``shadow_price``) are minor units of expected margin per minor unit of money, or per contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention.campaigns.errors import AllocationError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Verdict(IntEnum):
    """What became of a contender."""

    CHOSEN = 0
    BEATEN = 1
    """The customer's day belongs to another play, or to the same one through another channel."""
    OVER_BUDGET = 2
    """It would have been worth it, but the money of the play, of the day or of those outside the top is spent better."""
    CHANNEL_FULL = 3
    """It would have been worth it, but the channel, or the play's capacity, serves others who bring more."""
    DO_NOT_DISTURB = 4
    """The contact is expected to do harm: its incremental margin is below zero before any cost."""
    NOT_WORTH_ITS_COST = 5
    """The contact is expected to bring something, but less than it costs."""


@dataclass(frozen=True)
class Contenders:
    """Arrays of equal length, sorted by customer; within a customer the order does not matter."""

    customer: Integers
    play: NDArray[np.int16]
    """Position of the play."""
    channel: NDArray[np.int8]
    """Position of the channel."""
    value_minor: Floats
    """Expected incremental margin before the contact's own cost."""
    cost_minor: Floats
    """Touch and expected offer, zero or more."""
    priority: NDArray[np.int16]
    """Breaks ties of value: the greater wins, then the earlier play."""
    is_top: Flags
    """Customer among those who matter most (:attr:`Budgets.rest_minor`)."""
    is_held: Flags
    """Handed out today already: keeps the customer and uses its share of every limit."""
    is_control: Flags | None = None
    """Kept back at random: takes neither day nor money; its verdict says whether it would have been chosen. None: nobody."""

    def __len__(self) -> int:
        return len(self.customer)

    def check(self) -> None:
        """Refuse what cannot be decided about.

        Raises
        ------
        AllocationError naming the column, the number of rows and what is wrong with them.
        """
        for name in ("play", "channel", "value_minor", "cost_minor", "priority", "is_top", "is_held", "is_control"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self):
                raise AllocationError(
                    f"contenders: {name} has {len(column)} rows, customer has {len(self)}. Nothing allocated."
                )
        problems: dict[str, Any] = {
            # Compared, not subtracted: keys are hashes of 64 bits, and the difference of two may not fit into as many.
            "customer is not sorted": self.customer[1:] < self.customer[:-1],
            "value_minor is not a finite number": ~np.isfinite(self.value_minor),
            "cost_minor is not a finite number of zero or more": ~(np.isfinite(self.cost_minor) & (self.cost_minor >= 0)),
            "play or channel is negative": (self.play < 0) | (self.channel < 0),
        }
        for problem, wrong in problems.items():
            if wrong.any():
                raise AllocationError(f"contenders: {problem} in {int(wrong.sum())} of {len(self)} rows. Nothing allocated.")


@dataclass(frozen=True)
class Budgets:
    """What may be used today; what is not named has no limit. A limit below zero counts as zero."""

    play_minor: Mapping[int, float] = field(default_factory=dict)
    """By play: money left for today."""
    play_contacts: Mapping[int, float] = field(default_factory=dict)
    """By play: contacts left for today."""
    channel_contacts: Mapping[int, float] = field(default_factory=dict)
    """By channel: contacts left for today."""
    total_minor: float | None = None
    """Money left for today over all plays."""
    rest_minor: float | None = None
    """Money left for today for customers outside the top: 20 % of it all under the rule of 80/20."""
    tasks: Mapping[int, float] = field(default_factory=dict)
    """By service or staff play: contacts left for today. They stand in no contest, and no other limit holds for them."""


@dataclass(frozen=True)
class Limit:
    """One limit, how far it was used, and what one more unit of it would bring."""

    kind: str
    """total_budget, rest_budget, play_budget, play_capacity or channel_capacity."""
    index: int | None
    """Position of the play or channel; None for the two that are over all."""
    most: float
    used: float
    shadow_price: float
    """Margin per unit, minor units: what one more unit of money (net of that unit) or one more contact would bring."""


@dataclass(frozen=True)
class Allocation:
    """Who is contacted with what."""

    chosen: Flags
    """Rows to act on. A row of a control group is never among them."""
    verdict: NDArray[np.int8]
    """:class:`Verdict` of every row; for control rows, what it would have been."""
    beaten_by: NDArray[np.int16]
    """Position of the play that has the customer's day where the verdict is BEATEN, else -1."""
    limits: tuple[Limit, ...]
    value_minor: float
    """Expected incremental margin of the chosen rows, before cost."""
    cost_minor: float
    """Expected cost of the chosen rows."""
    bound_minor: float
    """No allocation can bring more net margin (value less cost) than this."""
    method: str
    """unconstrained, exact or bounded: how far the solution is known to be the best there is."""
    top_customers: int
    top_cost_minor: float
    rest_customers: int
    rest_cost_minor: float

    @property
    def net_minor(self) -> float:
        """Expected incremental margin after cost."""
        return self.value_minor - self.cost_minor

    @property
    def gap(self) -> float:
        """Share of the bound by which the solution may fall short of the best; 0 where it is known to be the best."""
        missing = self.bound_minor - self.net_minor
        return 0.0 if missing <= 0 else missing / max(abs(self.bound_minor), 1e-9)
