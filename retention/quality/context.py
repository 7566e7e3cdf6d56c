"""What the row rules of landing must know beside the row: customers, orders, products and rates that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from retention.quality.deliveries import NUMBERED, Delivery
from retention.quality.rows import RowContext
from retention.warehouse import Contract, Run
from retention.warehouse.identifiers import literal, quote

STORED: Mapping[str, tuple[str, str]] = {
    "customer": ("pii.source_customer", "customer_id"),
    "order": ("core.order_header", "order_id"),
    "product": ("core.product", "product_id"),
}
"""What core knows already, by entity: table and the column with the source's own number, indexed by source and number."""


def row_context(
    run: Run,
    delivery: Delivery,
    contract: Contract,
    day: Sequence[Delivery],
    known: Callable[[str, str], str],
    has_versions: bool = True,
) -> RowContext:
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
    known : callable
        See :class:`KnownNumbers`.
    has_versions : bool
        Whether rows of the batch may share a key.
    """
    company = run.settings.company
    return RowContext(
        contract=contract,
        day_end=run.as_of,
        known=known,
        rates=rates_query(day),
        versions=f"(select * from {delivery.table} where {f'batch_id = {delivery.batch_id}' if has_versions else 'false'})",
        base_currency=company.base_currency,
        timezone=company.business_timezone,
    )


@dataclass
class KnownNumbers:
    """The numbers that the rows of a batch name and that exist, one small table per referring column.

    Only numbers that the batch names are looked up, by index, so the cost follows the batch and not what the company has
    ever sold.

    Attributes
    ----------
    delivery
        The batch whose rows refer.
    day
        All batches of the day: what they deliver may be referred to as well.
    suffix
        Ends the names of the tables, so that an overtaken attempt's are others.
    asked
        Filled while rules are compiled: entity by referring column.
    """

    delivery: Delivery
    day: Sequence[Delivery]
    suffix: str
    asked: dict[str, str] = field(default_factory=dict)

    def __call__(self, entity: str, column: str) -> str:
        """Return the table that will hold those numbers of a column that are known."""
        if entity not in NUMBERED:
            raise ValueError(f"nothing refers to a {entity}; {', '.join(NUMBERED)} are referred to")
        self.asked[column] = entity
        return self._table(column)

    def tables(self) -> Iterator[tuple[str, str]]:
        """Return the tables that were asked for: name and the query that fills it."""
        for column, entity in self.asked.items():
            named = (
                f"select distinct {quote(column)} as id from {self.delivery.table} "
                f"where batch_id = {self.delivery.batch_id} and {quote(column)} is not null"
            )
            yield self._table(column), known_query(entity, self.delivery.numbers_of(entity), self.day, named)

    def _table(self, column: str) -> str:
        return f"staging.known_{column}__{self.suffix}"


def known_query(entity: str, source: str | None, day: Sequence[Delivery], named: str) -> str:
    """Return a query for those of the named numbers that core or a batch of the day knows.

    Parameters
    ----------
    entity : str
        ``customer``, ``order`` or ``product``.
    source : str, optional
        Whose numbers they are; None where it cannot be told, and nothing is known then.
    day : sequence of Delivery
        Batches of the day.
    named : str
        Query with one column ``id``.
    """
    if source is None:
        return "select null::text as id where false"
    table, column = STORED[entity]
    parts = [
        f"select named.id from named where exists (select 1 from {table} as stored "
        f"where stored.source = {literal(source)} and stored.{column} = named.id)"
    ]
    batches = [d for d in day if d.entity == entity and d.source == source]
    if batches:
        parts.append(
            f"select named.id from named where exists (select 1 from {batches[0].table} as landed where landed.{column} = "
            f"named.id and landed.batch_id in ({', '.join(str(d.batch_id) for d in batches)}))"
        )
    return f"with named as materialized ({named}) {' union '.join(parts)}"


def rates_query(day: Sequence[Delivery]) -> str:
    """Return a query for the exchange rates that core or a batch of the day knows: series, and its first date."""
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
