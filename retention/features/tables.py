"""The feature tables and their queries: for everybody, for a range of customers, for some of them, or carried forward."""

from __future__ import annotations

import re
from functools import cache

from retention.warehouse import load_contract, sql_file
from retention.warehouse.identifiers import quote

FEATURE_TABLES = (
    "features.customer_orders",
    "features.customer_basket",
    "features.customer_service",
    "features.customer_engagement",
)

_RANGE = re.compile(r"customer_key between :first_key and :last_key")
_FACT = re.compile(r"\bcore\.[a-z_]+")


@cache
def feature_sql(table: str) -> str:
    """Return the query of a feature table, for the customers from ``:first_key`` to ``:last_key``."""
    return sql_file(table.replace(".", "/"))


def touched_sql(table: str) -> str:
    """Return the query of a feature table for the customers in ``:customers``: the same, with another condition on who."""
    # An array in ascending order: the index is read once, from one customer to the next, in the order that the sums want.
    return _RANGE.sub("customer_key = any(cast(:customers as bigint []))", feature_sql(table))


def past_sql(touched: bool = False) -> str:
    """Return the query of what is kept of all orders before a date: the sums of the order features, without their windows."""
    orders = "features.customer_orders"
    sums, marker, _ = (touched_sql(orders) if touched else feature_sql(orders)).partition("-- From here on:")
    if not marker:
        raise ValueError(f"the query of {orders} does not say any more where its sums end")
    return sums.rstrip().removesuffix(",") + "\n\n" + sql_file("features/_order_past")


def carried_sql(table: str) -> str:
    """Return the query that carries a slice forward by one day, for everybody but the customers in ``:customers``.

    What moves with the calendar is computed from what is stored, as the contract says (``carried``); all else stays.
    """
    contract = load_contract(table)
    columns = [
        ":as_of_date as as_of_date"
        if column.name == "as_of_date"
        else f"{column.extra['carried']} as {quote(column.name)}"
        if "carried" in column.extra
        else quote(column.name)
        for column in contract.columns
    ]
    return (
        f"select {', '.join(columns)} from {table} as carried where as_of_date = :previous_date "
        "and customer_key not in (select unnest(cast(:customers as bigint [])))"
    )


def merged_sql(table: str, computed: str) -> str:
    """Return the query of a slice that is carried forward: everybody else's rows, and those of a staging table.

    Both are read in the order of customers, and so the slice stands in this order whatever was carried for how long: its key is
    built without a sort, and who reads a range of customers reads it from one place.
    """
    columns = ", ".join(map(quote, load_contract(table).column_names))
    return (
        f"select {columns} from (\n({carried_sql(table)} order by customer_key)\nunion all\n"
        f"(select {columns} from {computed} order by customer_key)\n) as merged order by customer_key"
    )


@cache
def facts_of(table: str) -> frozenset[str]:
    """Return the tables of core that a feature table is computed from, as its query names them."""
    code = "\n".join(line.partition("--")[0] for line in feature_sql(table).splitlines())
    return frozenset(_FACT.findall(code))
