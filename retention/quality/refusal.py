"""Refused rows: from landing to quarantine, with their place and every rule they break, each row once.

A source that is read whole every day delivers the same bad row every day. Only its first refusal is stored; later ones are
counted as duplicates and noted on it. A row that is right at last closes the refusals of its earlier states.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.deliveries import Delivery
from retention.quality.duplicates import key_columns
from retention.quality.evaluation import Evaluation
from retention.quality.rules import broken
from retention.warehouse import Contract, Run
from retention.warehouse.identifiers import quote


@dataclass(frozen=True)
class Refused:
    """Rows refused and stored, and rows refused that were refused before."""

    rows: int = 0
    repeated: int = 0


_PLACES = """
create temporary table refused_place on commit drop as
select row_id::tid as row_id, array_remove(array[{broken}]::integer[], null) as broken
from {verdicts} where not ({kept})
"""

# A line of which nothing could be read is told from the next one by its place alone.
_REFUSED = """
create temporary table refused on commit drop as
select
    place.row_id,
    place.broken,
    delivered."row",
    encode(sha256(convert_to(delivered."row"::text || case
        when jsonb_strip_nulls(delivered."row") - 'is_simulated' = '{{}}'::jsonb
            then concat_ws(' ', landed.file, landed.position)
        else ''
    end, 'UTF8')), 'hex') as fingerprint,
    null::bigint as seen_as
from pg_temp.refused_place as place
inner join {landing} as landed on landed.ctid = place.row_id and landed.batch_id = {batch_id}
cross join lateral (select to_jsonb(landed) - array['batch_id', 'position', 'file'] as "row") as delivered
"""

# Whatever became of the first refusal: repaired, replayed or discarded, the same row says nothing new.
_SEEN = """
update pg_temp.refused set seen_as = stored.quarantine_id
from (
    select fingerprint, max(quarantine_id) as quarantine_id from quarantine."row"
    where source = :source and entity = :entity and fingerprint in (select fingerprint from pg_temp.refused)
    group by fingerprint
) as stored
where refused.fingerprint = stored.fingerprint
"""

_NOTE_SEEN = """
update quarantine."row" as stored set times_seen = stored.times_seen + 1, last_seen_at = clock_timestamp(),
    last_batch_id = :batch_id
from pg_temp.refused where refused.seen_as = stored.quarantine_id
"""

_STORE = """
with

rules as (
    select *
    from jsonb_to_recordset(cast(:rules as jsonb)) as rule (i integer, name text, label text, column_name text, words text)
)

insert into quarantine."row" (
    batch_id, source, entity, file, position, business_date, rule, rules, column_name, severity, reason, "row", fingerprint,
    first_quarantine_id, last_batch_id, run_id
)
select
    :batch_id,
    :source,
    :entity,
    coalesce(origin.file, landed.file),
    coalesce(origin.position, landed.position),
    :business_date,
    first.name,
    (select array_agg(rules.label order by rules.i) from rules where rules.i = any(refused.broken)),
    first.column_name,
    'quarantine',
    first.words,
    refused."row",
    refused.fingerprint,
    coalesce(origin.first_quarantine_id, origin.quarantine_id),
    :batch_id,
    :run_id
from pg_temp.refused
inner join {landing} as landed on refused.row_id = landed.ctid and landed.batch_id = :batch_id
inner join rules as first on refused.broken[1] = first.i
left join quarantine."row" as origin on origin.replayed_in = :batch_id and origin.quarantine_id = landed.position
where refused.seen_as is null
order by landed.file, landed.position
"""


def refuse(connection: Connection, run: Run, delivery: Delivery, evaluation: Evaluation) -> Refused:
    """Move the rows of a batch that break a rule of severity ``quarantine`` out of landing.

    Parameters
    ----------
    connection : Connection
        An open transaction.
    run, delivery
        Who asks, and the batch.
    evaluation : Evaluation
        The verdicts of the rules.

    Returns
    -------
    Rows moved, and rows dropped because they were refused before.
    """
    refusing = [(i, rule) for i, rule in enumerate(evaluation.rules) if rule.severity == "quarantine"]
    if evaluation.table is None or not refusing:
        return Refused()
    connection.exec_driver_sql("drop table if exists pg_temp.refused, pg_temp.refused_place")
    connection.exec_driver_sql(
        _PLACES.format(
            broken=", ".join(f"case when {broken(i)} = 1 then {i} end" for i, _ in refusing),
            kept=" and ".join(f"{broken(i)} = 0" for i, _ in refusing),
            verdicts=evaluation.table,
        )
    )
    connection.exec_driver_sql("analyze pg_temp.refused_place")  # mostly a handful: then their rows are fetched one by one
    connection.exec_driver_sql(_REFUSED.format(landing=delivery.table, batch_id=delivery.batch_id))
    connection.exec_driver_sql("analyze pg_temp.refused")
    binds = {
        "batch_id": delivery.batch_id,
        "source": delivery.source,
        "entity": delivery.entity,
        "business_date": delivery.business_date,
        "run_id": run.attempt.run_id,
    }
    repeated = 0
    if not delivery.is_replay:  # a repaired row that is still wrong is news, even where the repair changed nothing
        repeated = connection.execute(sa.text(_SEEN), binds).rowcount
        connection.execute(sa.text(_NOTE_SEEN), binds)
    rules = [
        {"i": i, "name": rule.name, "label": rule.label, "column_name": rule.column, "words": rule.words}
        for i, rule in refusing
    ]
    stored = connection.execute(sa.text(_STORE.replace("{landing}", delivery.table)), {**binds, "rules": json.dumps(rules)})
    connection.execute(
        sa.text(
            f"delete from {delivery.table} as landed using pg_temp.refused "
            "where landed.ctid = refused.row_id and landed.batch_id = :batch_id"
        ),
        binds,
    )
    return Refused(int(stored.rowcount), int(repeated))


def close_refusals(connection: Connection, delivery: Delivery, contract: Contract) -> int:
    """Close waiting refusals of earlier batches whose row has come again, as new or newer, and is valid now.

    Returns
    -------
    Refusals closed: their state is ``superseded``.
    """
    waiting = connection.execute(
        sa.text(
            'select exists (select 1 from quarantine."row" where source = :source and entity = :entity '
            "and state in ('open', 'fixed') and batch_id <> :batch_id)"
        ),
        {"source": delivery.source, "entity": delivery.entity, "batch_id": delivery.batch_id},
    ).scalar_one()
    if not waiting:
        return 0
    same_key = " and ".join(
        f"(stored.\"row\" ->> '{column}') {'=' if first else 'is not distinct from'} landed.{quote(column)}"
        for first, column in ((i == 0, column) for i, column in enumerate(key_columns(contract)))
    )
    updated = "stored.\"row\" ->> 'updated_at'"  # of a refused row: it may be no time at all
    theirs = f"case when pg_input_is_valid({updated}, 'timestamptz') then ({updated})::timestamptz end"
    closed = connection.execute(
        sa.text(
            "update quarantine.\"row\" as stored set state = 'superseded', changed_at = clock_timestamp(), "
            f"last_batch_id = :batch_id from {delivery.table} as landed where landed.batch_id = :batch_id "
            "and stored.source = :source and stored.entity = :entity and stored.state in ('open', 'fixed') "
            f"and stored.batch_id <> :batch_id and {same_key} "
            f"and (coalesce(landed.updated_at::timestamptz = {theirs}, true) or (landed.updated_at::timestamptz > {theirs} "
            # What only came too early is a state of its own: it lands again, late, and core keeps what it says of earlier days.
            "and not exists (select 1 from unnest(stored.rules) as broken (label) having bool_and("
            "split_part(broken.label, '(', 1) in ('known_customer', 'known_order', 'known_product', 'known_rate', "
            "'plausible_time')))))"
        ),
        {"batch_id": delivery.batch_id, "source": delivery.source, "entity": delivery.entity},
    )
    return int(closed.rowcount)


def worst_rules(connection: Connection, delivery: Delivery) -> str:
    """Say which rules refused most rows of a batch, and where the first of them stands."""
    worst = connection.execute(
        sa.text(
            "select rule || coalesce(' on ' || column_name, ''), count(*), min(position) from quarantine.\"row\" "
            "where batch_id = :batch_id or last_batch_id = :batch_id group by 1 order by 2 desc, 1 limit 3"
        ),
        {"batch_id": delivery.batch_id},
    ).all()
    return "; ".join(f"{label}: {rows:,}, first at row {position:,}" for label, rows, position in worst)
