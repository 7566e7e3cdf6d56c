"""Tables that have grown are looked at before they are read."""

from __future__ import annotations

import sqlalchemy as sa

from retention.warehouse.statistics import refresh_statistics


def test_what_has_grown_or_is_not_known_is_vacuumed_once_though_analysed(warehouse):
    with warehouse.begin() as connection:
        for table, rows in (("visitor", 60_000), ("neighbour", 10)):
            connection.exec_driver_sql(f"create table core.{table} (name text)")
            connection.exec_driver_sql(f"alter table core.{table} set (autovacuum_enabled = false)")
            connection.exec_driver_sql(f"insert into core.{table} select 'Ana ' || n from generate_series(1, {rows}) as n")
        connection.exec_driver_sql("analyze core.visitor")  # as publishing does in its transaction: that marks no page
    assert {"neighbour", "visitor"} <= set(refresh_statistics(warehouse, "core"))
    with warehouse.connect() as connection:
        query = (
            "select relname, reltuples, relallvisible > 0 from pg_class where relname in ('visitor', 'neighbour') order by 1"
        )
        known = [tuple(row) for row in connection.execute(sa.text(query))]
    assert known == [("neighbour", 10, True), ("visitor", 60_000, True)]
    with warehouse.begin() as connection:
        connection.exec_driver_sql("insert into core.neighbour select 'Bo ' || n from generate_series(1, 100) as n")
    assert refresh_statistics(warehouse, "core") == []
