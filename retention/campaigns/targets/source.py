"""What a target should hold, read from the marketing database in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.receipts import marketing_of
from retention.campaigns.targets.spec import Target
from retention.warehouse import Run, sql_file

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Home:
    """The marketing database at one moment, as far as a target carries it."""

    connection: Connection
    target: Target
    sequence: int
    """Newest change of an audience."""
    issued: int
    """Greatest number ever given to a change, also to one not committed; below a target's, the database went back."""
    stale_after: datetime
    """When the consent held here becomes too old to show anybody by."""

    def members(self, since: int, *, is_full: bool) -> Iterator[Mapping[str, Any]]:
        """Yield memberships that changed after a sequence number, or all; those that are gone with ``is_member`` false."""
        return self._rows("marketing/_target_members", since=since, is_full=is_full)

    def holds(self) -> Iterator[Mapping[str, Any]]:
        """Yield the send keys that may not be used now."""
        return self._rows("marketing/_target_holds")

    def contacts(self) -> Iterator[Mapping[str, Any]]:
        """Yield plain addresses of current members, as far as the marketing database holds them."""
        query = (
            "select contact.customer_key, contact.email, contact.phone from marketing.contact as contact where exists "
            "(select 1 from marketing.campaign_audience as member where member.customer_key = contact.customer_key "
            f"and {self._carried})"
        )
        return self._stream(query, {})

    def erased(self, since: int, *, is_full: bool) -> list[int]:
        """Return who was erased after a sequence number, or ever."""
        query = "select distinct customer_key from marketing.audience_change where reason = 'erased' and sequence > :since"
        return sorted(self.connection.execute(sa.text(query), {"since": -1 if is_full else since}).scalars())

    def total(self) -> tuple[int, str]:
        """Return number and checksum of the members that the target should hold."""
        query = f"{sql_file('marketing/_checksum').rstrip()} as member where {self._carried}"
        row = self.connection.execute(sa.text(query), {"campaigns": list(self.target.campaigns)}).one()
        return int(row.total), str(row.checksum)

    @property
    def _carried(self) -> str:
        return "(cardinality(cast(:campaigns as text [])) = 0 or member.campaign = any(cast(:campaigns as text [])))"

    def _rows(self, name: str, **binds: Any) -> Iterator[Mapping[str, Any]]:
        return self._stream(sql_file(name), binds)

    def _stream(self, query: str, binds: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        result = self.connection.execution_options(yield_per=self.target.batch_rows).execute(
            sa.text(query), {"campaigns": list(self.target.campaigns), **binds}
        )
        for row in result:
            yield row._asdict()


@contextmanager
def open_home(run: Run, target: Target) -> Iterator[Home]:
    """Open one snapshot of the marketing database; a push that commits meanwhile is for the next feed."""
    with marketing_of(run).connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        row = connection.execute(
            sa.text(
                "select (select coalesce(max(sequence), 0) from marketing.audience_change) as sequence, "
                "(select coalesce(max(numbers.last_value), 0) from pg_catalog.pg_sequences as numbers "
                "where numbers.schemaname = 'marketing' and numbers.sequencename like 'audience\\_change\\_%') as issued, "
                "(select min(heartbeat_at) from marketing.consent_feed) + cast((select value from marketing.setting "
                "where name = 'consent_heartbeat_hours') as double precision) * interval '1 hour' as stale_after"
            )
        ).one()
        yield Home(connection, target, int(row.sequence), int(row.issued), row.stale_after or _NEVER)
