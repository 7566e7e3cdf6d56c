"""Prices for the limits: the Lagrangian dual, by cutting planes in a box.

At given prices every customer simply takes what is best for them, and the sum is an upper bound of every allocation that keeps
to the limits; the lowest such bound is sought. The bound is convex and made of planes: each evaluation gives one plane per
block of customers, a small linear program finds the lowest point of the planes within a box around the best prices so far, and
the box grows and shrinks with how well the planes foretold (a box step method). First on a sample of customers, then on more.

Source: Lasdon (1970), "Optimization Theory for Large Systems"; Marsten, Hogan & Blankenship (1975), "The Boxstep Method".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retention.campaigns.allocation.problem import Floats, Integers
from retention.campaigns.allocation.program import Program

BLOCKS = 16
"""Planes per evaluation: more foretell better, and make the small program slower."""
_SAMPLES = (2_000, 40_000)
_ROUNDS = 60
_ACCURACY = 1e-7


@dataclass(frozen=True)
class Point:
    """One evaluation."""

    prices: Floats
    bound: float
    chosen: Integers
    """The row each customer takes at these prices, of those who take any."""


def lowest_bound(program: Program, near: Floats | None = None) -> list[Point]:
    """Return the points of the lowest bounds found, the lowest first.

    Parameters
    ----------
    program : Program
        At least one limit and one customer.
    near : array, optional
        Prices known to be nearly right.
    """
    reach = _highest_prices(program)
    if near is not None:
        return _descend(program, near, 0.001 * (near + reach), reach)
    prices, box = np.zeros(len(program.most)), reach
    for size in _SAMPLES:
        if program.customers >= 4 * size:
            # Every n-th customer: their keys are pseudonyms, so that order means nothing.
            step = program.customers // size
            part = program.part(program.segment % step == 0, program.most / step)
            prices = _descend(part, prices, box, reach)[0].prices
            box = np.minimum(reach, 0.3 * prices + 0.02 * reach)
    return _descend(program, prices, box, reach)


def _descend(program: Program, prices: Floats, box: Floats, reach: Floats) -> list[Point]:
    planes = _Planes(program)
    best = planes.add(prices)
    points = [best]
    for _ in range(_ROUNDS):
        foretold, prices = planes.lowest(best.prices, box, reach)
        promised = best.bound - foretold
        if promised <= _ACCURACY * abs(best.bound):
            if np.all((prices > best.prices - box * 0.999) | (prices <= 0)) and np.all(prices < best.prices + box * 0.999):
                break
            box = np.minimum(reach, 4 * box)
            continue
        point = planes.add(prices)
        points.append(point)
        kept = (best.bound - point.bound) / promised
        if kept > 0:
            best = point
        box = np.minimum(reach, box * (2 if kept > 0.5 else 1 if kept > 0.1 else 0.5))
    return sorted(points, key=lambda point: point.bound)[:3]


def _highest_prices(program: Program) -> Floats:
    """Return prices at which nobody takes anything that uses the limit."""
    reach = np.zeros(len(program.most))
    with np.errstate(divide="ignore"):
        per_money = np.where(program.cost > 0, program.net / np.maximum(program.cost, 1e-12), 0.0)
    groups = program.money.shape[1]
    money, contact = np.zeros(groups), np.zeros(groups)
    np.maximum.at(money, program.group, per_money)
    np.maximum.at(contact, program.group, program.net)
    for limit in range(len(reach)):
        reach[limit] = max((program.money[limit] * money).max(), (program.contacts[limit] * contact).max())
    return reach * 1.01 + 1e-9


class _Planes:
    """The planes found so far, under which the bound lies nowhere."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.blocks = min(BLOCKS, program.customers)
        self.block = np.arange(program.customers) * self.blocks // program.customers
        self.slopes: list[Floats] = []
        self.levels: list[Floats] = []

    def add(self, prices: Floats) -> Point:
        """Evaluate the bound at some prices and keep its planes."""
        program = self.program
        rows, worth = program.best(program.priced(prices))
        taking = worth > 0
        rows, block = rows[taking], self.block[taking]
        bound = float(worth[taking].sum() + prices @ program.most)
        groups = program.money.shape[1]
        where = block * groups + program.group[rows]
        shape = (self.blocks, groups)
        cost = np.bincount(where, weights=program.cost[rows], minlength=self.blocks * groups).reshape(shape)
        count = np.bincount(where, minlength=self.blocks * groups).reshape(shape)
        used = cost @ program.money.T + count @ program.contacts.T
        self.slopes.append(-used.astype(np.float64))
        self.levels.append(np.bincount(block, weights=program.net[rows], minlength=self.blocks).astype(np.float64))
        return Point(prices, bound, rows)

    def lowest(self, centre: Floats, box: Floats, reach: Floats) -> tuple[float, Floats]:
        """Return the lowest point of the planes within the box, and its prices."""
        from scipy.optimize import linprog  # a third of a second to import: only where limits bind

        limits = len(centre)
        slopes, levels = np.concatenate(self.slopes), np.concatenate(self.levels)
        owner = np.tile(np.arange(self.blocks), len(self.slopes))
        planes = np.zeros((len(levels), limits + self.blocks))
        planes[:, :limits] = slopes
        planes[np.arange(len(levels)), limits + owner] = -1
        solved = linprog(
            np.concatenate([self.program.most, np.ones(self.blocks)]),
            A_ub=planes,
            b_ub=-levels,
            bounds=[
                *zip(np.maximum(0, centre - box), np.minimum(np.maximum(reach, centre), centre + box), strict=True),
                *[(0, None)] * self.blocks,
            ],
            method="highs",
        )
        if solved.x is None:
            return -np.inf, centre
        return float(solved.fun), np.maximum(0.0, solved.x[:limits])
