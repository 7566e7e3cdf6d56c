"""Whose addresses are blocked: keyed hashes can only be compared where the pepper is, so not in SQL."""

from __future__ import annotations

import sqlalchemy as sa

from retention.privacy.pseudonyms import address_hash
from retention.warehouse import Run


def suppressed_people(run: Run) -> list[int]:
    """Return the people of whom any address is suppressed, in order of key.

    One blocked address silences the person on every channel: who complained by e-mail is not sent an SMS instead.
    """
    with run.warehouse.connect() as connection:
        blocked = frozenset(connection.execute(sa.text("select address_hash from privacy.suppression")).scalars())
        if not blocked:
            return []
        rows = connection.execute(
            sa.text(
                "select coalesce(alias.customer_key, person.customer_key) as customer_key, person.email_normalised, "
                "person.phone_e164 from pii.source_customer as person "
                "left join core.customer_alias as alias on person.source_customer_key = alias.source_customer_key"
            )
        )
        return sorted(
            {
                row.customer_key
                for row in rows
                for address in (row.email_normalised, row.phone_e164)
                if address and address_hash(run.secrets.pepper, address) in blocked
            }
        )
