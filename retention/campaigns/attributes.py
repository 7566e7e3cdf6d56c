"""The attributes of customers, filled in ranges of keys so that no statement needs the memory of all of them."""

from __future__ import annotations

from retention.campaigns.compiling import Statement, compile_file


def attributes_query() -> Statement:
    """Return the statement that fills ``campaigns.customer_attributes`` for one bucket of customers."""
    return Statement(compile_file("campaigns/customer_attributes", {}), {})
