"""Reconciliation over all batches ever delivered, replays included: every row is somewhere, and the records agree.

A batch says where its rows went. Here that is compared with what lies in landing and in quarantine, as long as it is kept
there, and with the rows that quarantine says it sent back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.deliveries import landing_table
from retention.warehouse import Run, all_contracts


@dataclass(frozen=True)
class Reconciled:
    """One source and entity: how many rows its batches brought and where these are now.

    ``closed`` rows were refused and are superseded, discarded, or older than quarantine keeps them.
    ``problems`` says what does not add up, batch by batch; empty when all does.
    """

    source: str
    entity: str
    batches: int
    extracted: int
    valid: int
    waiting: int
    replayed: int
    closed: int
    duplicate: int
    erased: int
    problems: Sequence[str]


_BATCHES = """
select
    batch.batch_id,
    batch.source,
    batch.entity,
    batch.business_date,
    batch.rows_extracted,
    batch.rows_valid,
    batch.rows_quarantined,
    batch.rows_duplicate,
    batch.rows_tombstoned,
    batch.message is not distinct from 'replay' as is_replay,
    batch.created_at < :landing_limit as landing_may_be_gone,
    batch.created_at < :quarantine_limit as quarantine_may_be_gone,
    coalesce(refused.total, 0) as refused,
    coalesce(refused.waiting, 0) as waiting,
    coalesce(refused.replayed, 0) as replayed,
    coalesce(sent.total, 0) as sent
from ops.batch as batch
left join (
    select
        batch_id,
        count(*) as total,
        count(*) filter (where state in ('open', 'fixed')) as waiting,
        count(*) filter (where state = 'replayed') as replayed
    from quarantine."row" group by batch_id
) as refused on refused.batch_id = batch.batch_id
left join (
    select replayed_in, count(*) as total from quarantine."row" where replayed_in is not null group by replayed_in
) as sent on sent.replayed_in = batch.batch_id
where batch.state in ('validated', 'published') and batch.entity = any(:entities)
order by batch.source, batch.entity, batch.batch_id
"""


def reconcile(run: Run, since: date | None = None) -> list[Reconciled]:
    """Compare the counts of every validated or published batch with the rows that are there.

    Parameters
    ----------
    run : Run
        Gives the warehouse, the settings, and the day: what is older than its settings keep rows may be gone.
    since : date, optional
        Only batches of this business day and later.

    Returns
    -------
    One entry per source and entity.
    """
    keep, warehouse = run.settings.keep, run.warehouse
    entities = [c.name for c in all_contracts().values() if c.schema == "landing" and "batch_id" in c.column_names]
    with warehouse.connect() as connection:
        limits = connection.execute(
            sa.text("select now() - make_interval(days => :landing), now() - make_interval(days => :quarantine)"),
            {"landing": keep.landing_days, "quarantine": keep.quarantine_days},
        ).one()
        rows = connection.execute(
            sa.text(_BATCHES), {"entities": entities, "landing_limit": limits[0], "quarantine_limit": limits[1]}
        ).all()
        batches = [row for row in rows if since is None or row.business_date >= since]
        landed = _landed(connection, sorted({row.entity for row in batches}))
    found = []
    for source, entity in dict.fromkeys((row.source, row.entity) for row in batches):
        mine = [row for row in batches if (row.source, row.entity) == (source, entity)]
        found.append(
            Reconciled(
                source=source,
                entity=entity,
                batches=len(mine),
                extracted=sum(row.rows_extracted for row in mine),
                valid=sum(row.rows_valid for row in mine),
                waiting=sum(row.waiting for row in mine),
                replayed=sum(row.replayed for row in mine),
                closed=sum(row.rows_quarantined - row.waiting - row.replayed for row in mine),
                duplicate=sum(row.rows_duplicate for row in mine),
                erased=sum(row.rows_tombstoned for row in mine),
                problems=[problem for row in mine for problem in _problems(row, landed.get(row.batch_id, 0))],
            )
        )
    return found


def _landed(connection: Connection, entities: Sequence[str]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for entity in entities:
        counts |= {
            int(batch_id): int(rows)
            for batch_id, rows in connection.execute(
                sa.text(f"select batch_id, count(*) from {landing_table(entity)} group by batch_id")
            )
        }
    return counts


def _problems(batch: sa.Row[tuple[object, ...]], landed: int) -> list[str]:
    where = f"{batch.source}.{batch.entity} {batch.business_date} (batch {batch.batch_id})"
    problems = []
    total = batch.rows_valid + batch.rows_quarantined + batch.rows_duplicate + batch.rows_tombstoned
    if batch.rows_extracted != total:
        problems.append(f"{where}: {batch.rows_extracted:,} rows extracted, {total:,} accounted for")
    if batch.refused != batch.rows_quarantined and not (
        batch.quarantine_may_be_gone and batch.refused < batch.rows_quarantined
    ):
        problems.append(f"{where}: {batch.rows_quarantined:,} rows counted as refused, {batch.refused:,} in quarantine")
    if landed != batch.rows_valid and not (batch.landing_may_be_gone and landed == 0):
        problems.append(f"{where}: {batch.rows_valid:,} rows counted as valid, {landed:,} in landing")
    if batch.is_replay and batch.sent != batch.rows_extracted and not batch.quarantine_may_be_gone:
        problems.append(f"{where}: {batch.rows_extracted:,} rows landed again, quarantine sent {batch.sent:,}")
    return problems
