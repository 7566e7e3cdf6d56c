"""Statistics of tables that have just grown, for whoever reads them next: the server's own turn comes a minute later."""

from __future__ import annotations

import sqlalchemy as sa

from retention.warehouse.connections import Warehouse
from retention.warehouse.identifiers import quote

_GROWN = """
select class.relname
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
where
    namespace.nspname = :schema
    and class.relkind = 'r'
    and pg_catalog.pg_relation_size(class.oid)
        > 1.5 * class.relpages * cast(current_setting('block_size') as bigint) + 1048576
order by class.relname
"""


def refresh_statistics(warehouse: Warehouse, schema: str) -> list[str]:
    """Vacuum and analyse the tables of a schema that are half as large again as when that was done last, by 1 MB at least.

    After a first load the planner knows nothing, and no page is marked as seen by all: what reads an index alone would look at
    every row (features of the sample company: 34 s in place of 3). On an ordinary day nothing has grown so much.
    A table that somebody else is vacuuming is left to them.

    Returns
    -------
    Names of the tables.
    """
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        tables = list(connection.execute(sa.text(_GROWN), {"schema": schema}).scalars())
        for table in tables:
            connection.exec_driver_sql(f"vacuum (analyze, skip_locked) {quote(schema)}.{quote(table)}")
    return tables
