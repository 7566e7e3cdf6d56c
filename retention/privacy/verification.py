"""The search after an erasure: is any value of the person left in any table of both databases?

Independent of the registry on purpose: it reads the columns that exist, not the rules that should cover them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.registry import own_schemas
from retention.privacy.subject import Subject
from retention.warehouse import Run, Warehouse

_TEXT = ("text", "character varying", "character", "jsonb", "json", "ARRAY", "bytea", "xml")
_KEYS = ("customer_key", "left_key", "right_key")
"""Ends of the names of columns that hold a pseudonym."""
_MINIMUM = 6
"""Shorter values (a postal code, a house number) would be found inside other people's rows."""

_PSEUDONYMS_STAY = {
    "privacy.tombstone",
    "privacy.request",
    "privacy.receipt",
    "marketing.audience_change",
}
"""Tables that keep a pseudonym as proof, or as the removal which tools still have to read. Addresses are searched there too."""


@dataclass
class Findings:
    """What was searched for and where, with hits by place. No value of the person is in here."""

    searched: int = 0
    values: dict[str, int] = field(default_factory=dict)
    """How many values of each kind were searched for."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Kinds of values that were not searched for, and why."""
    hits: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return a form for the receipt."""
        return {
            "stores_searched": self.searched,
            "values_searched": self.values,
            "left_out": self.left_out,
            "hits": sum(self.hits.values()),
            "hits_by_store": self.hits,
        }


def search(run: Run, subject: Subject, request_id: str) -> Findings:
    """Search every text, JSON and key column of both databases for one person's values.

    Addresses are searched as parts of texts, customer numbers as whole values (in columns and in rows kept as JSON), names as
    whole values, pseudonyms in key columns. An address or a name which somebody else has too is left out, and that is said.

    Parameters
    ----------
    run : Run
        Gives both databases.
    subject : Subject
        The person.
    request_id : str
        The open request, whose own working memory is not searched.
    """
    findings = Findings()
    with run.warehouse.connect() as connection:
        addresses = _only_theirs(connection, "address", subject.addresses, findings)
        names = _only_theirs(connection, "name", subject.names, findings)
    addresses = {address for address in addresses if len(address) >= _MINIMUM}
    findings.values = {
        "addresses": len(addresses),
        "names": len(names),
        "customer_numbers": len(subject.ids),
        "pseudonyms": len(subject.keys),
    }
    binds = {
        "keys": sorted(subject.keys),
        "patterns": [f"%{_escaped(address)}%" for address in sorted(addresses)],
        "names": sorted(names),
        "request_id": request_id,
        "sources": [source for source, _ in sorted(subject.ids)],
        "numbers": [number for _, number in sorted(subject.ids)],
    }
    _search_database(run.warehouse, "warehouse", binds, findings)
    if run.marketing is not None:
        _search_database(run.marketing, "marketing", binds, findings)
    return findings


def _only_theirs(connection: Connection, kind: str, values: frozenset[str], findings: Findings) -> set[str]:
    """Leave out values that another customer has too (the person is gone from pii by now)."""
    columns = "name" if kind == "name" else "email, phone, email_normalised, phone_e164"
    shared = set(
        connection.execute(
            sa.text(
                "select distinct value from pii.source_customer, unnest(array["
                f"{columns}]) as value where value = any(cast(:values as text[]))"
            ),
            {"values": sorted(values)},
        ).scalars()
    )
    if shared:
        findings.left_out[kind] = f"{len(shared)} of {len(values)} also belong to another customer"
    return set(values) - shared


def _search_database(database: Warehouse, name: str, binds: Mapping[str, Any], findings: Findings) -> None:
    with database.connect() as connection:
        # One statement a table: every text and JSON column for addresses and names, every key column for pseudonyms.
        for table, columns in _columns(connection, [*own_schemas(name), "staging"]).items():
            findings.searched += 1
            tests = _tests(table, columns)
            if not tests:
                continue
            used = {key: value for key, value in binds.items() if f":{key}" in " ".join(tests)}
            schema, _, relation = table.partition(".")
            hits = connection.execute(
                sa.text(f"select count(*) from {_quoted(schema)}.{_quoted(relation)} as candidate where {' or '.join(tests)}"),
                used,
            ).scalar_one()
            if hits:
                findings.hits[f"{name}.{table}"] = int(hits)


def _columns(connection: Connection, schemas: list[str]) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        sa.text(
            "select col.table_schema || '.' || col.table_name as table_name, col.column_name, col.data_type "
            "from information_schema.columns as col "
            "inner join pg_catalog.pg_class as class on class.oid = "
            "cast(format('%I.%I', col.table_schema, col.table_name) as regclass) "
            "where class.relkind in ('r', 'p') and not class.relispartition "
            "and col.table_schema = any(:schemas) order by 1, col.ordinal_position"
        ),
        {"schemas": schemas},
    ).all()
    tables: dict[str, dict[str, str]] = {}
    for row in rows:
        tables.setdefault(row.table_name, {})[row.column_name] = row.data_type
    return tables


def _tests(table: str, columns: Mapping[str, str]) -> list[str]:
    tests = []
    for column, kind in columns.items():
        quoted = f"candidate.{_quoted(column)}"
        if kind in _TEXT:
            text = quoted if kind == "text" else f"cast({quoted} as text)"
            if table == "privacy.request":
                text = f"case when candidate.request_id <> :request_id then {text} end"
            tests.append(f"{text} like any(cast(:patterns as text[]))")
            if kind in ("text", "character varying"):
                tests.append(f"{text} = any(cast(:names as text[]))")
        elif kind == "bigint" and column.endswith(_KEYS) and table not in _PSEUDONYMS_STAY:
            tests.append(f"{quoted} = any(cast(:keys as bigint[]))")
    numbers = [f"candidate.{_quoted(column)}" for column in columns if column.endswith("customer_id")]
    if "batch_id" in columns and numbers:
        source = "(select batch.source from ops.batch as batch where batch.batch_id = candidate.batch_id)"
        tests.append(_number_test(", ".join(numbers), source))
    if table == "quarantine.row":
        refused = ("customer_id", "referrer_customer_id", "referred_customer_id")
        tests.append(_number_test(", ".join(f"candidate.row ->> '{name}'" for name in refused), "candidate.source"))
    return tests


def _number_test(numbers: str, source: str) -> str:
    """Compare customer numbers as whole values, within the source that gave them (or one that uses the numbers of others)."""
    return (
        "exists (select 1 from unnest(cast(:sources as text[]), cast(:numbers as text[])) as person (source, number) "
        f"where person.number in ({numbers}) and (person.source = {source} "
        f"or not exists (select 1 from pii.source_customer as other where other.source = {source})))"
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
