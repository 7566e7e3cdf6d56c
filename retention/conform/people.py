"""The customers of a day: keys, normalised addresses, and what follows when they turn out to be somebody known."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.conform.merge import rebuild, upsert
from retention.identity import Resolution, normalise_email, normalise_phone, resolve
from retention.privacy.pseudonyms import source_customer_key
from retention.warehouse import Run, sql_file

# Facts that carry source_customer_key, by which they follow the person when identities merge or part.
_FACTS = (
    "core.customer_tag", "core.order_header", "core.complaint", "core.interaction", "core.survey_answer", "core.referral",
    "core.campaign_event", "core.points_entry", "core.contract", "core.holding", "privacy.consent",
)  # fmt: skip

_COLUMNS = (
    "source_customer_key", "source", "customer_id", "source_created_at", "name", "email", "phone", "email_normalised",
    "phone_e164", "birth_date", "wedding_anniversary", "language", "batch_id", "updated_at", "deleted_at", "is_simulated",
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
    written = upsert(connection, "pii.source_customer", {})
    # Between versions of one customer the earliest creation time stays, whichever was delivered first.
    connection.execute(sa.text(_EARLIEST))
    batch_id = max((row.batch_id for row in rows), default=0)
    resolution = resolve(connection, run, keys, batch_id)
    if resolution.moved:
        _follow(connection, list(resolution.moved))
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


def _follow(connection: Connection, moved: list[int]) -> None:
    """Give the facts of moved source customers the key of the person they belong to now."""
    for table in _FACTS:
        connection.execute(
            sa.text(
                f"update {table} as fact set customer_key = alias.customer_key from core.customer_alias as alias "
                "where fact.source_customer_key = alias.source_customer_key and alias.source_customer_key = any(:moved) "
                "and fact.customer_key <> alias.customer_key"
            ),
            {"moved": moved},
        )
    connection.execute(
        sa.text(
            "update core.referral as fact set referred_customer_key = alias.customer_key from core.customer_alias as alias "
            "where fact.referred_source_customer_key = alias.source_customer_key and alias.source_customer_key = any(:moved)"
        ),
        {"moved": moved},
    )
    for table in ("core.order_entry", "core.order_line"):
        connection.execute(
            sa.text(
                f"update {table} as fact set customer_key = header.customer_key from core.order_header as header "
                "where fact.order_key = header.order_key and header.source_customer_key = any(:moved) "
                "and fact.customer_key <> header.customer_key"
            ),
            {"moved": moved},
        )


_EARLIEST = """
update pii.source_customer as known set source_created_at = incoming.source_created_at
from pg_temp.person_now as incoming
where known.source_customer_key = incoming.source_customer_key and incoming.source_created_at < known.source_created_at
"""
