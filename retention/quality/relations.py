"""Rules about other rows: one version of a key, customers, orders and products that exist, rates that are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.quality.rows import ROW, Builder, Built, RowContext, filled, ref, typed
from retention.warehouse import ContractError
from retention.warehouse.identifiers import literal, quote

_Arguments = Mapping[str, Any]


def _unique_version(arguments: _Arguments, context: RowContext) -> Built:
    key = [str(c) for c in arguments["columns"]]
    columns = [*key, "updated_at"] if "updated_at" not in key else key
    chosen = ", ".join(quote(c) for c in columns)
    join = (
        f"left join (select {chosen} from {context.versions} as versions group by {chosen} having count(*) > 1) as twice on "
        + " and ".join(f"twice.{quote(c)} is not distinct from {ROW}.{quote(c)}" for c in columns[1:])
        + (" and " if len(columns) > 1 else "")
        + f"twice.{quote(columns[0])} = {ROW}.{quote(columns[0])}"
    )
    return (
        f"twice.{quote(columns[0])} is null",
        f"{', '.join(key)} must not be delivered twice with different values for one updated_at",
        (join,),
    )


def _known(entity: str) -> Builder:
    def build(arguments: _Arguments, context: RowContext) -> Built:
        column = arguments["column"]
        if context.known is None:
            raise ContractError(f"{context.contract.table}: known_{entity} works on deliveries only.")
        alias = f"known_{column}"
        join = f"left join {context.known(entity, column)} as {alias} on {alias}.id = {ROW}.{quote(column)}"
        return f"{filled(context, column)} is null or {alias}.id is not null", f"{column} must be a known {entity}", (join,)

    return build


def _known_rate(arguments: _Arguments, context: RowContext) -> Built:
    column, at = arguments["column"], arguments["at"]
    code, moment = filled(context, column), typed(context, at, "timestamptz")
    series = f"'fx.' || btrim({ref(context, column)}) || '.{context.base_currency}'"
    join = f"left join ({context.rates}) as rate on rate.series = {series}"
    # A text date is read in the session's zone (UTC): at most a day early, where the rate of the day before serves as well.
    day = f"({moment} at time zone {literal(context.timezone)})::date"
    home = f"{code} is null or {code} = {literal(context.base_currency)} or {moment} is null"
    predicate = f"{home} or coalesce({day} >= rate.first_date, false)"
    return predicate, f"{column} must have an exchange rate at or before {at}", (join,)


def _references(arguments: _Arguments, context: RowContext) -> Built:
    columns = arguments.get("columns") or [arguments["column"]]
    schema, _, table = str(arguments["table"]).partition(".")
    theirs = arguments.get("to") or arguments.get("references") or columns
    theirs = [theirs] if isinstance(theirs, str) else list(theirs)
    on = " and ".join(f"target.{quote(t)} = {ref(context, c)}" for t, c in zip(theirs, columns, strict=True))
    absent = " or ".join(f"{ref(context, c)} is null" for c in columns)
    return (
        f"{absent} or exists (select 1 from {schema}.{quote(table)} as target where {on})",
        f"{', '.join(columns)} must exist in {schema}.{table}",
        (),
    )


BUILDERS: dict[str, Builder] = {
    "unique_version": _unique_version,
    "known_customer": _known("customer"),
    "known_order": _known("order"),
    "known_product": _known("product"),
    "known_rate": _known_rate,
    "references": _references,
}
"""The rules of this module by the name that contracts use."""

REFERENCES = {"known_customer": "customer", "known_order": "order", "known_product": "product"}
"""Rules that a row breaks only until what it names arrives, and the entity that it waits for."""
