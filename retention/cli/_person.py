"""Who is meant: by the key of a person or of a source's customer, as SOURCE:NUMBER, or by --source and --customer-id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from retention.warehouse import RetentionError

if TYPE_CHECKING:
    from retention.warehouse import Warehouse

HELP = "Key of the customer, or SOURCE:NUMBER, e.g. crm:1042."
SIGNED = {"ignore_unknown_options": True}
"""Context settings of commands that take a key: keys are signed, -5 is a key and no option."""


class UnknownCustomer(RetentionError):
    """Nobody is known by that number."""

    runbook = "not-scored"


def person(warehouse: Warehouse, customer: str | None, source: str | None = None, customer_id: str | None = None) -> int:
    """Return the key of the person that a command names.

    Parameters
    ----------
    warehouse : Warehouse
        Knows the customers of the sources.
    customer : str, optional
        A key, or SOURCE:NUMBER.
    source, customer_id : str, optional
        The same in two options.

    Raises
    ------
    BadParameter when it names nobody, or two; UnknownCustomer when the source has no such number.
    """
    key: int | None = None
    if customer is not None:
        before, colon, number = customer.partition(":")
        if colon and before and number and source is None and customer_id is None:
            source, customer_id = before, number
        elif customer.isascii() and customer.removeprefix("-").isdigit():
            key = int(customer)
        else:
            raise typer.BadParameter("a key, or SOURCE:NUMBER, e.g. crm:1042", param_hint="CUSTOMER")
    if (key is None) == (source is None or customer_id is None):
        raise typer.BadParameter("a key, SOURCE:NUMBER, or --source and --customer-id", param_hint="CUSTOMER")
    return person_of(warehouse, key, source, customer_id)


def person_of(warehouse: Warehouse, key: int | None, source: str | None, customer_id: str | None) -> int:
    """Return the person behind a key (of a person or of a source's customer) or a source's number.

    Raises
    ------
    UnknownCustomer when the source has no such number, naming the sources that have customers.
    """
    from retention.report import rows

    found = rows(
        warehouse,
        "select known.customer_key from pii.source_customer as known where known.source_customer_key = :key "
        "or (known.source = :source and known.customer_id = :customer_id)",
        {"key": key, "source": source, "customer_id": customer_id},
    )
    if found:
        return int(found[0]["customer_key"])
    if key is not None:
        return key
    known = [row["source"] for row in rows(warehouse, "select distinct source from pii.source_customer order by source")]
    raise UnknownCustomer(
        f"no customer is known by that number of the source {source}; sources with customers: {', '.join(known) or 'none'}."
    )
