"""Late rows: those of a day's delivery that speak of earlier days only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Run, all_contracts
from retention.warehouse.identifiers import quote

_NO_EVENT = frozenset({"updated_at", "deleted_at", "expires_at"})
"""Times that say when a row was written, or of the future."""

_BATCHES = """
select distinct on (batch.source, batch.entity)
    batch.batch_id, batch.source, batch.entity, batch.business_date
from ops.batch as batch
where
    batch.state = 'published'
    and batch.business_date <= :business_date
    and batch.business_date > cast(:business_date as date) - 7
    -- The first delivery of all brings history, and none of it is late.
    and exists (
        select 1
        from ops.batch as earlier
        where
            earlier.source = batch.source and earlier.entity = batch.entity
            and earlier.state = 'published' and earlier.business_date < batch.business_date
    )
order by batch.source asc, batch.entity asc, batch.business_date desc, batch.batch_id desc
"""


def late_rows(run: Run, connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield the share of late rows of each entity's newest delivery, as the other checks' queries do.

    A row is late when the last thing it tells happened before its business day began: its source changed it by then, or, of a
    source that does not say when, everything in it had happened.
    """
    settings = run.settings.health
    contracts = all_contracts()
    for batch in connection.execute(sa.text(_BATCHES), {"business_date": run.business_date}).all():
        contract = contracts.get(f"landing.{batch.entity}")
        if contract is None:
            continue
        events = [name for name in contract.column_names if name.endswith("_at") and name not in _NO_EVENT]
        told = [_moment(name) for name in events]
        last = f"greatest({', '.join(told)})" if told else "cast(null as timestamptz)"
        if "updated_at" in contract.column_names:
            last = f"coalesce({_moment('updated_at')}, {last})"
        rows, late = connection.execute(
            sa.text(
                f"select count(moment), count(moment) filter (where moment < :begins) "
                f"from (select {last} as moment from landing.{quote(contract.name)} where batch_id = :batch_id) as told"
            ),
            {"batch_id": batch.batch_id, "begins": run.settings.day_start(batch.business_date)},
        ).one()
        if rows:
            yield {
                "subject": f"{batch.source}.{batch.entity}",
                "value": late / rows if rows >= settings.minimum_people else None,
                "objective": settings.late_share,
                "parts": {"rows": rows, "late": late, "day": batch.business_date.isoformat()},
            }


def _moment(column: str) -> str:
    """Landed values are text; those of published rows are valid times."""
    return f"cast(nullif(btrim({quote(column)}), '') as timestamptz)"
