"""Lineage: which tables a task wrote and which ones their queries read, told to whatever listens (OpenLineage).

What was written comes from the run ledger, so it is what was published and not what was meant to be; what was read, from the
queries themselves. Nothing is read or computed where nobody listens. Datasets have the names that other tools give tables of
PostgreSQL: namespace ``postgres://host:port``, name ``database.schema.table``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retention.warehouse import Run, Warehouse


def listening() -> bool:
    """Whether anybody collects lineage: the OpenLineage provider is installed and not disabled."""
    from airflow.sdk.lineage import NoOpCollector, get_hook_lineage_collector

    return not isinstance(get_hook_lineage_collector(), NoOpCollector)


def tell_lineage(run: Run, written: list[Any]) -> None:
    """Hand the tables read and written by this attempt to the collector, from which the task's event is made."""
    from airflow.sdk.lineage import get_hook_lineage_collector

    from retention.warehouse.flow import tables_read, tables_written

    collector = get_hook_lineage_collector()
    outputs = tables_written(written)
    inputs = sorted({read for table in outputs for read in tables_read(table)} - set(outputs))
    addresses = [dataset_uri(run, table) for table in inputs] + _sources(written)
    for address in addresses:
        collector.add_input_asset(run, uri=address)  # the context only tells entries apart
    for table in outputs:
        collector.add_output_asset(run, uri=dataset_uri(run, table))


def dataset_uri(run: Run, table: str) -> str:
    """Return the address of a table, without login: ``postgres://host:port/database/schema/table``."""
    from retention.warehouse import load_contract

    contract = load_contract(table)
    database = run.marketing if contract.database == "marketing" and run.marketing is not None else run.warehouse
    return f"{_server(database)}/{contract.schema}/{contract.name}"


def _sources(written: list[Any]) -> list[str]:
    """Return where the entities that were landed came from."""
    from retention import pipeline

    landed = [entry.dataset.split("/") for entry in written if entry.dataset.startswith("landing/") and entry.rows]
    places = [pipeline.source_place(source, entity) for _, source, entity in landed]
    return [place for place in places if place is not None]


def _server(database: Warehouse) -> str:
    url = database.url
    return f"postgres://{url.host or 'localhost'}:{url.port or 5432}/{url.database}"
