"""Why a contender was not chosen, and whether a control row would have been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retention.campaigns.allocation.problem import Contenders, Flags, Floats, Integers, Verdict
from retention.campaigns.allocation.program import Table, shuffled

_INDIFFERENT = 1e-6
"""Share of a row's net margin within which the price of the limits leaves it open whether the row is chosen."""


def verdicts(
    c: Contenders, table: Table, prices: Floats, chosen: Flags, is_control: Flags, customer: Integers
) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    """Return the verdict of every row, and the play that beat it (-1: none did).

    A row is beaten when its customer's day went to a row that is worth at least as much; where the day went to a lesser row, or
    to none, a limit kept it out: that of money or that of contacts, whichever costs it more at the prices found.

    Parameters
    ----------
    c : Contenders
        All rows.
    table : Table
        The limits.
    prices : array
        Price of each limit.
    chosen, is_control : arrays of bool
        Rows that are acted on; rows kept back at random.
    customer : array of int
        Number of each row's customer, from 0.
    """
    net = c.value_minor - c.cost_minor
    money = c.cost_minor * (prices @ table.money)[table.group]
    contact = (prices @ table.contacts)[table.group]
    worth = net - money - contact

    winner = np.full(int(customer.max(initial=-1)) + 1, -1, np.int64)
    winner[customer[chosen]] = np.flatnonzero(chosen)
    mine = winner[customer]
    has_winner = mine >= 0

    full = _full(c, table, chosen)
    is_channel = np.where(money + contact > 0, contact > money, full)
    verdict = np.where(is_channel, Verdict.CHANNEL_FULL, Verdict.OVER_BUDGET).astype(np.int8)

    # A control row is weighed at the price of the limits, as if it had stood in the contest.
    is_less = np.where(is_control, _lesser(c, worth, mine), _lesser(c, net, mine))
    # What was handed out already has the day whatever it is worth; a control row takes no day, so a day planned again keeps it.
    verdict[has_winner & (is_less | (c.is_held[mine] & ~is_control))] = Verdict.BEATEN
    would_be = is_control & (verdict != Verdict.BEATEN) & _passes(c, table, worth, net, chosen, is_control, has_winner)
    verdict[would_be] = Verdict.CHOSEN
    verdict[c.value_minor < c.cost_minor] = Verdict.NOT_WORTH_ITS_COST
    verdict[c.value_minor < 0] = Verdict.DO_NOT_DISTURB
    verdict[chosen] = Verdict.CHOSEN
    beaten_by = np.where(verdict == Verdict.BEATEN, c.play[mine], -1).astype(np.int16)
    return verdict, beaten_by


def _lesser(c: Contenders, measure: Floats, mine: Integers) -> Flags:
    """Whether rows are worth less than their customer's winner; of equals the one of less priority, then the later play."""
    priority, play = c.priority.astype(np.int64), c.play.astype(np.int64)
    same = measure == measure[mine]
    later = (priority < priority[mine]) | ((priority == priority[mine]) & (play >= play[mine]))
    result: Flags = np.where(same, later, measure < measure[mine])
    return result


def _full(c: Contenders, table: Table, chosen: Flags) -> Flags:
    """Whether a limit of contacts of a row's own has no room for one more."""
    left = table.most - table.used(c, np.flatnonzero(chosen))
    full = left < 1
    groups: Flags = np.any(table.contacts[full] > 0, axis=0)
    result: Flags = groups[table.group]
    return result


def _passes(
    c: Contenders, table: Table, worth: Floats, net: Floats, chosen: Flags, is_control: Flags, has_winner: Flags
) -> Flags:
    """Whether control rows are worth the price of the limits.

    Where the price leaves it open, as with many rows of one value, as large a share of the control rows passes as of the others
    of their group: control and contacted must differ by nothing but the draw.
    """
    passes: Flags = worth >= 0
    is_open = np.abs(worth) <= _INDIFFERENT * np.maximum(1.0, net)
    open_control = np.flatnonzero(is_open & is_control)
    if not len(open_control):
        return passes
    others = np.flatnonzero(is_open & ~is_control & (chosen | ~has_winner))
    groups = table.money.shape[1]
    taken = np.bincount(table.group[others][chosen[others]], minlength=groups)
    present = np.bincount(table.group[others], minlength=groups)
    share = np.where(present > 0, taken / np.maximum(present, 1), 1.0)
    place = shuffled(c.customer[open_control]) / 2.0**64
    passes[open_control] = place < share[table.group[open_control]]
    return passes
