"""Customer numbers that pass to somebody else: consent is a person's and is not inherited with a number."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import sql_file

_KEY = "('x' || encode(substr(sha256(convert_to(concat_ws(chr(31), {parts}), 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint"

# What the former owner refused under this number holds for them under their other numbers too.
_CARRY_OVER = f"""
insert into privacy.consent (consent_key, source_customer_key, customer_key, purpose, channel, decision, decided_at,
    recorded_at, origin, source, basis, is_simulated)
select {_KEY.format(parts="'carried over', said.consent_key::text, other.source_customer_key::text")},
    other.source_customer_key, other.customer_key, said.purpose, said.channel, 'withdrawn', said.decided_at, clock_timestamp(),
    'refused under a number that was re-used', said.source, 'decision', said.is_simulated
from pg_temp.reused_number as reused
inner join privacy.consent as said on said.source_customer_key = reused.source_customer_key
    and said.decision = 'withdrawn' and said.basis = 'decision' and said.decided_at < reused.reused_at
inner join pii.source_customer as other on other.customer_key = reused.customer_key
    and other.source_customer_key not in (select source_customer_key from pg_temp.reused_number)
on conflict (consent_key) do nothing
"""

_SUSPEND = f"""
insert into privacy.consent (consent_key, source_customer_key, customer_key, purpose, channel, decision, decided_at,
    recorded_at, origin, source, basis, is_simulated)
select {_KEY.format(parts="'re-used', reused.source_customer_key::text, extract(epoch from reused.reused_at)::text, purpose")},
    reused.source_customer_key, reused.customer_key, purpose, 'all', 'withdrawn', reused.reused_at, clock_timestamp(),
    'customer number re-used', reused.source, 'id_reused', false
from pg_temp.reused_number as reused
cross join unnest(array['marketing', 'profiling', 'ads']) as purpose
on conflict (consent_key) do nothing
"""

_AUDIT = """
insert into ops.audit (actor, action, subject)
select 'pipeline', 'consent_suspended', 'customer number re-used: source_customer_key ' || source_customer_key::text
from pg_temp.reused_number
"""


def suspend_reused(connection: Connection) -> int:
    """Suspend the consent of every customer number that the day's delivery gives to somebody else.

    To be called inside the publishing transaction, after the new states are in ``pg_temp.person_now`` and before they replace
    those in ``pii.source_customer``. A number counts as re-used when name, birth date and every address that was known have
    changed at once (``include/sql/privacy/_reused_numbers.sql``). A withdrawal of every purpose is appended, dated by the
    change: what the former owner agreed to ends, what they refused goes on, and the first decision of the new owner counts.

    Returns
    -------
    Numbers suspended; each has a line in ``ops.audit``.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.reused_number")
    found = connection.execute(
        sa.text(f"create temporary table reused_number on commit drop as {sql_file('privacy/_reused_numbers')}")
    ).rowcount
    if found > 0:
        for step in (_CARRY_OVER, _SUSPEND, _AUDIT):
            connection.execute(sa.text(step))
    return int(found)
