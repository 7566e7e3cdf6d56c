"""How the rows of a query get into a table that is kept, not replaced: set-based, and only where something differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Contract, load_contract, sql_file
from retention.warehouse.identifiers import quote


def upsert(connection: Connection, table: str, binds: Mapping[str, Any]) -> int:
    """Insert the rows of a table's query; where a key exists already, the newer state (``updated_at``) stays.

    Rows that bring nothing new are left alone, so repeating costs no writes and changes nothing.

    Returns
    -------
    Rows inserted or changed.
    """
    contract = load_contract(table)
    values = [name for name in contract.column_names if name not in contract.primary_key]
    # batch_id alone is no difference. updated_at is one: a state that came back to what it was must outlive the state in
    # between, should that one arrive late.
    compared = ", ".join(f"kept.{quote(n)}" for n in values if n not in ("batch_id", "linked_at"))
    incoming = ", ".join(f"excluded.{quote(n)}" for n in values if n not in ("batch_id", "linked_at"))
    newer = "kept.updated_at <= excluded.updated_at and " if "updated_at" in contract.column_names else ""
    return _insert(
        connection,
        contract,
        f"on conflict ({_keys(contract)}) do update set {', '.join(f'{quote(n)} = excluded.{quote(n)}' for n in values)} "
        f"where {newer}({compared}) is distinct from ({incoming})",
        binds,
    )


def append(connection: Connection, table: str, binds: Mapping[str, Any]) -> int:
    """Insert the rows of a table's query whose key is new; what is there never changes.

    Returns
    -------
    Rows inserted.
    """
    contract = load_contract(table)
    return _insert(connection, contract, f"on conflict ({_keys(contract)}) do nothing", binds)


def rebuild(connection: Connection, table: str, touched: str, binds: Mapping[str, Any]) -> int:
    """Replace the rows of the touched keys by what the table's query gives for them.

    Parameters
    ----------
    touched : str
        Condition on the table (alias ``kept``) that finds the rows to replace; may refer to ``rebuilt``, the temporary table
        of new rows.

    Returns
    -------
    Rows written.
    """
    contract = load_contract(table)
    statement, known = _query(contract, binds)
    connection.exec_driver_sql("drop table if exists pg_temp.rebuilt")
    connection.execute(sa.text(f"create temporary table rebuilt on commit drop as\n{statement}"), known)
    connection.exec_driver_sql("analyze pg_temp.rebuilt")
    target = f"{contract.schema}.{quote(contract.name)}"
    connection.execute(sa.text(f"delete from {target} as kept where {touched}"), _used(touched, binds))
    columns = ", ".join(map(quote, contract.column_names))
    return int(connection.exec_driver_sql(f"insert into {target} ({columns}) select {columns} from pg_temp.rebuilt").rowcount)


def _insert(connection: Connection, contract: Contract, conflict: str, binds: Mapping[str, Any]) -> int:
    statement, known = _query(contract, binds)
    columns = ", ".join(map(quote, contract.column_names))
    return int(
        connection.execute(
            sa.text(
                f"insert into {contract.schema}.{quote(contract.name)} as kept ({columns}) "
                f"select {columns} from (\n{statement}\n) as incoming {conflict}"
            ),
            known,
        ).rowcount
    )


def _query(contract: Contract, binds: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    statement = sql_file(f"{contract.schema}/{contract.name}").strip().rstrip(";")
    return statement, _used(statement, binds)


def _used(statement: str, binds: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the binds that a statement names."""
    return {name: binds[name] for name in sa.text(statement).compile().params if name in binds}


def _keys(contract: Contract) -> str:
    return ", ".join(map(quote, contract.primary_key))
