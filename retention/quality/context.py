"""What the row rules of landing must know beside the row: customers, orders, products and rates that exist."""

from __future__ import annotations

from collections.abc import Sequence

from retention.quality.deliveries import NUMBERED, Delivery
from retention.quality.rules import RowContext
from retention.warehouse import Contract, Run
from retention.warehouse.identifiers import literal

# What core knows already, by entity: table and the column with the source's own number.
_STORED = {
    "customer": ("pii.source_customer", "customer_id"),
    "order": ("core.order_header", "order_id"),
    "product": ("core.product", "product_id"),
}


def row_context(run: Run, delivery: Delivery, contract: Contract, day: Sequence[Delivery]) -> RowContext:
    """Return the context for the rules of one batch.

    Parameters
    ----------
    run : Run
        The business day.
    delivery : Delivery
        The batch.
    contract : Contract
        Of its landing table.
    day : sequence of Delivery
        All batches of the day. Those that come earlier in it are validated already, so what is left of them in landing may
        be referred to.
    """
    company = run.settings.company
    return RowContext(
        contract=contract,
        day_end=run.as_of,
        known={entity: _known(entity, delivery.numbers_of(entity), day) for entity in NUMBERED},
        rates=_rates(day),
        versions=f"(select * from {delivery.table} where batch_id = {delivery.batch_id})",
        base_currency=company.base_currency,
        timezone=company.business_timezone,
    )


def _known(entity: str, source: str | None, day: Sequence[Delivery]) -> str:
    if source is None:
        return "select null::text as id where false"
    table, column = _STORED[entity]
    parts = [f"select {column} as id from {table} where source = {literal(source)}"]
    batches = [d for d in day if d.entity == entity and d.source == source]
    if batches:
        parts.append(
            f"select {column} as id from {batches[0].table} where {column} is not null "
            f"and batch_id in ({', '.join(str(d.batch_id) for d in batches)})"
        )
    return " union ".join(parts)


def _rates(day: Sequence[Delivery]) -> str:
    batches = [str(d.batch_id) for d in day if d.entity == "market_indicator"]
    landed = (
        " union all select series, case when pg_input_is_valid(indicator_date, 'date') then indicator_date::date end "
        f"from landing.market_indicator where batch_id in ({', '.join(batches)}) and series like 'fx.%'"
        if batches
        else ""
    )
    return (
        "select series, min(indicator_date) as first_date from (select series, indicator_date from core.market_indicator "
        f"where series like 'fx.%'{landed}) as rates group by series"
    )
