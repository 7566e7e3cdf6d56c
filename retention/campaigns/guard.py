"""The guard: how much an audience may change in one day.

A wrong threshold or a half-empty source makes an audience ten times as large, or empties it. Each audience has budgets for its
size, for who joins and for who leaves, measured against what was delivered last; pushes of one day share them. Over budget,
additions within bounds still go; removals and the rest of that audience wait for an approval
(:mod:`retention.campaigns.approvals`). Other audiences go on. Who said no, was erased or whose time is over always leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retention.settings_campaigns import CampaignSettings

Cause = Literal["budget", "not_planned", "empty", "population"]
_CAUSES: Mapping[str, str] = {
    "budget": "",
    "not_planned": " (the play was not planned that day)",
    "empty": " (every audience would empty at once)",
    "population": " (far fewer customers than at the push before)",
}
EMPTY_MEMBERS = 2
"""Members standing from which an empty plan is taken for an empty source; one may leave by oneself."""


@dataclass(frozen=True)
class Movement:
    """What a push would do to one audience; of a staff play, its open tasks are the members."""

    play: str
    held: int
    """Members that stood when the day began and have not expired."""
    size: int
    """Members after the push."""
    joins: int
    leaves: int
    """Members who would leave without having expired or said no: those may always go."""
    was_delivered: bool
    """Whether the marketing database held the audience when the day began."""
    usual: int | None = None
    """Most members that a push of the weeks before left; None for a play that is new."""
    is_planned: bool = True
    """Whether the play was planned that day: without a plan nobody is known to have left."""
    joined_earlier: int = 0
    """Who joined by earlier pushes of the day …"""
    left_earlier: int = 0
    """… and who left."""


@dataclass(frozen=True)
class Population:
    """Customers a plan looked at."""

    now: int
    before: int | None = None
    """At the push before; None at the first."""


@dataclass(frozen=True)
class Excess:
    """One count over its budget."""

    play: str
    measure: Literal["size", "joins", "leaves"]
    found: int
    """Of the day, with what went out earlier."""
    allowed: int
    cause: Cause = "budget"
    earlier: int = 0
    """Of them, by earlier pushes of the day."""

    def __str__(self) -> str:
        before = f" ({self.earlier:,} of them earlier today)" if self.earlier else ""
        return f"{self.play}: {self.measure} {self.found:,}{before}, allowed {self.allowed:,}{_CAUSES[self.cause]}"


@dataclass(frozen=True)
class Verdict:
    """What waits. Audiences that are not named go out whole."""

    waiting: tuple[Excess, ...] = ()

    @property
    def joins(self) -> frozenset[str]:
        """Audiences whose joins wait."""
        return frozenset(item.play for item in self.waiting if item.measure != "leaves")

    @property
    def rest(self) -> frozenset[str]:
        """Audiences whose removals and updates wait."""
        return frozenset(item.play for item in self.waiting)

    def __str__(self) -> str:
        return "; ".join(map(str, self.waiting))


Budgets = Mapping[str, Mapping[str, float]]
"""By play, what its own file says in place of the settings: base_share, join_share, leave_share, growth, minimum_rows."""


def find_excess(
    movements: Sequence[Movement], population: Population, budgets: CampaignSettings, own: Budgets | None = None
) -> list[Excess]:
    """Return the counts over budget.

    Parameters
    ----------
    movements : sequence of Movement
        One per audience.
    population : Population
        Customers looked at; shares are of these, except that leaves are a share of the members held and growth is measured
        by the audience's own past.
    budgets : CampaignSettings
        The ``guard_*`` numbers.
    own : mapping, optional
        Budgets of single plays.

    Returns
    -------
    In order of play, for each in order size, joins, leaves. Nothing allowed to leave, whatever the budget, from a play that was
        not planned, and from any when the population has shrunk by more than its share or every audience would empty at once.
    """
    found: list[Excess] = []
    failed = _failed_source(movements, population, budgets)
    for movement in movements:
        mine = (own or {}).get(movement.play, {})
        least = int(mine.get("minimum_rows", budgets.guard_minimum_rows))
        # A small audience can grow tenfold and still be a small share of everybody: its own past counts as well.
        largest = mine.get("base_share", budgets.guard_first_push_share) * population.now
        if movement.usual is not None:
            largest = min(largest, mine.get("growth", budgets.guard_growth) * movement.usual)
        limits: list[tuple[Literal["size", "joins", "leaves"], int, int, float]] = [("size", movement.size, 0, largest)]
        if movement.was_delivered:
            join_share = mine.get("join_share", budgets.guard_join_share)
            limits.append(("joins", movement.joins, movement.joined_earlier, join_share * population.now))
            leave_share = mine.get("leave_share", budgets.guard_leave_share)
            limits.append(("leaves", movement.leaves, movement.left_earlier, leave_share * movement.held))
        for measure, count, earlier, limit in limits:
            cause: Cause = "budget"
            allowed = max(int(limit), least)
            if measure == "leaves" and (failed is not None or not movement.is_planned):
                cause, allowed = failed or "not_planned", 0
            if count and count + earlier > allowed:
                found.append(Excess(movement.play, measure, count + earlier, allowed, cause, earlier))
    return found


def _failed_source(movements: Sequence[Movement], population: Population, budgets: CampaignSettings) -> Cause | None:
    """Return why the absence of people proves nothing; None when it does."""
    if population.before is not None and population.now < budgets.guard_population_share * population.before:
        return "population"
    standing = sum(movement.held + movement.joined_earlier - movement.left_earlier for movement in movements)
    if standing >= EMPTY_MEMBERS and not any(movement.size for movement in movements) and any(m.leaves for m in movements):
        return "empty"
    return None
