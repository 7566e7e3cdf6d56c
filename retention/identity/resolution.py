"""Resolution of a day: the people around whoever is new or changed, read from the warehouse and linked anew."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.identity.linking import Member, link_members
from retention.warehouse import Run, sql_file


@dataclass(frozen=True)
class Resolution:
    """What linking changed.

    Attributes
    ----------
    members
        Source customers looked at.
    linked
        Source customers that belong to a person with other members.
    moved
        Source customers that belong to another person than before, with the person before.
    touched
        Every person that gained, lost or changed a member.
    """

    members: int = 0
    linked: int = 0
    moved: dict[int, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)


def resolve(connection: Connection, run: Run, changed: list[int], batch_id: int) -> Resolution:
    """Link the people around new and changed source customers, inside the transaction that publishes core.

    Looks at everybody connected with them by an address or by the person they belonged to, however long the chain, so the
    outcome is the one that linking everybody would give. Writes ``core.customer_alias``, ``pii.source_customer`` and the
    trail ``core.identity_change``.

    Parameters
    ----------
    connection : Connection
        The publishing transaction; ``pii.source_customer`` holds the new addresses already.
    run : Run
        Settings.
    changed : list of int
        Keys of source customers that are new or whose address or birth date changed.
    batch_id : int
        Batch that changes are attributed to.
    """
    if not changed:
        return Resolution()
    members, before = _neighbourhood(connection, changed)
    links = link_members(members.values(), run.settings.ingest.shared_address_limit)
    moved = {key: old for key, link in links.items() if (old := before[key]) is not None and old != link.customer_key}
    connection.execute(
        sa.text(
            "create temporary table if not exists link_now (source_customer_key bigint, customer_key bigint, rule text) "
            "on commit drop"
        )
    )
    connection.execute(sa.text("truncate pg_temp.link_now"))
    raw = connection.connection.cursor()
    with raw.copy("copy pg_temp.link_now (source_customer_key, customer_key, rule) from stdin") as copy:
        for key, link in links.items():
            copy.write_row((key, link.customer_key, link.rule))
    raw.close()
    binds = {"batch_id": batch_id}
    connection.execute(sa.text(sql_file("core/identity_change")), binds)
    connection.execute(sa.text(sql_file("core/customer_alias")))
    connection.execute(
        sa.text(
            "update pii.source_customer as known set customer_key = link_now.customer_key from pg_temp.link_now "
            "where known.source_customer_key = link_now.source_customer_key and known.customer_key <> link_now.customer_key"
        )
    )
    counts: dict[int, int] = {}
    for link in links.values():
        counts[link.customer_key] = counts.get(link.customer_key, 0) + 1
    changed_set = set(changed)
    touched = {link.customer_key for key, link in links.items() if key in changed_set or key in moved}
    return Resolution(
        members=len(members),
        linked=sum(rows for rows in counts.values() if rows > 1),
        moved=moved,
        touched=touched | set(moved.values()),
    )


def _neighbourhood(connection: Connection, changed: list[int]) -> tuple[dict[int, Member], dict[int, int | None]]:
    """Return everybody connected with the changed members, and whom they were linked to so far.

    Each address and person is asked for once, so that an address which thousands share costs thousands, not millions.
    """
    members: dict[int, Member] = {}
    before: dict[int, int | None] = {}
    asked_emails, asked_phones, asked_people = set[str](), set[str](), set[int]()
    keys, emails, phones, people = set(changed), set[str](), set[str](), set[int]()
    query = sa.text(sql_file("core/identity_neighbourhood"))
    while keys or emails or phones or people:
        binds = {"keys": list(keys), "emails": list(emails), "phones": list(phones), "people": list(people)}
        rows = connection.execute(query, binds).all()
        asked_emails |= emails
        asked_phones |= phones
        asked_people |= people
        for row in rows:
            members[row.source_customer_key] = Member(
                row.source_customer_key, row.source, row.customer_id, row.source_created_at, row.email_normalised,
                row.phone_e164, row.birth_date,
            )  # fmt: skip
            before[row.source_customer_key] = row.linked_customer_key
        keys = set()
        emails = {row.email_normalised for row in rows if row.email_normalised} - asked_emails
        phones = {row.phone_e164 for row in rows if row.phone_e164} - asked_phones
        people = {row.customer_key for row in rows} - asked_people
    return members, before
