"""People for the privacy tests: Hana (two ids, one person), Ivo (her neighbour), Bo (opted out).

Every table that can hold a person gets a row of Hana's under each of her ids and one of Ivo's, made from the contracts: a
table added later takes part without anybody remembering to add it here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retention.privacy import FileStore, source_customer_key
from retention.warehouse import Contract, Run, Warehouse, all_contracts, ensure_partitions
from retention.warehouse.identifiers import quote
from tests.conftest import PEPPER

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
DAY = date(2026, 4, 1)


class Person:
    """One person with one or two customer numbers in the CRM."""

    def __init__(self, name: str, numbers: list[str], email: str, phone: str) -> None:
        self.name, self.numbers, self.email, self.phone = name, numbers, email, phone
        self.keys = [source_customer_key(PEPPER, "crm", number) for number in numbers]
        self.customer_key = self.keys[0]

    def values(self) -> list[str]:
        """What must not be found anywhere after an erasure."""
        return [self.name, self.email, self.phone]


HANA = Person("Hana Kobayashi", ["C-1001", "C-2002"], "hana.kobayashi@example.com", "+8613800001001")
IVO = Person("Ivo Petrov", ["C-3003"], "ivo.petrov@example.com", "+8613800003003")
BO = Person("Bo Lindqvist", ["C-4004"], "bo.lindqvist@example.com", "+8613800004004")

_counter = count(1)


def insert(database: Warehouse, table: str, values: Mapping[str, Any]) -> None:
    """Insert one row, filling what is required and not given by type."""
    contract = all_contracts()[table]
    row = dict(values)
    for column in contract.columns:
        if column.identity or column.name in row or (column.nullable and column.name not in contract.primary_key):
            continue
        if column.default is None or column.name in contract.primary_key:
            row[column.name] = _value(column.type)
    if contract.kind == "slice":
        ensure_partitions(database, [table], row["as_of_date"])
    names = ", ".join(map(quote, row))
    binds = ", ".join(f"cast(:{name} as {contract.column(name).type})" for name in row)
    with database.begin() as connection:
        connection.execute(sa.text(f"insert into {contract.schema}.{quote(contract.name)} ({names}) values ({binds})"), row)


def _value(kind: str) -> Any:
    number = next(_counter)
    if kind == "smallint":
        return number % 30_000  # many tests before these have counted beyond what it holds
    if kind in ("bigint", "integer", "numeric", "double precision", "float8"):
        return number
    if kind == "boolean":
        return False
    if kind == "date":
        return DAY
    if kind == "timestamptz":
        return NOW
    if kind == "xid8":
        return str(number)
    if kind == "jsonb":
        return "{}"
    if kind.endswith("[]"):
        return []
    return f"value {number}"


def person_row(contract: Contract, person: Person, number: str, batch_id: int) -> dict[str, Any]:
    """A row of one person under one of their numbers, in whatever columns the table has for it."""
    own = source_customer_key(PEPPER, "crm", number)
    known = {
        "source_customer_key": own,
        "customer_key": person.customer_key,
        "customer_id": number,
        "referrer_customer_id": number,
        "source": "crm",
        "batch_id": batch_id,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "email_normalised": person.email,
        "phone_e164": person.phone,
        "order_id": f"O-{number}",
        "order_key": own,
        "left_key": own,
        "right_key": own,
        "send_key": f"play|email|once|{own}",
        "as_of_date": DAY,
        "purpose": "marketing",
        "channel": "email",
        "decision": "withdrawn",
        "address": person.email,
        "text": f"{person.name} wrote from {person.email}" if "complaint" in contract.table else None,
        "valid_until": datetime(2026, 5, 1, tzinfo=UTC),
    }
    row = {name: value for name, value in known.items() if name in contract.column_names and value is not None}
    if contract.table in ("quarantine.row", "landing.kept_row"):
        row["row"] = f'{{"customer_id": "{number}", "email": "{person.email}"}}'
    if contract.table == "core.identity_change":
        row["old_customer_key"] = own
    return row


@pytest.fixture
def begins_with(request: pytest.FixtureRequest, prepare: Callable[..., str]) -> str | None:
    """Rows of Hana and Ivo everywhere, where a test asks for them."""
    return prepare("populated", fill) if "populated" in request.fixturenames else None


@pytest.fixture
def populated(marketing: Warehouse, make_run: Callable[..., Run]) -> Run:
    """A run over databases that begin with rows of Hana and Ivo in every table that can hold a person."""
    return make_run(marketing=marketing)


def fill(warehouse: Warehouse, marketing: Warehouse) -> None:
    """Give Hana and Ivo rows in every table that can hold a person."""
    with warehouse.begin() as connection:
        batch_id = connection.execute(
            sa.text(
                # More than any test takes away: what is erased moves from the valid and the refused to the erased.
                "insert into ops.batch (source, entity, business_date, run_id, state, rows_extracted, rows_valid, "
                "rows_quarantined) values ('crm', 'customer', '2026-03-31', 'run-0', 'published', 1000, 500, 500) "
                "returning batch_id"
            )
        ).scalar_one()
    for contract in all_contracts().values():
        if contract.kind == "view" or contract.erasure == "none":
            continue
        database = warehouse if contract.database == "warehouse" else marketing
        for person in (HANA, IVO):
            numbers = person.numbers
            once = "source_customer_key" not in contract.column_names and contract.schema != "landing"
            for number in numbers[:1] if once else numbers:
                insert(database, contract.table, person_row(contract, person, number, batch_id))


def person_counts(run: Run, person: Person) -> dict[str, int]:
    """Rows in which a person is found by key, number or address, by table: an oracle that knows nothing of the registry."""
    found = {}
    for name, database in (("warehouse", run.warehouse), ("marketing", run.marketing)):
        assert database is not None
        with database.connect() as connection:
            tables = connection.execute(
                sa.text(
                    "select format('%I.%I', namespace.nspname, class.relname) from pg_class as class "
                    "join pg_namespace as namespace on class.relnamespace = namespace.oid "
                    "where class.relkind in ('r', 'p') and not class.relispartition "
                    "and namespace.nspname not in ('pg_catalog', 'information_schema')"
                )
            ).scalars()
            for table in tables.all():
                patterns = [f"%{value}%" for value in (*person.values(), *person.numbers, *map(str, person.keys))]
                rows = connection.execute(
                    sa.text(f"select count(*) from {table} as t where cast(t as text) like any(:patterns)"),
                    {"patterns": patterns},
                ).scalar_one()
                if rows:
                    found[f"{name}.{table}"] = rows
    return found


@pytest.fixture
def desk(tmp_path: Path) -> FileStore:
    """A service desk's export with complaints of Hana (both numbers) and Ivo, one of them over two lines."""
    folder = tmp_path / "desk" / "complaints"
    folder.mkdir(parents=True)
    (folder / "2026-03-30.csv").write_text(
        "case,client,order,words\n"
        f'1,{HANA.numbers[0]},O-1,"late, and\nbroken: {HANA.email}"\n'
        f"2,{IVO.numbers[0]},O-2,fine\n"
        f"3,{HANA.numbers[1]},O-3,again\n"
    )
    (folder / "2026-03-31.csv").write_text(f"case,client,order,words\n4,{IVO.numbers[0]},O-2,quick\n")
    return FileStore(
        source="desk",
        entity="complaint",
        root=str(tmp_path / "desk"),
        pattern="complaints/*.csv",
        format="csv",
        id_columns=("client",),
        order_columns=(),
        contact_columns=(),
    )
