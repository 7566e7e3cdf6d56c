"""What people decide about who is who: kept for ever, above every rule and model, and reversible.

Each function changes ``core.linkage_decision`` and the audit trail, and returns the source customers around which linking has
to be done anew (:func:`retention.conform.relink` does both in one transaction).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import RetentionError

_MOST_PAIRS = 2_000


class DecisionRefused(RetentionError):
    """A decision names somebody who does not exist, or nothing that could be decided."""

    runbook = "identity-decisions"


def merge(connection: Connection, people: Sequence[int], by: str, reason: str) -> list[int]:
    """Decide that people are one: each source customer of one is the same as each of the others.

    Parameters
    ----------
    people : sequence of int
        Customer keys, present or former, or source customer keys.
    by, reason : str
        Who decides, and why.

    Raises
    ------
    DecisionRefused when fewer than two people are named, or one is unknown.
    """
    groups = {person: _members(connection, person) for person in (_person(connection, key) for key in people)}
    if len(groups) < 2:
        raise DecisionRefused("identity merge: the keys name one person. Nothing changed. Name at least two people.")
    pairs = [(a, b) for one, other in combinations(groups.values(), 2) for a in one for b in other]
    _decide(connection, pairs, "same", by, reason)
    return sorted({key for group in groups.values() for key in group})


def split(connection: Connection, members: Sequence[int], by: str, reason: str) -> list[int]:
    """Decide that source customers are not the person they belong to. They stay together among themselves if rules say so.

    Raises
    ------
    DecisionRefused when they belong to different people, or are all there is of the person.
    """
    people = {_person(connection, key) for key in members}
    if len(people) != 1:
        raise DecisionRefused(
            f"identity split: the source customers belong to {len(people)} people. Nothing changed. Split one person at a time."
        )
    everybody, members = _members(connection, people.pop()), list(dict.fromkeys(members))
    unknown = set(members) - set(everybody)
    if unknown:
        raise DecisionRefused(
            f"identity split: {len(unknown)} of {len(members)} keys are keys of people, not of source customers. "
            "Nothing changed. `retention identity show KEY` lists the source customers of a person."
        )
    staying = [key for key in everybody if key not in set(members)]
    if not staying:
        raise DecisionRefused("identity split: nobody would stay. Nothing changed. Name those who leave, not all members.")
    _decide(connection, [(leaving, key) for leaving in members for key in staying], "different", by, reason)
    return everybody


def decide_pair(
    connection: Connection, left: int, right: int, verdict: Literal["same", "different"], by: str, reason: str
) -> list[int]:
    """Decide about one pair of source customers, as listed for review.

    Raises
    ------
    DecisionRefused when a key is unknown, or both are one: who differs from themselves would belong to nobody.
    """
    for key in (left, right):
        _person(connection, key)
    if left == right:
        raise DecisionRefused("identity: both keys are the same one. Nothing changed. Name two source customers.")
    _decide(connection, [(left, right)], verdict, by, reason)
    return [left, right]


def undo(connection: Connection, change_id: int, by: str) -> list[int]:
    """Undo a decision as a whole: rules and model hold again for its pairs.

    Raises
    ------
    DecisionRefused when there is no such decision in force.
    """
    rows = connection.execute(
        sa.text(
            "update core.linkage_decision set undone_at = now(), undone_by = :by "
            "where change_id = :change_id and undone_at is null returning left_key, right_key"
        ),
        {"change_id": change_id, "by": by},
    ).all()
    if not rows:
        raise DecisionRefused(
            f"identity undo: no decision {change_id} is in force. Nothing changed. "
            "`retention identity show KEY` lists decisions."
        )
    audit(connection, by, "identity_undo", f"decision {change_id}", None, {"pairs": len(rows)})
    return sorted({key for row in rows for key in row})


def audit(connection: Connection, actor: str, action: str, subject: str, reason: str | None, details: dict[str, Any]) -> None:
    """Put on record who did what; keys and counts only."""
    connection.execute(
        sa.text(
            "insert into ops.audit (actor, action, subject, reason, details) "
            "values (:actor, :action, :subject, :reason, cast(:details as jsonb))"
        ),
        {"actor": actor, "action": action, "subject": subject, "reason": reason, "details": json.dumps(details)},
    )


def _decide(connection: Connection, pairs: list[tuple[int, int]], verdict: str, by: str, reason: str) -> None:
    if len(pairs) > _MOST_PAIRS:
        raise DecisionRefused(
            f"identity: the decision would be about {len(pairs):,} pairs, at most {_MOST_PAIRS:,} are taken "
            "at once. Nothing changed."
        )
    rows = [{"left": min(pair), "right": max(pair)} for pair in pairs]
    connection.execute(
        sa.text(
            "update core.linkage_decision set undone_at = now(), undone_by = :by "
            "where left_key = :left and right_key = :right and undone_at is null"
        ),
        [{**row, "by": by} for row in rows],
    )
    change_id = connection.execute(sa.text("select coalesce(max(change_id), 0) + 1 from core.linkage_decision")).scalar_one()
    connection.execute(
        sa.text(
            "insert into core.linkage_decision (change_id, left_key, right_key, verdict, decided_by, reason) "
            "values (:change_id, :left, :right, :verdict, :by, :reason)"
        ),
        [{**row, "change_id": change_id, "verdict": verdict, "by": by, "reason": reason} for row in rows],
    )
    audit(connection, by, f"identity_{verdict}", f"decision {change_id}", reason, {"change_id": change_id, "pairs": len(rows)})


def _person(connection: Connection, key: int) -> int:
    """Return the person that a key stands for: a source customer's, or a person's present or former one."""
    found = connection.execute(
        sa.text("select customer_key from core.customer_alias where source_customer_key = :key"), {"key": key}
    ).scalar_one_or_none()
    if found is None:
        raise DecisionRefused(f"identity: no source customer and no person has the key {key}. Nothing changed.")
    return int(found)


def _members(connection: Connection, person: int) -> list[int]:
    found = connection.execute(
        sa.text("select source_customer_key from core.customer_alias where customer_key = :person order by 1"),
        {"person": person},
    )
    return [int(key) for key in found.scalars()]
