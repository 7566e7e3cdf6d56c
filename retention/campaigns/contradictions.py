"""Rules that can hold for nobody: comparisons that exclude each other, alternatives and rungs that are never reached.

Every way in which a condition can hold is written out (disjunctive normal form) and tried on the values at which its
comparisons change their answer. Attributes are taken to be independent: what only the business knows to be impossible is not
found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Any

from retention.campaigns.catalogue import Attribute, attributes
from retention.campaigns.conditions import Leaf, parse
from retention.campaigns.documents import Document, Place

MOST_WAYS = 2_000
"""A condition with more ways to hold is not examined: the shipped plays have at most six."""


@dataclass(frozen=True)
class _Atom:
    """One comparison, or its contrary, with its place in the file."""

    leaf: Leaf
    place: Place
    is_asserted: bool

    def holds(self, value: Any) -> bool:
        """Whether it holds for a value; None is unknown, which satisfies no comparison and every contrary."""
        return _holds(self.leaf, value) == self.is_asserted

    def said(self, document: Document) -> str:
        """Return the comparison as people read it."""
        value = list(self.leaf.value) if isinstance(self.leaf.value, tuple) else self.leaf.value
        line = document.at(self.place).rpartition(":")[2]
        return f"{'' if self.is_asserted else 'not '}{self.leaf.operator} {value} (line {line})"


Way = tuple[_Atom, ...]


def contradictions(document: Document) -> Iterator[str]:
    """Yield what can never hold in a play whose attributes and values are known to be right.

    Parameters
    ----------
    document : Document
        A play that the schema has accepted.
    """
    raw = document.content
    audience = _ways(raw["audience"], ("audience",))
    if "trigger" in raw:
        audience = _both(audience, _ways(raw["trigger"], ("trigger",)))
    if audience is None:
        return
    possible = [way for way in audience if _clash(way) is None]
    if not possible:
        clash = _clash(audience[0]) or ()
        yield (
            f"{document.at(clash[-1].place)}: {clash[0].leaf.attribute} {' and '.join(atom.said(document) for atom in clash)} "
            "hold for nobody together"
        )
        return
    yield from _idle(document, audience, possible)
    yield from _unreached(document, possible)


def _idle(document: Document, ways: Sequence[Way], possible: Sequence[Way]) -> Iterator[str]:
    """Find the alternatives that the rest of the rule rules out."""
    used = {atom for way in possible for atom in way}
    told: set[Place] = set()
    for way in ways:
        if _clash(way) is None:
            continue
        unused = [atom for atom in way if atom not in used]
        if unused and unused[0].place not in told:
            told.add(unused[0].place)
            yield (
                f"{document.at(unused[0].place)}: {unused[0].leaf.attribute} {unused[0].said(document)} never holds beside the "
                "rest of the rule: take the alternative out"
            )


def _unreached(document: Document, possible: Sequence[Way]) -> Iterator[str]:
    """Find rungs of the offer that nobody in the audience can come to."""
    left: list[Way] | None = list(possible)
    for number, rung in enumerate(document.content["offer"]):
        if left is None:
            return
        if "when" not in rung:
            if not any(_clash(way) is None for way in left):
                where = document.at(("offer", number))
                yield f"{where}: offer {rung['code']} is never reached: the rungs above it take everybody"
            continue
        place = ("offer", number, "when")
        here = _both(left, _ways(rung["when"], place))
        if here is not None and not any(_clash(way) is None for way in here):
            yield f"{document.at(place)}: offer {rung['code']} is never reached: nobody left in the audience meets its when"
        left = _both(left, _ways({"not": rung["when"]}, place))


def _ways(spec: Mapping[str, Any], place: Place, is_asserted: bool = True) -> list[Way] | None:
    """Return every way in which a condition (or its contrary) can hold; None where there are too many to look at."""
    if "not" in spec:
        return _ways(spec["not"], (*place, "not"), not is_asserted)
    for kind in ("all", "any"):
        if kind not in spec:
            continue
        parts = [_ways(part, (*place, kind, number), is_asserted) for number, part in enumerate(spec[kind])]
        if (kind == "all") == is_asserted:
            ways: list[Way] | None = [()]
            for part in parts:
                ways = _both(ways, part)
            return ways
        if any(part is None for part in parts):
            return None
        return [way for part in parts if part is not None for way in part][: MOST_WAYS + 1]
    leaf = parse(spec)
    assert isinstance(leaf, Leaf)
    return [(_Atom(leaf, place, is_asserted),)]


def _both(left: list[Way] | None, right: list[Way] | None) -> list[Way] | None:
    if left is None or right is None or len(left) * len(right) > MOST_WAYS:
        return None
    return [(*one, *other) for one, other in product(left, right)]


def _clash(way: Way) -> tuple[_Atom, ...] | None:
    """Return the fewest comparisons of one attribute that no value satisfies together; None when all can hold."""
    for name in dict.fromkeys(atom.leaf.attribute for atom in way):
        atoms = [atom for atom in way if atom.leaf.attribute == name]
        values = _values(attributes()[name], [atom.leaf for atom in atoms])
        if any(all(atom.holds(value) for atom in atoms) for value in values):
            continue
        for size in range(1, len(atoms) + 1):
            for some in combinations(atoms, size):
                if not any(all(atom.holds(value) for atom in some) for value in values):
                    return some
    return None


def _values(attribute: Attribute, leaves: Sequence[Leaf]) -> list[Any]:
    """Return the values at which the comparisons can change their answer, unknown among them where it can be."""
    unknown: list[Any] = [None] if attribute.is_nullable else []
    named = list(dict.fromkeys(chain.from_iterable(_named(leaf) for leaf in leaves)))
    if attribute.unit == "flag":
        return [True, False, *unknown]
    if attribute.unit == "list":
        mentioned = named[:8]
        return [set(some) for size in range(len(mentioned) + 1) for some in combinations(mentioned, size)]
    if attribute.unit == "label":
        # Any other text stands for all that the rule does not mention.
        return [*(attribute.values or [*named, "\x00"]), *unknown]
    numbers = sorted(float(value) for value in named)
    step = 1.0 if attribute.unit in ("days", "count", "minor") else 1e-9
    around = {number + shift for number in numbers for shift in (-step, 0.0, step)} | {0.0}
    if attribute.unit == "share":
        around = {min(max(number, 0.0), 1.0) for number in around} | {0.5, 1.0}
    return [*sorted(around), *unknown]


def _named(leaf: Leaf) -> Iterable[Any]:
    if leaf.operator == "is_known":
        return ()
    return leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)


def _holds(leaf: Leaf, value: Any) -> bool:
    if leaf.operator == "is_known":
        return bool((value is not None) == leaf.value)
    if value is None:
        return False
    given = leaf.value
    match leaf.operator:
        case "is":
            return bool(value == given)
        case "is_not":
            return bool(value != given)
        case "in":
            return value in given
        case "not_in":
            return value not in given
        case "has":
            return bool(given in value)
        case "has_any":
            return any(tag in value for tag in given)
        case "between":
            return bool(given[0] <= value <= given[1])
        case "at_least":
            return bool(value >= given)
        case "at_most":
            return bool(value <= given)
        case "more_than":
            return bool(value > given)
        case _:
            return bool(value < given)
