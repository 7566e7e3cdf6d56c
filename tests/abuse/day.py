"""One day of deliveries through the product: extract, validate, publish, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from retention.conform import publish_core
from retention.quality import validate
from retention.warehouse import Run
from tests.abuse.accounting import ends, unexplained
from tests.abuse.catalogue import ENTITIES, LONG, OWN_KEY, SURROGATES, good_row, kind_of, poison
from tests.abuse.deliveries import Desk, Row

Deliveries = Mapping[tuple[str, str], Sequence[Row]]
"""Rows by (form, entity)."""


def run_day(desk: Desk, run: Run, deliveries: Deliveries) -> dict[tuple[str, str], int]:
    """Deliver, extract, validate and publish; returns how many rows each source's entity was given."""
    given = {}
    for (form, entity), rows in deliveries.items():
        given[f"abuse_{form}", entity] = len(desk.deliver(form, entity, run.business_date, rows))
        desk.extract(run, form, entity)
    validate(run)
    publish_core(run)
    return given


def violations(run: Run, given: Mapping[tuple[str, str], int]) -> list[str]:
    """What does not hold after a day, in words; empty when every row ended somewhere and says why."""
    found = []
    counted = ends(run.warehouse)
    for source, rows in given.items():
        end = counted.get(source)
        if end is None:
            found.append(f"{source}: no batch was validated")
        elif not rows == end.found == end.extracted:
            found.append(f"{source}: {rows} given, {end.extracted} extracted, {end}")
    if lost := unexplained(run.warehouse):
        found.append(f"{lost} quarantined rows do not say where they stood or why they were refused")
    with run.warehouse.connect() as connection:
        hashed = connection.execute(
            sa.text("select count(*) from pii.source_customer where '' in (email_normalised, phone_e164, name, customer_id)")
        ).scalar_one()
    if hashed:
        found.append(f"{hashed} people have an empty text for a name or an address")
    return found


def own_key(entity: str, number: int | str) -> str:
    """A key of its own for a row: text where the column takes text."""
    return str(number) if kind_of(entity, OWN_KEY[entity]) == "number" else f"n-{number}"


def poisoned_rows(entity: str, share: tuple[int, int] = (0, 1)) -> list[dict[str, str | None]]:
    """One row per column and bad value between two good ones, each under a number of its own.

    Parameters
    ----------
    entity : str
        Of :data:`tests.abuse.catalogue.ENTITIES`.
    share : (int, int)
        Which part of how many: (1, 4) leaves out three of four rows.
    """
    part, parts = share
    bad = [(column, value) for column in ENTITIES[entity] for value in [*poison(entity, column), *SURROGATES]]
    bad.append(("city" if entity == "customer" else ENTITIES[entity][-4], LONG))
    own = OWN_KEY[entity]
    rows = [good_row(entity), good_row(entity, **{own: own_key(entity, 800_001)})]
    for number, (column, value) in enumerate(bad):
        if number % parts == part:
            rows.append({**good_row(entity), own: own_key(entity, 700_000 + number), column: value})
    return [*rows, good_row(entity, **{own: own_key(entity, 800_002)})]


def good_neighbours(run: Run, entities: Iterable[str]) -> dict[str, int]:
    """How often the two good rows around the bad ones are in landing, by entity."""
    with run.warehouse.connect() as connection:
        return {
            entity: int(
                connection.execute(
                    sa.text(f'select count(*) from landing."{entity}" where {OWN_KEY[entity]} = any(:own)'),
                    {"own": [own_key(entity, 800_001), own_key(entity, 800_002)]},
                ).scalar_one()
            )
            for entity in entities
        }
