"""The customers of a day: keys, normalised addresses, and what follows when they turn out to be somebody known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.conform.merge import rebuild, upsert
from retention.conform.references import fill_customers
from retention.identity import Resolution, normalise_email, normalise_phone, resolve
from retention.privacy.pseudonyms import source_customer_key
from retention.privacy.reuse import suspend_reused
from retention.warehouse import Run, sql_file

# Facts that carry source_customer_key, by which they follow the person when identities merge or part.
_FACTS = (
    "core.customer_tag", "core.order_header", "core.complaint", "core.interaction", "core.survey_answer", "core.referral",
    "core.campaign_event", "core.points_entry", "core.contract", "core.holding", "privacy.consent",
    "core.interaction_version", "core.survey_answer_version", "core.referral_version", "core.points_entry_version",
    "core.contract_version", "core.holding_version",
)  # fmt: skip

_COLUMNS = (
    "source_customer_key", "source", "customer_id", "source_created_at", "name", "email", "phone", "email_normalised",
    "phone_e164", "birth_date", "wedding_anniversary", "language", "gender", "city", "region", "customer_kind",
    "batch_id", "updated_at", "deleted_at", "is_simulated",
)  # fmt: skip


def store_people(connection: Connection, run: Run) -> tuple[int, Resolution]:
    """Write the delivered customers to ``pii.source_customer``, link them to people and let the facts follow.

    Returns
    -------
    Source customers written, and what linking changed.
    """
    rows = connection.execute(sa.text(sql_file("pii/landed_customer"))).all()
    _copy_people(connection, run, rows)
    keys = list(connection.execute(sa.text("select source_customer_key from pg_temp.person_now")).scalars())
    suspend_reused(connection)  # before the former owner of a re-used number is overwritten
    written = upsert(connection, "pii.source_customer", {})
    # Between versions of one customer the earliest creation time stays, whichever was delivered first.
    connection.execute(sa.text(_EARLIEST))
    batch_id = max((row.batch_id for row in rows), default=0)
    resolution = resolve(connection, run, keys, batch_id)
    if resolution.moved:
        follow(connection, resolution.moved)
    if keys:
        fill_customers(connection)
    return written, resolution


def rebuild_people(connection: Connection, people: Iterable[int]) -> dict[str, int]:
    """Put together anew what is known of people: their versions and how to reach them.

    A person left without members disappears from both tables.
    """
    keys = list(people)
    if not keys:
        return {"core.customer": 0, "pii.contact": 0}
    mine = "kept.customer_key in (select unnest(cast(:people as bigint [])))"
    binds = {"people": keys}
    return {table: rebuild(connection, table, mine, binds) for table in ("core.customer", "pii.contact")}


def _copy_people(connection: Connection, run: Run, rows: Iterable[sa.Row[tuple[object, ...]]]) -> None:
    """Give keys and normalised addresses to the delivered customers, into ``pg_temp.person_now``."""
    connection.exec_driver_sql("drop table if exists pg_temp.person_now")
    connection.exec_driver_sql("create temporary table person_now (like pii.source_customer) on commit drop")
    connection.exec_driver_sql("alter table pg_temp.person_now alter column customer_key drop not null")
    region, pepper = run.settings.company.default_phone_region, run.secrets.pepper
    cursor = connection.connection.cursor()
    with cursor.copy(f"copy pg_temp.person_now ({', '.join(_COLUMNS)}) from stdin") as copy:
        for row in rows:
            key = source_customer_key(pepper, row.source, row.customer_id)
            email, phone = normalise_email(row.email), normalise_phone(row.phone, region)
            delivered = {**row._mapping, "source_customer_key": key, "email_normalised": email, "phone_e164": phone}
            copy.write_row([delivered[name] for name in _COLUMNS])
    cursor.close()
    connection.exec_driver_sql("analyze pg_temp.person_now")


def follow(connection: Connection, moved: Mapping[int, int]) -> None:
    """Give the facts of moved source customers the key of the person they belong to now.

    A fact carries the person whom its source customer belonged to so far, so the index in customer order finds it.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.moved_customer")
    connection.execute(sa.text(_MOVED), {"moved": list(moved), "before": list(moved.values())})
    connection.exec_driver_sql("analyze pg_temp.moved_customer")
    for table in _FACTS:
        connection.exec_driver_sql(
            f"update {table} as fact set customer_key = moved.customer_key from pg_temp.moved_customer as moved "
            "where fact.customer_key = moved.customer_key_before and fact.source_customer_key = moved.source_customer_key"
        )
    for table in ("core.referral", "core.referral_version"):
        connection.exec_driver_sql(
            f"update {table} as fact set referred_customer_key = moved.customer_key from pg_temp.moved_customer as moved "
            "where fact.referred_customer_key = moved.customer_key_before "
            "and fact.referred_source_customer_key = moved.source_customer_key"
        )
    for table in ("core.order_entry", "core.order_line"):
        connection.exec_driver_sql(
            f"update {table} as fact set customer_key = header.customer_key from pg_temp.moved_customer as moved "
            "inner join core.order_header as header on moved.source_customer_key = header.source_customer_key "
            "where fact.order_key = header.order_key and fact.customer_key <> header.customer_key"
        )


_MOVED = """
create temporary table moved_customer on commit drop as
select
    moved.source_customer_key,
    moved.customer_key_before,
    alias.customer_key
from unnest(cast(:moved as bigint []), cast(:before as bigint [])) as moved (source_customer_key, customer_key_before)
inner join core.customer_alias as alias on moved.source_customer_key = alias.source_customer_key
"""

_EARLIEST = """
update pii.source_customer as known set source_created_at = incoming.source_created_at
from pg_temp.person_now as incoming
where known.source_customer_key = incoming.source_customer_key and incoming.source_created_at < known.source_created_at
"""
