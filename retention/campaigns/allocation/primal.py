"""From prices to an allocation that keeps to every limit: drop what brings least for what it uses, then fill what is left.

At the best prices nearly everybody's own best choice is right; only customers who are nearly indifferent may have to give
way. They are about as many as the limits, not as the customers, so what repair loses is small, and the bound says how small.
"""

from __future__ import annotations

import numpy as np

from retention.campaigns.allocation.problem import Floats, Integers
from retention.campaigns.allocation.program import TOLERANCE, Program

_PASSES = 6
_CHUNK = 20_000
_STEPS = 400
_EPSILON = 1e-9


def repaired(program: Program, chosen: Integers, prices: Floats) -> Integers:
    """Return rows that keep to the limits, starting from the customers' own choices at some prices.

    Parameters
    ----------
    program : Program
        The program.
    chosen : array of int
        At most one row per customer.
    prices : array
        Price of each limit: tells which rows to give up and which to take first.

    Returns
    -------
    Array of int, at most one row per customer, within every limit.
    """
    worth = program.priced(prices)
    taken = np.full(program.customers, -1, np.int64)
    taken[program.segment[chosen]] = chosen
    _drop(program, taken, worth)
    for _ in range(_PASSES):
        if not _fill(program, taken, worth):
            break
    return taken[taken >= 0]


def _drop(program: Program, taken: Integers, worth: Floats) -> None:
    """Take rows out until every limit holds, those first that are worth least for what they use of the limit."""
    for _ in range(len(program.most) + 1):
        rows = taken[taken >= 0]
        over = program.used(rows) - program.most
        if np.all(over <= TOLERANCE):
            return
        limit = int(np.argmax(over / np.maximum(program.most, 1.0)))
        use = program.money[limit][program.group[rows]] * program.cost[rows] + program.contacts[limit][program.group[rows]]
        users = np.flatnonzero(use > 0)
        users = users[np.lexsort((program.tie[rows[users]], -worth[rows[users]] / use[users]))][::-1]
        freed = np.cumsum(use[users])
        gone = users[: int(np.searchsorted(freed, over[limit] - TOLERANCE)) + 1]
        taken[program.segment[rows[gone]]] = -1


def _fill(program: Program, taken: Integers, worth: Floats) -> int:
    """Add rows, or change to better ones, where the limits leave room; return how many."""
    has = taken >= 0
    current_net = np.where(has, program.net[taken], 0.0)
    current_worth = np.where(has, worth[taken], 0.0)
    left = program.most - program.used(taken[has])
    # A change frees what the row given up used, which is not counted on here: it serves the next pass.
    roomy = left + TOLERANCE
    money = np.where(program.money > 0, roomy[:, None], np.inf).min(axis=0, initial=np.inf)
    count = np.where(program.contacts > 0, roomy[:, None], np.inf).min(axis=0, initial=np.inf)
    gain = program.net - current_net[program.segment]
    better = (gain > _EPSILON) | ((gain >= 0) & ~has[program.segment])
    fits = better & (program.cost <= money[program.group]) & (count[program.group] >= 1 - TOLERANCE)
    rows = np.flatnonzero(fits)
    if not len(rows):
        return 0
    # The best change of each customer at these prices, then the customers by what it brings.
    lift = worth[rows] - current_worth[program.segment[rows]]
    order = np.lexsort((rows, -lift, program.segment[rows]))
    first = np.ones(len(rows), dtype=bool)
    first[1:] = np.diff(program.segment[rows[order]]) > 0
    best = order[first]
    rows, lift = rows[best], lift[best]
    order = np.lexsort((rows, program.tie[rows], -program.net[rows], -lift))
    added = 0
    for start in range(0, len(order), _CHUNK):
        accepted = _prefix(program, rows[order[start : start + _CHUNK]], left)
        taken[program.segment[accepted]] = accepted
        added += len(accepted)
    return added


def _prefix(program: Program, rows: Integers, left: Floats) -> Integers:
    """Return the rows that fit one after the other in their order; what they use is taken off `left`."""
    accepted: list[Integers] = []
    usage = program.usage(rows)
    for _ in range(_STEPS):
        fits = np.all(usage <= left + TOLERANCE, axis=1)
        rows, usage = rows[fits], usage[fits]
        if not len(rows):
            break
        sums = np.cumsum(usage, axis=0)
        too_much = np.any(sums > left + TOLERANCE, axis=1)
        until = int(np.argmax(too_much)) if too_much.any() else len(rows)
        accepted.append(rows[:until])
        left -= sums[until - 1]
        rows, usage = rows[until:], usage[until:]
    return np.concatenate(accepted) if accepted else rows[:0]
