"""The rules by which source customers are linked to one person. Pure: no database, no order of arrival.

Two source customers with the same normalised e-mail address or phone number are the same person, unless the address says
little about who uses it: more source customers than a limit share it (a company's, a shop's), or people with different
birth dates do (a family's). Whoever is linked through a chain that ends in two different birth dates is parted again, and
then only joined with those of the same birth date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Member:
    """One customer of one source, as far as linking looks at it."""

    key: int
    source: str
    customer_id: str
    created_at: datetime
    email: str | None = None
    phone: str | None = None
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Whom a source customer belongs to, and by which rule.

    ``rule`` is ``alone``, ``first`` (the member that names the person) or what this member shares with another one of the
    person: ``email``, ``phone``, ``email+phone``.
    """

    customer_key: int
    rule: str


def link_members(members: Iterable[Member], shared_address_limit: int = 3) -> dict[int, Link]:
    """Link source customers to people.

    Parameters
    ----------
    members : iterable of Member
        All that share addresses with each other must be among them; order does not matter.
    shared_address_limit : int
        An address of more members than this links nobody.

    Returns
    -------
    Link by member key. ``customer_key`` is the key of the person's member with the earliest creation time (ties by source,
    then number), so it does not depend on who was delivered first.
    """
    by_key = {member.key: member for member in members}
    groups = {
        "email": _linking(by_key.values(), lambda m: m.email, shared_address_limit),
        "phone": _linking(by_key.values(), lambda m: m.phone, shared_address_limit),
    }
    edges = [group for kind in groups.values() for group in kind]
    people: list[set[int]] = []
    for component in _components(by_key, edges):
        people.extend(_part(component, by_key, edges) if _conflict(component, by_key) else [component])
    links: dict[int, Link] = {}
    for person in people:
        first = min(person, key=lambda key: (by_key[key].created_at, by_key[key].source, by_key[key].customer_id))
        for key in person:
            rule = "alone" if len(person) == 1 else "first" if key == first else _rule(key, person, by_key)
            links[key] = Link(first, rule)
    return links


def _linking(members: Iterable[Member], address: Callable[[Member], str | None], limit: int) -> list[tuple[int, ...]]:
    """Return the groups of members that an address links."""
    sharing: defaultdict[str, list[Member]] = defaultdict(list)
    for member in members:
        value = address(member)
        if value is not None:
            sharing[value].append(member)
    linking = []
    for group in sharing.values():
        birth_dates = {member.birth_date for member in group if member.birth_date is not None}
        if 1 < len(group) <= limit and len(birth_dates) <= 1:
            linking.append(tuple(member.key for member in group))
    return linking


def _components(keys: Iterable[int], edges: Iterable[tuple[int, ...]]) -> list[set[int]]:
    """Return the connected sets of keys (union-find with path halving)."""
    parent = {key: key for key in keys}

    def root(key: int) -> int:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, *others in edges:
        for other in others:
            parent[root(other)] = root(first)
    found: defaultdict[Hashable, set[int]] = defaultdict(set)
    for key in parent:
        found[root(key)].add(key)
    return list(found.values())


def _conflict(component: set[int], by_key: Mapping[int, Member]) -> bool:
    return len({by_key[key].birth_date for key in component} - {None}) > 1


def _part(component: set[int], by_key: Mapping[int, Member], edges: Iterable[tuple[int, ...]]) -> list[set[int]]:
    """Join within a contradictory chain only those of one known birth date; the rest stand alone."""
    kept: list[tuple[int, ...]] = []
    for group in edges:
        if group[0] not in component:
            continue
        same: defaultdict[date, list[int]] = defaultdict(list)
        for key in group:
            birth_date = by_key[key].birth_date
            if birth_date is not None:
                same[birth_date].append(key)
        kept.extend(tuple(keys) for keys in same.values() if len(keys) > 1)
    return _components(component, kept)


def _rule(key: int, person: set[int], by_key: Mapping[int, Member]) -> str:
    member, others = by_key[key], [by_key[other] for other in person if other != key]
    shared = [
        name
        for name, address in (("email", member.email), ("phone", member.phone))
        if address is not None and any(getattr(other, name) == address for other in others)
    ]
    return "+".join(shared)
