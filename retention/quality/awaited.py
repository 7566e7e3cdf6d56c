"""Rows that came too early: refused for what had not arrived or not happened yet, they land again by themselves later.

That is a row that names a customer, an order or a product which comes days after it, an amount in a currency whose rate
comes later, and a row of tomorrow delivered today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.context import known_query, rates_query
from retention.quality.deliveries import ORDER, Delivery, find_deliveries, numbers_used
from retention.quality.errors import CheckFailed
from retention.quality.landing_again import land_again
from retention.quality.relations import REFERENCES
from retention.warehouse import Check, Run, load_contract
from retention.warehouse.identifiers import literal


def land_awaited(connection: Connection, run: Run) -> dict[str, int]:
    """Land open refused rows again that broke no rule but such as time heals, where it has healed all of them.

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
        ids = _arrived(connection, run, source, entity, left) if left > 0 else []
        if rows := land_again(connection, run, source, entity, ids):
            landed[f"{source}.{entity}"] = rows
            left -= rows
    return landed


def _arrived(connection: Connection, run: Run, source: str, entity: str, limit: int) -> list[int]:
    """Return the refused rows of a source and entity that wait for nothing any more."""
    try:
        numbers: Mapping[str, str | None] = numbers_used(connection, source, entity)
    except CheckFailed:
        return []  # whose numbers they are cannot be told at present: its own delivery says so, aloud
    day = find_deliveries(connection, run.business_date, ["landed", "validated"])
    healed = {
        f"{check.arguments.get('name', check.rule)}({check.arguments['column']})": condition
        for check in load_contract(f"landing.{entity}").checks
        if check.severity == "quarantine"
        for condition in [_healed(check, run, numbers, day)]
        if condition is not None
    }
    labels = ", ".join(map(literal, healed))
    conditions = [f"(not {literal(label)} = any(waiting.rules) or {condition})" for label, condition in healed.items()]
    return list(
        connection.execute(
            sa.text(
                'with waiting as materialized (select quarantine_id, rules, "row" from quarantine."row" '
                "where source = :source and entity = :entity and state = 'open' "
                f"and rules <@ array[{labels}]::text[] and not (business_date = :day and first_quarantine_id is not null)) "
                f"select quarantine_id from waiting where {' and '.join(conditions)} order by quarantine_id limit :limit"
            ),
            {"source": source, "entity": entity, "day": run.business_date, "limit": limit},
        ).scalars()
    )


def _healed(check: Check, run: Run, numbers: Mapping[str, str | None], day: Sequence[Delivery]) -> str | None:
    """Return when a waiting row no longer breaks a rule, as SQL; None for rules that only a repair can satisfy."""
    value = _value(check.arguments.get("column"))
    if check.rule in REFERENCES:
        entity = REFERENCES[check.rule]
        known = known_query(
            entity, numbers[entity], day, f"select distinct {value} as id from waiting where {value} is not null"
        )
        return f"{value} in (select known.id from ({known}) as known)"
    if check.rule == "known_rate":
        company = run.settings.company
        moment = f"({_time(_value(check.arguments['at']))} at time zone {literal(company.business_timezone)})::date"
        series = f"'fx.' || btrim({value}) || {literal(f'.{company.base_currency}')}"
        return (
            f"exists (select 1 from ({rates_query(day)}) as rate where rate.series = {series} and rate.first_date <= {moment})"
        )
    if check.rule == "plausible_time" and check.arguments.get("future", "refused") == "refused":
        moment, end = _time(value), literal(run.as_of.isoformat())
        return f"({moment} >= timestamptz '1900-01-01 00:00:00+00' and {moment} < timestamptz {end})"
    return None


def _value(column: object) -> str:
    return f'waiting."row" ->> {literal(str(column))}'


def _time(value: str) -> str:
    return f"(case when pg_input_is_valid({value}, 'timestamptz') then ({value})::timestamptz end)"
