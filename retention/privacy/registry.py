"""Where one person's rows are: read from the contracts, so that a table without a rule cannot exist.

Every contract says under ``erasure`` how the rows of one person are found in its table: by a key column, by a condition of
its own, or why there are none. This module turns that into conditions, and compares the contracts with what a database
really holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from retention.warehouse import Contract, RetentionError, Warehouse, all_contracts
from retention.warehouse.identifiers import quote

_KEY_COLUMNS = ("customer_key", "source_customer_key")


class UnregisteredTable(RetentionError):
    """A table says nothing about how a person is removed from it."""

    runbook = "erasure-registry"


@dataclass(frozen=True)
class PersonRows:
    """How one person's rows are found in one table.

    ``condition`` uses the bind ``:customer_keys``: every key the person has or had.
    """

    table: str
    qualified: str
    condition: str
    refers_to_others: bool
    """True where the condition looks into other tables: such rows must go before the ones they are found by."""


def person_rows(database: str, contracts: Mapping[str, Contract] | None = None) -> list[PersonRows]:
    """Return the rules of one database, in an order in which rows can be removed.

    Parameters
    ----------
    database : str
        ``warehouse`` or ``marketing``.
    contracts : mapping, optional
        Contracts to read; default all of the project.

    Raises
    ------
    UnregisteredTable when a contract's rule is none that is known.
    """
    rules = []
    for contract in (contracts or all_contracts()).values():
        if contract.database != database or contract.kind == "view" or contract.erasure == "none":
            continue
        rules.append(_rule(contract))
    # pii.source_customer and core.customer_alias are what everything else is found by: they go last.
    last = {"core.customer_alias": 1, "pii.source_customer": 2}
    return sorted(rules, key=lambda rule: (not rule.refers_to_others, last.get(rule.table, 0), rule.table))


def _rule(contract: Contract) -> PersonRows:
    qualified = f"{contract.schema}.{quote(contract.name)}"
    erasure = contract.erasure
    if isinstance(erasure, str) and erasure in contract.column_names:
        return PersonRows(contract.table, qualified, f"{quote(erasure)} = any(:customer_keys)", False)
    if isinstance(erasure, Mapping) and ":customer_keys" in str(erasure.get("via", "")):
        condition = str(erasure["via"])
        return PersonRows(contract.table, qualified, condition, "select" in condition.lower())
    raise UnregisteredTable(
        f"{contract.table}: erasure must be one of its columns ({', '.join(_KEY_COLUMNS)}), a condition `via` with "
        ":customer_keys, or none with a note. Nobody can be erased until it is."
    )


def own_schemas(name: str) -> list[str]:
    """Return the schemas of a database that hold our tables."""
    return sorted({contract.schema for contract in all_contracts().values() if contract.database == name})


def unregistered(database: Warehouse, name: str) -> list[str]:
    """Return the tables that a database holds in our schemas and no contract knows, partitions and staging apart.

    Other schemas of the marketing database belong to the marketing team, who erase in them by the removals we announce.
    Partitions follow their parent. Staging is swept by its columns, because its tables come and go. Alembic's own table
    holds a version only.
    """
    with database.connect() as connection:
        present = connection.execute(
            sa.text(
                "select format('%s.%s', namespace.nspname, class.relname) from pg_catalog.pg_class as class "
                "inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid "
                "where class.relkind in ('r', 'p') and not class.relispartition "
                "and namespace.nspname = any(:schemas) order by 1"
            ),
            {"schemas": own_schemas(name)},
        ).scalars()
        names = present.all()
    known = {contract.table for contract in all_contracts().values() if contract.database == name}
    return [table for table in names if table not in known and table != "ops.layout_version"]
