"""Which groups of customers fall behind: each against everybody else, and against itself four weeks before.

Dozens of groups are compared at once, and some always look bad by chance. So no difference is called one before all of them
have been weighed together (false discoveries at most 5 %).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from scipy import stats

FALSE_DISCOVERIES = 0.05


class Kind(Enum):
    """What a KPI is, for its error."""

    SHARE = "share"
    NPS = "nps"
    RATE = "rate"


REVIEWED: Mapping[str, tuple[Kind, int]] = {
    "retention_rate": (Kind.SHARE, 1),
    "repurchase_rate": (Kind.SHARE, 1),
    "nps": (Kind.NPS, 1),
    "complaint_rate": (Kind.RATE, -1),
    "complaints_inside_clock": (Kind.SHARE, 1),
}
"""The KPIs reviewed, with 1 where more is better and -1 where less is."""


@dataclass(frozen=True)
class Cell:
    """One KPI of one group over one window."""

    kpi: str
    dimension: str
    member: str
    numerator: float
    denominator: float
    customers: int

    @property
    def value(self) -> float:
        """The KPI in its unit."""
        return self.numerator / self.denominator

    @property
    def variance(self) -> float:
        """Squared standard error of the value.

        Shares with two added to either side, so that 0 of 12 is not taken for certain; NPS as if nobody were passive, which is
        the most its answers can vary; complaints per order as counts.
        """
        match REVIEWED[self.kpi][0]:
            case Kind.SHARE:
                share = (self.numerator + 2) / (self.denominator + 4)
                return share * (1 - share) / (self.denominator + 4)
            case Kind.NPS:
                return max(10_000 - self.value**2, 10_000 / (self.denominator + 1)) / self.denominator
            case Kind.RATE:
                return (self.numerator + 1) / self.denominator**2

    def without(self, part: Cell) -> Cell:
        """Return everybody else."""
        return Cell(
            self.kpi, self.dimension, self.member, self.numerator - part.numerator, self.denominator - part.denominator,
            self.customers - part.customers,
        )  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One group and KPI, beside everybody else and beside itself before."""

    now: Cell
    others: float
    before: float | None
    """Four weeks before; None where the group was too small then."""
    is_behind: bool
    """Worse than everybody else, beyond chance."""
    is_falling: bool
    """Worse than four weeks before, beyond chance."""


def findings(now: Iterable[Cell], before: Iterable[Cell], smallest: int) -> list[Finding]:
    """Return every group that is large enough to be shown, the worst KPIs first within their kind.

    Parameters
    ----------
    now, before : iterables of Cell
        The same KPIs over two windows of equal length, the dimension ``all`` among them.
    smallest : int
        Groups, and what is left without them, of fewer people are left out.
    """
    current = {(cell.kpi, cell.dimension, cell.member): cell for cell in now if cell.kpi in REVIEWED}
    earlier = {(cell.kpi, cell.dimension, cell.member): cell for cell in before}
    pairs: list[tuple[Cell, Cell, Cell | None]] = []
    for (kpi, dimension, _), cell in current.items():
        everybody = current.get((kpi, "all", "all"))
        if dimension == "all" or everybody is None or not _is_shown(cell, smallest):
            continue
        others = everybody.without(cell)
        if not _is_shown(others, smallest):
            continue
        then = earlier.get((kpi, dimension, cell.member))
        pairs.append((cell, others, then if then is not None and _is_shown(then, smallest) else None))
    chances = [_chance(cell, others) for cell, others, _ in pairs]
    chances += [_chance(cell, then) for cell, _, then in pairs if then is not None]
    adjusted = iter(stats.false_discovery_control(chances) if chances else [])
    behind = [next(adjusted) <= FALSE_DISCOVERIES and _is_worse(cell, others) for cell, others, _ in pairs]
    falling = [then is not None and next(adjusted) <= FALSE_DISCOVERIES and _is_worse(cell, then) for cell, _, then in pairs]
    found = [
        Finding(cell, others.value, None if then is None else then.value, bool(is_behind), bool(is_falling))
        for (cell, others, then), is_behind, is_falling in zip(pairs, behind, falling, strict=True)
    ]
    return sorted(found, key=_order)


def flagged(found: Sequence[Finding]) -> list[Finding]:
    """Return the findings that ask for something to be done."""
    return [finding for finding in found if finding.is_behind or finding.is_falling]


def _is_shown(cell: Cell, smallest: int) -> bool:
    return cell.customers >= smallest and cell.denominator > 0


def _chance(one: Cell, other: Cell) -> float:
    """Return how likely so great a difference is by chance alone, in either direction."""
    error = math.sqrt(one.variance + other.variance)
    return float(2 * stats.norm.sf(abs(one.value - other.value) / error)) if error > 0 else 1.0


def _is_worse(cell: Cell, reference: Cell) -> bool:
    return (cell.value - reference.value) * REVIEWED[cell.kpi][1] < 0


def _order(finding: Finding) -> tuple[int, int, str, str]:
    kpis = list(REVIEWED)
    return (
        -(2 * finding.is_behind + finding.is_falling),
        kpis.index(finding.now.kpi),
        finding.now.dimension,
        finding.now.member,
    )
