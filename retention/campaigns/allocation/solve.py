"""Who is contacted with what, by expected margin, within the limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retention.campaigns.allocation.dual import Point, lowest_bound
from retention.campaigns.allocation.exact import ENOUGH, settled
from retention.campaigns.allocation.primal import repaired
from retention.campaigns.allocation.problem import Allocation, Budgets, Contenders, Floats, Integers, Limit
from retention.campaigns.allocation.program import Program, compile_program, shuffled, tabulated
from retention.campaigns.allocation.verdicts import verdicts

EXACT = 1e-9
"""A gap below this share is rounding."""
_CLOSE = 1e-5
"""A larger gap before the exact part means that many customers are indifferent: they are shaken apart."""
_SHAKE = 1e-3
"""By this share of their margin at most; what is found so is weighed by its true margin."""


def allocate(contenders: Contenders, budgets: Budgets) -> Allocation:
    """Choose at most one contender per customer so that expected margin less cost is greatest within the limits.

    Rows held keep their customers and use their share of the limits whatever else holds. Rows that do harm or do not bring what
    they cost are out. Where no limit binds, everybody's best is the answer. Where limits bind, prices for them are sought
    (:mod:`retention.campaigns.allocation.dual`), the choices at these prices are brought within the limits
    (:mod:`~retention.campaigns.allocation.primal`), and what the bound leaves open is solved exactly where it is small
    (:mod:`~retention.campaigns.allocation.exact`). The same rows give the same answer, whatever the order of a customer's rows.

    Parameters
    ----------
    contenders : Contenders
        Sorted by customer.
    budgets : Budgets
        The limits.

    Returns
    -------
    Allocation, with a bound that no allocation can pass, the price of each limit, and a verdict for every row.

    Raises
    ------
    AllocationError when the arrays cannot be decided about.
    """
    contenders.check()
    c = contenders
    is_control = np.zeros(len(c), dtype=bool) if c.is_control is None else c.is_control & ~c.is_held
    held = np.flatnonzero(c.is_held)  # of several of one customer, all: each of them is a fact
    customer = np.cumsum(np.diff(c.customer, prepend=c.customer[:1]) != 0)
    is_taken = np.zeros(int(customer.max(initial=-1)) + 1, dtype=bool)
    is_taken[customer[held]] = True
    competing = ~is_control & (c.value_minor >= 0) & (c.value_minor >= c.cost_minor) & ~is_taken[customer]
    table = tabulated(c, budgets)
    program = compile_program(c, competing, table, held)
    rows, prices, bound, method = _solved(program)
    chosen = np.zeros(len(c), dtype=bool)
    chosen[program.rows[rows]] = True
    chosen[held] = True
    price = np.zeros(len(table.most))
    price[[table.named.index(name) for name in program.named]] = prices
    verdict, beaten_by = verdicts(c, table, price, chosen, is_control, customer)
    used = table.used(c, np.flatnonzero(chosen))
    top, rest = chosen & c.is_top, chosen & ~c.is_top
    return Allocation(
        chosen=chosen,
        verdict=verdict,
        beaten_by=beaten_by,
        limits=tuple(
            Limit(kind, index, float(most), float(use), float(cost))
            for (kind, index), most, use, cost in zip(table.named, table.most, used, price, strict=True)
        ),
        value_minor=float(c.value_minor[chosen].sum()),
        cost_minor=float(c.cost_minor[chosen].sum()),
        bound_minor=bound + float((c.value_minor - c.cost_minor)[held].sum()),
        method=method,
        top_customers=int(top.sum()),
        top_cost_minor=float(c.cost_minor[top].sum()),
        rest_customers=int(rest.sum()),
        rest_cost_minor=float(c.cost_minor[rest].sum()),
    )


def _solved(program: Program) -> tuple[Integers, Floats, float, str]:
    """Return the rows chosen, the price of each limit, the bound, and how it was found."""
    rows, _ = program.best(program.net)
    if program.is_within(program.used(rows)):
        return rows, np.zeros(len(program.most)), float(program.net[rows].sum()), "unconstrained"
    points = lowest_bound(program)
    lowest = points[0]
    rows, value = _best_repair(program, points)
    if lowest.bound - value > _CLOSE * abs(lowest.bound):
        # Many rows worth the same leave customers indifferent by the thousand: shaken a little, nearly nobody is.
        again, more = _best_repair(program, lowest_bound(_shaken(program), near=lowest.prices))
        rows, value = (again, more) if more > value else (rows, value)
    bound = lowest.bound
    if bound - value > ENOUGH * abs(bound):
        found = settled(program, rows, lowest)
        if found is not None:
            rows, bound = found
            value = float(program.net[rows].sum())
    bound = max(bound, value)
    return np.sort(rows), lowest.prices, bound, "exact" if bound - value <= EXACT * max(1.0, abs(bound)) else "bounded"


def _best_repair(program: Program, points: list[Point]) -> tuple[Integers, float]:
    """Return the best of what the points' choices are brought to within the limits, and what it is worth."""
    repairs = [repaired(program, point.chosen, point.prices) for point in points]
    values = [float(program.net[rows].sum()) for rows in repairs]
    best = int(np.argmax(values))
    return repairs[best], values[best]


def _shaken(program: Program) -> Program:
    """Return the program with every net margin changed by a tiny share, different by customer and group and always the same."""
    place = shuffled((program.tie >> np.uint64(8)).astype(np.int64) + program.group) / 2.0**64
    return replace(program, net=program.net * (1 + _SHAKE * (place - 0.5)))
