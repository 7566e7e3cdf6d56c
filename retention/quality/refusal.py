"""Refused rows: from landing to quarantine, with their place and every rule they break."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.deliveries import Delivery
from retention.quality.rules import RowRule, ok
from retention.warehouse import Run

_COPY = """
with

rules as (
    select *
    from jsonb_to_recordset(cast(:rules as jsonb)) as rule (i integer, name text, label text, column_name text, words text)
)

insert into quarantine."row" (
    batch_id, source, entity, file, position, business_date, rule, rules, column_name, severity, reason, "row", run_id
)
select
    landed.batch_id,
    :source,
    :entity,
    landed.file,
    landed.position,
    :business_date,
    first.name,
    (select array_agg(rules.label order by rules.i) from rules where rules.i = any(refused.broken)),
    first.column_name,
    'quarantine',
    first.words,
    to_jsonb(landed) - array['batch_id', 'position', 'file'],
    :run_id
from pg_temp.refused
inner join {landing} as landed on refused.row_id = landed.ctid and landed.batch_id = :batch_id
inner join rules as first on refused.broken[1] = first.i
order by landed.file, landed.position
"""


def refuse(connection: Connection, run: Run, delivery: Delivery, rules: Sequence[RowRule], staging: str) -> int:
    """Move the rows of a batch that break a rule of severity ``quarantine`` out of landing.

    Parameters
    ----------
    staging : str
        Table with ``row_id`` and one boolean per rule.

    Returns
    -------
    Rows moved.
    """
    refusing = [(i, rule) for i, rule in enumerate(rules) if rule.severity == "quarantine"]
    broken = ", ".join(f"case when not {ok(i)} then {i} end" for i, _ in refusing)
    kept = " and ".join(ok(i) for i, _ in refusing)
    connection.exec_driver_sql("drop table if exists pg_temp.refused")
    connection.exec_driver_sql(
        "create temporary table refused on commit drop as select row_id::tid as row_id, "
        f"array_remove(array[{broken}]::integer[], null) as broken "
        f"from {staging} where not ({kept})"
    )
    connection.execute(
        sa.text(_COPY.replace("{landing}", delivery.table)),
        {
            "rules": json.dumps(
                [
                    {"i": i, "name": rule.name, "label": rule.label, "column_name": rule.column, "words": rule.words}
                    for i, rule in refusing
                ]
            ),
            "batch_id": delivery.batch_id,
            "source": delivery.source,
            "entity": delivery.entity,
            "business_date": delivery.business_date,
            "run_id": run.attempt.run_id,
        },
    )
    return int(
        connection.execute(
            sa.text(
                f"delete from {delivery.table} as landed using pg_temp.refused "
                "where landed.ctid = refused.row_id and landed.batch_id = :batch_id"
            ),
            {"batch_id": delivery.batch_id},
        ).rowcount
    )


def worst_rules(connection: Connection, delivery: Delivery) -> str:
    """Say which rules refused most rows of a batch, and where the first of them stands."""
    worst = connection.execute(
        sa.text(
            "select rule || coalesce(' on ' || column_name, ''), count(*), min(position) from quarantine.\"row\" "
            "where batch_id = :batch_id group by 1 order by 2 desc, 1 limit 3"
        ),
        {"batch_id": delivery.batch_id},
    ).all()
    return "; ".join(f"{label}: {rows:,}, first at row {position:,}" for label, rows, position in worst)
