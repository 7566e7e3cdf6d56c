"""The allocation as an integer program: at most one row per customer, few limits over groups of rows.

All rows with the same play, channel and place in the top use the same limits, each with its cost (money) or with 1 (contacts).
Such rows form a group; limits are small matrices over groups, so that a price per limit becomes a price per group and three
million rows are priced by two look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retention.campaigns.allocation.problem import Budgets, Contenders, Flags, Floats, Integers

TOLERANCE = 1e-6
"""A limit may be passed by this many units (minor units of money, contacts): rounding of sums, not a licence."""


@dataclass(frozen=True)
class Program:
    """Rows that compete, sorted by customer and, within one, by priority: of equal rows the first is taken."""

    rows: Integers
    """Positions of the rows among the contenders."""
    net: Floats
    cost: Floats
    group: Integers
    tie: NDArray[np.uint64]
    """Orders customers who are worth the same."""
    segment: Integers
    """Number of the row's customer, from 0."""
    starts: Integers
    """First row of each customer."""
    money: Floats
    """Limits x groups: 1 where a row's cost counts."""
    contacts: Floats
    """Limits x groups: 1 where a row counts as one."""
    most: Floats
    """What is left of each limit."""
    named: tuple[tuple[str, int | None], ...]
    """Kind and position of each limit."""

    @property
    def customers(self) -> int:
        """How many customers compete."""
        return len(self.starts)

    def used(self, rows: Integers) -> Floats:
        """Return how much of each limit some rows use."""
        groups = self.money.shape[1]
        cost = np.bincount(self.group[rows], weights=self.cost[rows], minlength=groups)
        result: Floats = self.money @ cost + self.contacts @ np.bincount(self.group[rows], minlength=groups)
        return result

    def usage(self, rows: Integers) -> Floats:
        """Return how much of each limit each of some rows uses: rows x limits."""
        result: Floats = self.money.T[self.group[rows]] * self.cost[rows, None] + self.contacts.T[self.group[rows]]
        return result

    def priced(self, prices: Floats) -> Floats:
        """Return net margin less what the limits cost at these prices, by row."""
        result: Floats = self.net - self.cost * (prices @ self.money)[self.group] - (prices @ self.contacts)[self.group]
        return result

    def best(self, worth: Floats) -> tuple[Integers, Floats]:
        """Return each customer's best row and what it is worth; the first of equal ones."""
        if not self.customers:
            return np.empty(0, np.int64), np.empty(0)
        most: Floats = np.maximum.reduceat(worth, self.starts)
        candidates = np.flatnonzero(worth == most[self.segment])
        owners = self.segment[candidates]
        first = np.ones(len(owners), dtype=bool)
        first[1:] = owners[1:] != owners[:-1]
        return candidates[first], most

    def is_within(self, used: Floats) -> bool:
        """Whether a use of the limits is allowed."""
        return bool(np.all(used <= self.most + TOLERANCE))

    def part(self, keep: Flags, most: Floats) -> Program:
        """Return the program of some of the rows under other limits."""
        segments, segment = np.unique(self.segment[keep], return_inverse=True)
        starts = np.searchsorted(segment, np.arange(len(segments)))
        return replace(
            self, rows=np.flatnonzero(keep), net=self.net[keep], cost=self.cost[keep], group=self.group[keep],
            tie=self.tie[keep], segment=segment.astype(np.int64), starts=starts.astype(np.int64), most=most,
        )  # fmt: skip


def limits_of(budgets: Budgets) -> list[tuple[str, int | None, float]]:
    """Return every limit as kind, position and what is left of it."""
    found: list[tuple[str, int | None, float]] = []
    if budgets.total_minor is not None:
        found.append(("total_budget", None, budgets.total_minor))
    if budgets.rest_minor is not None:
        found.append(("rest_budget", None, budgets.rest_minor))
    found += [("play_budget", play, most) for play, most in sorted(budgets.play_minor.items())]
    found += [("play_capacity", play, most) for play, most in sorted(budgets.play_contacts.items())]
    found += [("channel_capacity", channel, most) for channel, most in sorted(budgets.channel_contacts.items())]
    return [(kind, index, max(0.0, float(most))) for kind, index, most in found]


@dataclass(frozen=True)
class Table:
    """Every limit over the groups of all rows, binding or not."""

    group: Integers
    """By contender."""
    money: Floats
    contacts: Floats
    most: Floats
    named: tuple[tuple[str, int | None], ...]

    def used(self, c: Contenders, rows: Integers) -> Floats:
        """Return how much of each limit some rows use."""
        groups = self.money.shape[1]
        cost = np.bincount(self.group[rows], weights=c.cost_minor[rows], minlength=groups)
        result: Floats = self.money @ cost + self.contacts @ np.bincount(self.group[rows], minlength=groups)
        return result


def tabulated(c: Contenders, budgets: Budgets) -> Table:
    """Return the limits as matrices over groups of rows."""
    channels = int(c.channel.max(initial=0)) + 1
    numbers = np.arange((int(c.play.max(initial=0)) + 1) * channels * 2)
    play_of, channel_of, is_rest = numbers // 2 // channels, numbers // 2 % channels, numbers % 2 == 0
    limits = limits_of(budgets)
    money, contacts = np.zeros((len(limits), len(numbers))), np.zeros((len(limits), len(numbers)))
    for position, (kind, index, _) in enumerate(limits):
        match kind:
            case "total_budget":
                money[position] = 1
            case "rest_budget":
                money[position] = is_rest
            case "play_budget":
                money[position] = play_of == index
            case "play_capacity":
                contacts[position] = play_of == index
            case "channel_capacity":
                contacts[position] = channel_of == index
    return Table(
        (c.play.astype(np.int64) * channels + c.channel) * 2 + c.is_top,
        money, contacts, np.array([limit[2] for limit in limits]), tuple(limit[:2] for limit in limits),
    )  # fmt: skip


def compile_program(c: Contenders, competing: Flags, table: Table, held: Integers) -> Program:
    """Return the program of the competing rows under what the held rows leave of the limits.

    Parameters
    ----------
    c : Contenders
        Checked.
    competing : array of bool
        Rows that may be chosen: neither held, nor control, nor doing harm, nor of a customer who is taken.
    table : Table
        The limits.
    held : array of int
        Rows that are chosen already.
    """
    rows = np.flatnonzero(competing)
    rows = rows[np.lexsort((c.channel[rows], c.play[rows], -c.priority[rows].astype(np.int64), c.customer[rows]))]
    is_first = np.diff(c.customer[rows], prepend=-1) != 0
    is_first[:1] = True
    left = np.maximum(0.0, table.most - table.used(c, held))
    binding = table.used(c, rows) > left  # what everything together keeps to limits nothing
    return Program(
        rows=rows, net=(c.value_minor - c.cost_minor)[rows], cost=c.cost_minor[rows], group=table.group[rows],
        tie=shuffled(c.customer[rows]), segment=np.cumsum(is_first) - 1, starts=np.flatnonzero(is_first),
        money=table.money[binding], contacts=table.contacts[binding], most=left[binding],
        named=tuple(name for name, is_binding in zip(table.named, binding, strict=True) if is_binding),
    )  # fmt: skip


def shuffled(customer: Integers) -> NDArray[np.uint64]:
    """Return a number per customer that orders equals fairly and always alike, not by who came first (SplitMix64)."""
    mixed = customer.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
