"""The indexes of a contract, beside its primary key: for the table itself, and for a table that will become a part of it."""

from __future__ import annotations

from retention.warehouse.contracts import Contract
from retention.warehouse.identifiers import quote

_MANY_VALUES = {"bigint": "int8_minmax_multi_ops", "timestamptz": "timestamptz_minmax_multi_ops"}


def create_indexes(contract: Contract, table: str) -> list[str]:
    """Return the statements that make the indexes of a contract, beside its primary key, on a table of its shape."""
    statements = []
    for index in contract.indexes:
        unique = "unique " if index.unique else ""
        include = f" include ({', '.join(map(quote, index.include))})" if index.include else ""
        where = f" where {index.where}" if index.where else ""
        columns, using = ", ".join(map(quote, index.columns)), ""
        if index.method == "brin":  # of several values a block: space that deleted rows leave is filled with later ones
            columns = ", ".join(f"{quote(name)} {_MANY_VALUES[contract.column(name).type]}" for name in index.columns)
            using, where = "using brin ", f" with (autosummarize = on){where}"
        statements.append(f"create {unique}index on {table} {using}({columns}){include}{where}")
    return statements
