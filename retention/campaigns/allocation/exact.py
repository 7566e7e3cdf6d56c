"""The rest of the question, solved exactly: the customers whose choice the bound leaves open.

What a row would cost against the lowest bound is known: where that is more than bound and solution are apart, no better
solution can hold the row, and it is out. What is left is mostly a small integer program, which HiGHS solves to the end.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from retention.campaigns.allocation.dual import Point
from retention.campaigns.allocation.problem import Floats, Integers
from retention.campaigns.allocation.program import Program

MOST_ROWS = 4_000
"""Rows up to which the open part is given to the exact solver."""
ENOUGH = 1e-7
"""Share of the bound at which nothing more is sought."""
_NODES = 100
"""Limit of its search, in nodes and not in seconds: the same input gives the same answer on any machine."""


def settled(program: Program, chosen: Integers, point: Point) -> tuple[Integers, float] | None:
    """Return a solution at least as good and a bound at least as low; None where the open part is too large.

    Parameters
    ----------
    program : Program
        The program.
    chosen : array of int
        The best solution so far.
    point : Point
        The lowest bound so far.
    """
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    value = float(program.net[chosen].sum())
    slack = point.bound - value + 1e-7 * max(1.0, abs(point.bound))
    worth = program.priced(point.prices)
    best = np.maximum(0.0, np.maximum.reduceat(worth, program.starts))
    possible = best[program.segment] - worth <= slack
    must_take = best > slack  # the customer gets something in every better solution
    count = np.bincount(program.segment[possible], minlength=program.customers)
    is_fixed = possible & (must_take & (count == 1))[program.segment]
    fixed = np.flatnonzero(is_fixed)
    open_rows = np.flatnonzero(possible & ~is_fixed)
    left = program.most - program.used(fixed)
    if len(open_rows) > MOST_ROWS or np.any(left < -1e-6):
        return None
    fixed_value = float(program.net[fixed].sum())
    if not len(open_rows):
        return (fixed, min(point.bound, max(value, fixed_value))) if fixed_value >= value else (chosen, value)
    owners, owner = np.unique(program.segment[open_rows], return_inverse=True)
    once = sparse.csr_array((np.ones(len(open_rows)), (owner, np.arange(len(open_rows)))))
    least = must_take[owners].astype(float)
    # The last proofs are the slow ones: the search ends where what is missing is nothing of the whole.
    enough = max(1e-9, 0.5 * ENOUGH * point.bound / max(float(program.net[open_rows].max()), value - fixed_value))
    with _remarks_to_stderr():
        solved = milp(
            -program.net[open_rows],
            integrality=np.ones(len(open_rows)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(once, least, 1),
                LinearConstraint(sparse.csr_array(program.usage(open_rows).T), -np.inf, np.maximum(0.0, left)),
            ],
            options={"node_limit": _NODES, "mip_rel_gap": enough},
        )
    if solved.status == 2:  # nothing better exists: the solution at hand is the best
        return chosen, value
    if solved.mip_dual_bound is None:
        return None
    bound = min(point.bound, max(value, fixed_value - float(solved.mip_dual_bound)))
    if solved.x is not None:
        found = np.concatenate([fixed, open_rows[solved.x > 0.5]])
        found = _within(program, found)
        if float(program.net[found].sum()) > value:
            return found, bound
    return chosen, bound


@contextmanager
def _remarks_to_stderr() -> Iterator[None]:
    """Send to standard error what the solver's C++ prints to standard output whatever it is told: output is for results."""
    flush = getattr(ctypes.CDLL(None), "fflush", None) if sys.platform != "win32" else None
    if flush is None:
        yield
        return
    sys.stdout.flush()
    flush(None)
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        flush(None)
        os.dup2(kept, 1)
        os.close(kept)


def _within(program: Program, rows: Integers) -> Integers:
    """Return the rows if they keep to the limits to the last unit, else none: the solver's own tolerance is wider."""
    used: Floats = program.used(rows)
    return rows if program.is_within(used) else rows[:0]
