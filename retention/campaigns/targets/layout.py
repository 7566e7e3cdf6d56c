"""The tables of a target, the same in every dialect, and the view that tools read there where the dialect can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect

from retention.campaigns.targets.spec import Target
from retention.warehouse import load_contract

_KEY_LENGTH = 191
"""Characters of a text that is part of a key: MySQL indexes no more in every row format."""
_MYSQL: Any = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_KEYS = {"campaign", "send_key", "kind", "channel", "purpose", "change", "reason"}
CHANNELS = ("email", "sms", "phone", "wechat", "app", "post")


class Instant(sa.types.TypeDecorator[datetime]):
    """A moment: ``timestamptz`` in PostgreSQL, elsewhere UTC without a zone, to the microsecond."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """MySQL keeps fractions of a second only when told to."""
        kind = mysql.DATETIME(fsp=6) if dialect.name in ("mysql", "mariadb") else sa.DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write UTC."""
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


_TYPES: dict[str, Any] = {
    "bigint": sa.BigInteger, "integer": sa.Integer, "smallint": sa.SmallInteger, "text": sa.Text, "boolean": sa.Boolean,
    "date": sa.Date, "timestamptz": Instant, "time": sa.Time, "double precision": sa.Float,
}  # fmt: skip


def _type_of(name: str, kind: str) -> sa.types.TypeEngine[Any]:
    if kind == "text" and name in _KEYS:
        return sa.String(_KEY_LENGTH)
    made: sa.types.TypeEngine[Any] = _TYPES[kind]()
    return made


def _number() -> sa.types.TypeEngine[Any]:
    """A number that the database counts up itself; SQLite does so for INTEGER alone."""
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


class Layout:
    """The tables of one target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.metadata = sa.MetaData(schema=target.schema)
        contract = load_contract("marketing.campaign_audience")
        self.members = tuple(name for name in contract.column_names if name != "sync_id")
        """Columns of a membership, as in ``marketing.campaign_audience``."""
        kinds = {name: contract.column(name) for name in self.members}

        def of_member(*, keys: bool, nullable: bool = False) -> list[sa.Column[Any]]:
            return [
                sa.Column(
                    name,
                    _type_of(name, column.type),
                    primary_key=keys and name in contract.primary_key,
                    nullable=(nullable and name not in contract.primary_key) or column.nullable,
                    autoincrement=False,
                )
                for name, column in kinds.items()
            ]

        def table(name: str, *columns: Any) -> sa.Table:
            return sa.Table(f"{target.table_prefix}{name}", self.metadata, *columns, **_MYSQL)

        self.audience = table("audience", *of_member(keys=True), sa.UniqueConstraint("send_key"))
        self.stage = table(
            "audience_stage",
            sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("is_member", sa.Boolean, nullable=False),
            sa.Column("removal", sa.String(_KEY_LENGTH)),
            *of_member(keys=True, nullable=True),
        )
        self.change = table(
            "audience_change",
            sa.Column("sequence", _number(), primary_key=True),
            sa.Column("token", sa.BigInteger, nullable=False),
            sa.Column("change", sa.String(20), nullable=False),
            sa.Column("reason", sa.String(_KEY_LENGTH)),
            *of_member(keys=False),
            sa.Column("changed_at", Instant, nullable=False),
        )
        self.hold = table("hold", sa.Column("send_key", sa.String(_KEY_LENGTH), primary_key=True))
        self.event = table(
            "campaign_event",
            sa.Column("event_id", _number(), primary_key=True),
            sa.Column("campaign", sa.String(_KEY_LENGTH), nullable=False),
            sa.Column("customer_key", sa.BigInteger, nullable=False, index=True),
            sa.Column("send_key", sa.String(_KEY_LENGTH)),
            sa.Column("channel", sa.String(20), nullable=False),
            sa.Column("kind", sa.String(20), nullable=False),
            sa.Column("occurred_at", Instant, nullable=False),
            sa.Column("is_read", sa.Boolean, nullable=False, server_default=sa.false()),
        )
        self.acknowledgement = table(
            "acknowledgement",
            sa.Column("send_key", sa.String(_KEY_LENGTH), primary_key=True),
            sa.Column("tool", sa.String(_KEY_LENGTH), nullable=False),
            sa.Column("is_read", sa.Boolean, nullable=False, server_default=sa.false()),
        )
        self.contact = table(
            "contact",
            sa.Column("customer_key", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("email", sa.Text),
            sa.Column("phone", sa.Text),
        )
        self.state = table(
            "push_state",
            sa.Column("stream", sa.String(20), primary_key=True),
            sa.Column("environment", sa.String(_KEY_LENGTH), nullable=False),
            sa.Column("token", sa.BigInteger, nullable=False),
            sa.Column("sequence", sa.BigInteger, nullable=False),
            sa.Column("campaigns", sa.Text, nullable=False),
            sa.Column("stale_after", Instant, nullable=False),
            sa.Column("fed_at", Instant, nullable=False),
        )
        self.sync = table(
            "audience_sync",
            sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("sequence", sa.BigInteger, nullable=False),
            sa.Column("is_full", sa.Boolean, nullable=False),
            *(
                sa.Column(name, sa.BigInteger, nullable=False)
                for name in ("rows_added", "rows_updated", "rows_removed", "rows_held")
            ),
            sa.Column("fed_at", Instant, nullable=False),
        )

    @property
    def view(self) -> str:
        """Name of the view that tools read."""
        return f"{self.target.table_prefix}sendable"

    @property
    def tables(self) -> Sequence[sa.Table]:
        """All tables."""
        return self.metadata.sorted_tables

    def sendable(self, dialect: Dialect) -> str | None:
        """Return the statement that makes the view of who may be contacted now; None in a dialect whose clock is not known.

        A membership is left out while the marketing database would not show it (``hold``, brought with every feed), from the
        moment an unsubscribe or an acknowledgement is inserted here, and altogether once the feed is older than allowed.
        """
        now = _NOW.get(dialect.name)
        if now is None:
            return None
        clock: sa.ColumnElement[Any] = sa.literal_column(now)
        member, event = self.audience.alias("member"), self.event.alias("event")
        held = sa.exists().where(self.hold.c.send_key == member.c.send_key)
        taken = sa.exists().where(self.acknowledgement.c.send_key == member.c.send_key)
        refused = sa.exists().where(
            event.c.customer_key == member.c.customer_key,
            event.c.is_read.is_(sa.false()) if dialect.name == "postgresql" else event.c.is_read == sa.literal_column("0"),
            event.c.kind.in_(["unsubscribed", "complained"]),
            sa.or_(event.c.channel == member.c.channel, event.c.channel == "all", event.c.channel.not_in(CHANNELS)),
            sa.or_(member.c.purpose != "service", event.c.campaign == member.c.campaign),
        )
        query = (
            sa.select(*(member.c[name] for name in self.members))
            .select_from(member.join(self.state, self.state.c.stream == "audience"))
            .where(self.state.c.stale_after > clock, member.c.valid_from <= clock, member.c.valid_until > clock)
            .where(~held, ~taken, ~refused)
        )
        name = dialect.identifier_preparer.quote(self.view)
        if self.target.schema:
            name = f"{dialect.identifier_preparer.quote_schema(self.target.schema)}.{name}"
        return f"create view {name} as {query.compile(dialect=dialect, compile_kwargs={'literal_binds': True})}"


_NOW = {
    "postgresql": "now()",
    "mysql": "utc_timestamp(6)",
    "mariadb": "utc_timestamp(6)",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
}
