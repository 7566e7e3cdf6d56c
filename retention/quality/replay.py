"""Quarantine: repair, discard and replay refused rows. Nothing is deleted, so nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection

from retention.quality.deliveries import landing_table
from retention.quality.errors import CheckFailed
from retention.warehouse import Run, lease, load_contract
from retention.warehouse.identifiers import quote


def repair(run: Run, quarantine_id: int, values: Mapping[str, str | None]) -> None:
    """Change values of a refused row and mark it ``fixed``, to be replayed.

    Raises
    ------
    CheckFailed when there is no such open row, or its entity has no such column.
    """
    with run.warehouse.begin() as connection:
        entity = connection.execute(
            sa.text(
                'select entity from quarantine."row" where quarantine_id = :quarantine_id and state in '
                "('open', 'fixed') for update"
            ),
            {"quarantine_id": quarantine_id},
        ).scalar_one_or_none()
        if entity is None:
            raise CheckFailed(
                f"quarantine.row {quarantine_id}: no open row of this number. Nothing changed.", runbook="quarantine"
            )
        known = set(load_contract(f"landing.{entity}").column_names) - {"batch_id", "position", "file"}
        unknown = sorted(set(values) - known)
        if unknown:
            raise CheckFailed(
                f"quarantine.row {quarantine_id}: {entity} has no column {', '.join(unknown)}. Nothing changed.",
                runbook="quarantine",
            )
        connection.execute(
            sa.text(
                'update quarantine."row" set "row" = "row" || :values, state = \'fixed\', changed_at = clock_timestamp() '
                "where quarantine_id = :quarantine_id"
            ).bindparams(sa.bindparam("values", type_=JSONB)),
            {"values": dict(values), "quarantine_id": quarantine_id},
        )


def discard(run: Run, quarantine_ids: Sequence[int]) -> int:
    """Mark refused rows as never to be replayed; they stay until their time is over.

    Returns
    -------
    Rows marked.
    """
    with run.warehouse.begin() as connection:
        return connection.execute(
            sa.text(
                "update quarantine.\"row\" set state = 'discarded', changed_at = clock_timestamp() "
                "where quarantine_id = any(:ids) and state in ('open', 'fixed')"
            ),
            {"ids": list(quarantine_ids)},
        ).rowcount


def replay(
    run: Run,
    *,
    source: str | None = None,
    entity: str | None = None,
    rule: str | None = None,
    only_fixed: bool = False,
) -> dict[str, Any]:
    """Land refused rows again, as new batches of the run's business date.

    The rows go through validation like any others: whatever is still wrong comes back to quarantine as a new row. Rows
    refused for an unknown customer, order or product need no repair once that has been delivered.

    Parameters
    ----------
    run : Run
        The business date that the new batches belong to.
    source, entity, rule : str, optional
        Only refused rows of these.
    only_fixed : bool
        Leave rows alone that nobody repaired.

    Returns
    -------
    Rows landed by ``source.entity``.
    """
    landed: dict[str, Any] = {}
    states = ["fixed"] if only_fixed else ["open", "fixed"]
    with lease(run, "quarantine", "*") as held, held.publishing() as connection:
        groups = connection.execute(
            sa.text(
                'select source, entity, array_agg(quarantine_id order by quarantine_id) from quarantine."row" '
                "where state = any(:states) and (cast(:source as text) is null or source = :source) "
                "and (cast(:entity as text) is null or entity = :entity) and (cast(:rule as text) is null or rule = :rule) "
                "group by source, entity order by source, entity"
            ),
            {"states": states, "source": source, "entity": entity, "rule": rule},
        ).all()
        for group_source, group_entity, ids in groups:
            landed[f"{group_source}.{group_entity}"] = _land(connection, run, group_source, group_entity, ids)
        held.counts.update(landed)
    return landed


def _land(connection: Connection, run: Run, source: str, entity: str, ids: Sequence[int]) -> int:
    batch_id = connection.execute(
        sa.text(
            "insert into ops.batch (source, entity, business_date, run_id, state, rows_extracted, message, landed_at) "
            "values (:source, :entity, :business_date, :run_id, 'landed', :rows, 'replay', clock_timestamp()) "
            "returning batch_id"
        ),
        {
            "source": source,
            "entity": entity,
            "business_date": run.business_date,
            "run_id": run.attempt.run_id,
            "rows": len(ids),
        },
    ).scalar_one()
    values = [c.name for c in load_contract(f"landing.{entity}").columns if c.name not in ("batch_id", "position", "file")]
    columns = ", ".join(map(quote, values))
    fields = ", ".join(f"refused.\"row\" ->> '{name}'" for name in values)
    rows = connection.execute(
        sa.text(
            f"insert into {landing_table(entity)} (batch_id, position, file, {columns}) "
            f'select :batch_id, refused.position, refused.file, {fields} from quarantine."row" as refused '
            "where refused.quarantine_id = any(:ids)"
        ),
        {"batch_id": batch_id, "ids": list(ids)},
    ).rowcount
    connection.execute(
        sa.text(
            "update quarantine.\"row\" set state = 'replayed', changed_at = clock_timestamp() where quarantine_id = any(:ids)"
        ),
        {"ids": list(ids)},
    )
    return int(rows)
