"""Whose customer numbers a source uses."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import RetentionError


class WhoseNumbers(RetentionError):
    """It cannot be told whose customer numbers a source uses."""

    runbook = "whose-numbers"


def customer_source_of(connection: Connection, source: str) -> str:
    """Return the source whose customer numbers the rows of a source carry.

    Its own when it delivers customers, or when nobody has delivered any yet; else those of the one source that does: a
    service desk names customers by the numbers of the CRM.

    Raises
    ------
    WhoseNumbers when several sources deliver customers and this one does not.
    """
    owners = set(
        connection.execute(
            sa.text(
                "select distinct source from ops.batch where entity = 'customer' "
                "and state in ('landed', 'validated', 'published')"
            )
        ).scalars()
    )
    if source in owners or not owners:
        return source
    if len(owners) == 1:
        return str(owners.pop())
    raise WhoseNumbers(
        f"{source} delivers no customers, and {', '.join(sorted(owners))} all do: whose numbers it uses cannot be told. "
        f"Nothing recorded. Let {source} deliver the entity customer too, with the numbers it uses."
    )
