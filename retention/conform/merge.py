"""How delivered states get into tables that are kept, not replaced: set-based, and the same whatever arrived first.

A table's query gives every state that was delivered. Of the states of one key the one that its source changed last stays; of
two with the same time of change the greater one, by value and not by arrival. What was there before is not lost: where a
table ``<name>_version`` stands beside the table, every superseded state goes there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Contract, all_contracts, load_contract, sql_file
from retention.warehouse.identifiers import quote

# Not said by the source: which delivery brought a row, and what follows from other rows (the person, the rate, references).
# Two states may differ in these only because more was known when the second came, so they decide nothing.
_DERIVED = frozenset({
    "batch_id", "linked_at", "customer_key", "referred_customer_key", "product_key", "order_key", "fx_rate", "happened_at",
    "gross_minor", "discount_minor", "net_minor", "refund_minor", "unit_price_minor", "list_price_minor", "unit_cost_minor",
    "fee_minor", "amount_minor", "source_created_at",
})  # fmt: skip
# Orders and their versions are decided by the same columns first, so that both choose the same state.
_FIRST = (
    "ordered_at", "paid_at", "cancelled_at", "refunded_at", "currency", "gross_original", "discount_original",
    "refund_original", "deleted_at",
)  # fmt: skip
_BOOKKEEPING = ("batch_id", "linked_at")


def upsert(connection: Connection, table: str, binds: Mapping[str, Any]) -> int:
    """Merge every state that a table's query gives into the table; superseded states go to its history, if it has one.

    Rows that bring nothing new are left alone, so repeating costs no writes and changes nothing. The latest delivered states
    are left in ``pg_temp.incoming`` for steps that follow from them.

    Returns
    -------
    Rows inserted or changed in the table itself.
    """
    contract = load_contract(table)
    _stage(connection, contract, binds)
    history = all_contracts().get(f"{table}_version")
    _keep_latest(connection, contract, history)
    if history is not None:
        _keep_history(connection, contract, history)
    keys = contract.primary_key
    values = [name for name in contract.column_names if name not in keys]
    compared = [name for name in values if name not in _BOOKKEEPING]
    ties = _ties(contract)
    return int(
        connection.exec_driver_sql(
            f"insert into {_qualified(contract)} as kept ({_list(contract.column_names)}) "
            f"select {_list(contract.column_names)} from pg_temp.incoming {_in_index_order(contract)} "
            f"on conflict ({_list(keys)}) do update set {', '.join(f'{quote(n)} = excluded.{quote(n)}' for n in values)} "
            f"where (excluded.updated_at > kept.updated_at or kept.updated_at is null "
            f"or (excluded.updated_at = kept.updated_at and {_tie('excluded', ties)} >= {_tie('kept', ties)})) "
            f"and ({_list(compared, 'kept')}) is distinct from ({_list(compared, 'excluded')})"
        ).rowcount
    )


def append(connection: Connection, table: str, binds: Mapping[str, Any]) -> int:
    """Insert the rows of a table's query whose key is new; what is there never changes.

    Returns
    -------
    Rows inserted.
    """
    contract = load_contract(table)
    statement, known = _query(contract, binds)
    columns = _list(contract.column_names)
    return int(
        connection.execute(
            sa.text(
                f"insert into {_qualified(contract)} as kept ({columns}) select {columns} from (\n{statement}\n) as incoming "
                f"on conflict ({_list(contract.primary_key)}) do nothing"
            ),
            known,
        ).rowcount
    )


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
    connection.execute(sa.text(f"delete from {_qualified(contract)} as kept where {touched}"), _used(touched, binds))
    columns = _list(contract.column_names)
    return int(
        connection.exec_driver_sql(
            f"insert into {_qualified(contract)} ({columns}) select {columns} from pg_temp.rebuilt"
        ).rowcount
    )


def _stage(connection: Connection, contract: Contract, binds: Mapping[str, Any]) -> None:
    statement, known = _query(contract, binds)
    connection.exec_driver_sql("drop table if exists pg_temp.incoming")
    connection.execute(sa.text(f"create temporary table incoming on commit drop as\n{statement}"), known)
    connection.exec_driver_sql("analyze pg_temp.incoming")


def _keep_latest(connection: Connection, contract: Contract, history: Contract | None) -> None:
    """Leave one state per key in ``pg_temp.incoming``; hardly any key comes with two, so only those are looked at."""
    keys = contract.primary_key
    connection.exec_driver_sql("drop table if exists pg_temp.repeated")
    repeated = connection.exec_driver_sql(
        f"create temporary table repeated on commit drop as select {_list(keys)} from pg_temp.incoming "
        f"group by {_list(keys)} having count(*) > 1"
    ).rowcount
    if not repeated:
        return
    ranked = (
        f"select state.ctid as place, first_value(state.updated_at) over by_age as latest_at, row_number() over by_age as age "
        f"from pg_temp.incoming as state inner join pg_temp.repeated as repeated on {_same('state', 'repeated', keys)} "
        f"window by_age as (partition by {_list(keys, 'state')} order by state.updated_at desc nulls last, "
        f"{_tie('state', _ties(contract))} desc)"
    )
    older = (
        "delete from pg_temp.incoming as older using ranked where older.ctid = ranked.place and ranked.age > 1 "
        "returning older.*, ranked.latest_at"
    )
    if history is None:
        connection.exec_driver_sql(f"with ranked as ({ranked}) {older}")
        return
    # A state that shares its time with a greater one was never in force.
    _to_history(
        connection,
        contract,
        history,
        "select * from older where updated_at < latest_at",
        before=f"with ranked as ({ranked}), older as ({older}) ",
    )


def _keep_history(connection: Connection, contract: Contract, history: Contract) -> None:
    """Put aside what is superseded: stored states by newer delivered ones, delivered states by newer stored ones."""
    both = (
        f"from {_qualified(contract)} as kept inner join pg_temp.incoming on {_same('kept', 'incoming', contract.primary_key)}"
    )
    columns = history.column_names
    _to_history(
        connection,
        contract,
        history,
        f"select {_list(columns, 'kept')} {both} where kept.updated_at < incoming.updated_at "
        f"union all select {_list(columns, 'incoming')} {both} where kept.updated_at > incoming.updated_at",
    )


def _to_history(connection: Connection, contract: Contract, history: Contract, states: str, before: str = "") -> None:
    keys, columns = history.primary_key, history.column_names
    ties = [name for name in _ties(contract) if name in columns]
    changed = ", ".join(f"{quote(n)} = excluded.{quote(n)}" for n in columns if n not in keys)
    connection.exec_driver_sql(
        f"{before}insert into {_qualified(history)} as kept ({_list(columns)}) "
        f"select distinct on ({_list(keys)}) {_list(columns)} from ({states}) as state "
        f"order by {_list(keys)}, {_tie('state', ties)} desc "
        f"on conflict ({_list(keys)}) do update set {changed} where {_tie('excluded', ties)} > {_tie('kept', ties)}"
    )


def _ties(contract: Contract) -> list[str]:
    """Return the columns by which states of one time of change are told apart, in the order in which they decide."""
    said = [n for n in contract.column_names if n not in _DERIVED and n not in contract.primary_key and n != "updated_at"]
    if contract.name == "order_line":  # what it takes over from its product and its order
        said = [n for n in said if n not in ("category_1", "category_2")] + ["product_key"]
    elif "happened_at" in contract.column_names:
        said.append("happened_at")
    return [n for n in _FIRST if n in said] + [n for n in said if n not in _FIRST]


def _tie(alias: str, columns: Sequence[str]) -> str:
    return f'array[{", ".join(f"{alias}.{quote(name)}::text" for name in columns)}] collate "C"'


def _in_index_order(contract: Contract) -> str:
    """Sort rows as the index in customer order has them: entering it in its own order is several times faster."""
    for index in contract.indexes:
        if index.columns[0] == "customer_key":
            return f"order by {_list(index.columns)}"
    return ""


def _qualified(contract: Contract) -> str:
    return f"{contract.schema}.{quote(contract.name)}"


def _query(contract: Contract, binds: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    statement = sql_file(f"{contract.schema}/{contract.name}").strip().rstrip(";")
    return statement, _used(statement, binds)


def _used(statement: str, binds: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the binds that a statement names."""
    return {name: binds[name] for name in sa.text(statement).compile().params if name in binds}


def _list(names: Sequence[str], alias: str = "") -> str:
    return ", ".join(f"{alias}.{quote(name)}" if alias else quote(name) for name in names)


def _same(left: str, right: str, keys: Sequence[str]) -> str:
    return " and ".join(f"{left}.{quote(key)} = {right}.{quote(key)}" for key in keys)
