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
    and (
        class.reltuples < 0
        or pg_catalog.pg_relation_size(class.oid)
        > greatest(1048576, 1.5 * class.relallvisible * cast(current_setting('block_size') as bigint))
    )
order by class.relname
"""


def refresh_statistics(warehouse: Warehouse, schema: str) -> list[str]:
    """Vacuum and analyse the tables of a schema that nothing is known of, or half as large again as what is seen by all.

    After a first load the planner knows nothing of small tables, and no page of large ones is marked as seen by all, so that
    what reads an index alone would look at every row. On an ordinary day nothing has grown so much; below 1 MB growth does
    no harm.
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
