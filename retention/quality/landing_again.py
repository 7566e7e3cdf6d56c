"""Landing refused rows again: as a batch of their own, validated and published like any other delivery.

In landing the row's ``position`` is its number in quarantine, so that what becomes of each row can be told.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.deliveries import Delivery, landing_table
from retention.quality.duplicates import value_columns
from retention.warehouse import Run, load_contract
from retention.warehouse.identifiers import literal, quote

REPLAY = "replay"
"""Message of a batch in ``ops.batch`` that came from quarantine and not from its source."""


def land_again(connection: Connection, run: Run, source: str, entity: str, ids: Sequence[int]) -> int:
    """Land refused rows of one source and entity as a new batch of the run's business day.

    Rows that somebody else has landed again or discarded since they were chosen are left out.

    Returns
    -------
    Rows landed.
    """
    ids = connection.scalars(
        sa.text(
            "select quarantine_id from quarantine.\"row\" where quarantine_id = any(:ids) and state in ('open', 'fixed') "
            "order by quarantine_id for update"
        ),
        {"ids": list(ids)},
    ).all()
    if not ids:
        return 0
    batch_id = connection.execute(
        sa.text(
            "insert into ops.batch (source, entity, business_date, run_id, state, rows_extracted, message, landed_at) "
            "values (:source, :entity, :business_date, :run_id, 'landed', :rows, :message, clock_timestamp()) "
            "returning batch_id"
        ),
        {
            "source": source,
            "entity": entity,
            "business_date": run.business_date,
            "run_id": run.attempt.run_id,
            "rows": len(ids),
            "message": REPLAY,
        },
    ).scalar_one()
    values = value_columns(load_contract(f"landing.{entity}"))
    fields = ", ".join(f'refused."row" ->> {literal(name)}' for name in values)
    connection.execute(
        sa.text(
            f"insert into {landing_table(entity)} (batch_id, position, file, {', '.join(map(quote, values))}) "
            f'select :batch_id, refused.quarantine_id, refused.file, {fields} from quarantine."row" as refused '
            "where refused.quarantine_id = any(:ids) order by refused.quarantine_id"
        ),
        {"batch_id": batch_id, "ids": list(ids)},
    )
    connection.execute(
        sa.text(
            "update quarantine.\"row\" set state = 'replayed', changed_at = clock_timestamp(), replayed_in = :batch_id, "
            "outcome = null where quarantine_id = any(:ids)"
        ),
        {"batch_id": batch_id, "ids": list(ids)},
    )
    return len(ids)


def settle_replayed(connection: Connection, delivery: Delivery) -> None:
    """Note on every row of a validated replay what became of it: valid, refused again, or left out."""
    if not delivery.is_replay:
        return
    connection.execute(
        sa.text(
            'update quarantine."row" as replayed set outcome = case '
            'when exists (select 1 from quarantine."row" as again where again.batch_id = :batch_id and '
            "again.first_quarantine_id = coalesce(replayed.first_quarantine_id, replayed.quarantine_id)) then 'refused' "
            f"when exists (select 1 from {delivery.table} as landed where landed.batch_id = :batch_id "
            "and landed.position = replayed.quarantine_id) then 'valid' else 'left_out' end where replayed_in = :batch_id"
        ),
        {"batch_id": delivery.batch_id},
    )
