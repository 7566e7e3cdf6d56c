"""Late references: rows refused because what they name had not arrived land again by themselves once it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.context import known_query
from retention.quality.deliveries import ORDER, find_deliveries, numbers_used
from retention.quality.errors import CheckFailed
from retention.quality.landing_again import land_again
from retention.quality.relations import REFERENCES
from retention.warehouse import Run, load_contract
from retention.warehouse.identifiers import literal


@dataclass(frozen=True)
class _Reference:
    """One refusing rule on a reference: its label in quarantine, its column and the entity it waits for."""

    label: str
    column: str
    entity: str


def land_awaited(connection: Connection, run: Run) -> dict[str, int]:
    """Land open refused rows again whose only broken rules are references, when all of these are known now.

    Known is what core holds and what the batches of the day bring. An entity that others refer to goes first, so that an
    order waiting for its customer takes its waiting lines along. A row that came back to quarantine today is not tried
    again before tomorrow, and a day lands no more than ``replay_limit`` rows.

    Parameters
    ----------
    connection : Connection
        An open, fenced transaction of the day's validation.
    run : Run
        The business day that the new batches belong to.

    Returns
    -------
    Rows landed by ``source.entity``.
    """
    settings, landed = run.settings.ingest, dict[str, int]()
    if not settings.replay_references:
        return landed
    waiting = connection.execute(
        sa.text("select distinct source, entity from quarantine.\"row\" where state = 'open' order by source, entity")
    ).all()
    left = settings.replay_limit
    for source, entity in sorted(waiting, key=lambda pair: (ORDER.index(pair.entity), pair.source)):
        references = _references(entity)
        if not references or left <= 0:
            continue
        ids = _arrived(connection, run, source, entity, references, left)
        if ids:
            land_again(connection, run, source, entity, ids)
            landed[f"{source}.{entity}"] = len(ids)
            left -= len(ids)
    return landed


def _references(entity: str) -> list[_Reference]:
    return [
        _Reference(f"{check.arguments.get('name', check.rule)}({column})", column, REFERENCES[check.rule])
        for check in load_contract(f"landing.{entity}").checks
        if check.rule in REFERENCES and check.severity == "quarantine"
        for column in [str(check.arguments["column"])]
    ]


def _arrived(connection: Connection, run: Run, source: str, entity: str, references: list[_Reference], limit: int) -> list[int]:
    """Return the refused rows of a source and entity that wait for nothing any more."""
    try:
        numbers: Mapping[str, str | None] = numbers_used(connection, source, entity)
    except CheckFailed:
        return []  # whose numbers they are cannot be told at present: its own delivery says so, aloud
    day = find_deliveries(connection, run.business_date, ["landed", "validated"])
    labels = ", ".join(literal(reference.label) for reference in references)
    arrived = []
    for reference in references:
        named = f'select distinct "row" ->> {literal(reference.column)} as id from waiting'
        known = known_query(reference.entity, numbers[reference.entity], day, named)
        arrived.append(
            f"(not {literal(reference.label)} = any(waiting.rules) "
            f'or waiting."row" ->> {literal(reference.column)} in (select known.id from ({known}) as known))'
        )
    return list(
        connection.execute(
            sa.text(
                'with waiting as materialized (select quarantine_id, rules, "row" from quarantine."row" '
                "where source = :source and entity = :entity and state = 'open' "
                f"and rules <@ array[{labels}] and not (business_date = :day and first_quarantine_id is not null)) "
                f"select quarantine_id from waiting where {' and '.join(arrived)} order by quarantine_id limit :limit"
            ),
            {"source": source, "entity": entity, "day": run.business_date, "limit": limit},
        ).scalars()
    )
