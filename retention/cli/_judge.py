"""Rows that a look has brought, judged by the rules of validation without being landed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retention.cli._shared import open_databases
from retention.quality import relations
from retention.quality.rows import ROW, RowContext, RowRule
from retention.quality.rules import compile_row_rule, is_row_rule
from retention.settings import Settings
from retention.sources import SourceSpec
from retention.sources.spec import contract_of
from retention.warehouse import RetentionError, Warehouse, statement


@dataclass(frozen=True)
class Verdicts:
    """What the rules say about each row of a look."""

    refused: tuple[tuple[str, ...], ...]
    """By row: the rules that would set it aside, as ``rule(column)``."""
    known: tuple[bool | None, ...]
    """By row: whether its customer is known already; None where the row names none."""

    @property
    def rules(self) -> Counter[str]:
        """Rows that each rule would set aside."""
        return Counter(rule for row in self.refused for rule in row)

    @property
    def refused_rows(self) -> int:
        """Rows that any rule would set aside."""
        return sum(bool(row) for row in self.refused)


def judge(
    warehouse: Warehouse, spec: SourceSpec, entity: str, rows: Sequence[Mapping[str, Any]], settings: Settings
) -> Verdicts:
    """Apply the rules on single rows; those that compare rows with other tables need the whole day and are left to it.

    The rows travel as a parameter of one query that reads: nothing is written, not even for the moment.
    """
    contract = contract_of(entity)
    context = RowContext(
        contract=contract,
        base_currency=settings.company.base_currency,
        timezone=settings.company.business_timezone,
    )
    rules: list[RowRule] = []
    for check in contract.checks:
        if is_row_rule(check) and check.severity != "warn" and check.rule not in relations.BUILDERS:
            rule = compile_row_rule(check, context)
            if not rule.joins:
                rules.append(rule)
    text = json.dumps([dict(row) for row in rows])
    verdicts = (
        ", ".join(f"{rule.predicate} as ok_{number}".replace("%", "%%") for number, rule in enumerate(rules))
        or "true as ok_none"
    )
    query = (
        f'select {verdicts} from jsonb_populate_recordset(null::landing."{entity}", %(delivered)s::jsonb) '
        f"with ordinality as {ROW} {context.typed_values().replace('%', '%%')} order by {ROW}.ordinality"
    )
    with warehouse.connect() as connection:
        connection.exec_driver_sql("set transaction read only")
        found = connection.exec_driver_sql(query, {"delivered": text}).all()
        known = _known(connection, spec.source, [row.get("customer_id") for row in rows])
        connection.rollback()
    refused = tuple(tuple(rule.label for rule, fine in zip(rules, row, strict=False) if not fine) for row in found)
    return Verdicts(refused=refused, known=known)


def judge_if_possible(spec: SourceSpec, entity: str, rows: Sequence[Mapping[str, Any]], settings: Settings) -> Verdicts | None:
    """Apply the rules; None where no warehouse answers yet, because a look at a source needs none."""
    try:
        warehouse, _ = open_databases()
        return judge(warehouse, spec, entity, rows, settings)
    except RetentionError:
        return None


def _known(connection: Any, source: str, customer_ids: Sequence[str | None]) -> tuple[bool | None, ...]:
    """Look the customers up: of the source itself if it delivers customers, otherwise of any."""
    rows = connection.execute(
        *statement(
            "select customer_id from pii.source_customer where customer_id = any(:ids) and (source = :source "
            "or not exists (select 1 from pii.source_customer as own where own.source = :source))",
            {"ids": [one for one in customer_ids if one is not None], "source": source},
        )
    ).all()
    there = {row.customer_id for row in rows}
    return tuple(None if one is None else one in there for one in customer_ids)
