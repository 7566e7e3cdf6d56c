"""Evaluating the rules of a batch: once per row, into a table of verdicts that holds nothing of the row but its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.context import KnownNumbers, row_context
from retention.quality.deliveries import Delivery
from retention.quality.errors import DoesNotReconcile
from retention.quality.rows import ROW, RowRule
from retention.quality.rules import broken, compile_row_rule, is_row_rule
from retention.warehouse import Check, Contract, Lease
from retention.warehouse.identifiers import literal, quote

_SIDE_BY_SIDE_FROM_ROWS = 50_000


@dataclass(frozen=True)
class Evaluation:
    """The rules of a batch and, unless it is empty, the table of their verdicts.

    Attributes
    ----------
    rules
        The i-th has its verdicts in column ``broken_<i>``.
    table
        ``row_id`` (place of the row in landing), the verdicts, and ``age_<i>``: the age in days for the i-th freshness check.
        None for a batch without rows.
    """

    rules: Sequence[RowRule]
    table: str | None


def fresh_checks(contract: Contract, delivery: Delivery) -> list[Check]:
    """Return the checks on the age of the newest row; none for rows landed again, which are old by nature."""
    return [] if delivery.is_replay else [check for check in contract.checks if check.rule == "freshness"]


@contextmanager
def evaluated(
    held: Lease, delivery: Delivery, contract: Contract, day: Sequence[Delivery], rows: int, has_versions: bool = True
) -> Iterator[Evaluation]:
    """Evaluate every row rule of a contract on the rows of a batch; the tables made for it go at the end.

    Parameters
    ----------
    held : Lease
        Of the validation; its token is part of the names of the tables.
    delivery, contract, day
        The batch, the contract of its landing table, all batches of the day.
    rows : int
        Rows of the batch in landing; each must be judged once.
    has_versions : bool
        Whether several of them may share a key; False saves the search for contradictions.

    Raises
    ------
    DoesNotReconcile when not every row was judged once.
    """
    suffix = f"{delivery.batch_id}__{held.token}"
    known = KnownNumbers(delivery, day, suffix)
    context = row_context(held.run, delivery, contract, day, known, has_versions)
    rules = [compile_row_rule(check, context) for check in contract.checks if is_row_rule(check)]
    if not rows:
        yield Evaluation(rules, None)
        return
    table = f"staging.verdict__{suffix}"
    columns = [f"(({rule.predicate}) is not true)::int::smallint as {broken(i)}" for i, rule in enumerate(rules)]
    columns += _ages(held, contract, delivery)
    joins = " ".join(dict.fromkeys(join for rule in rules for join in rule.joins))
    select = (
        f"select {ROW}.ctid::text as row_id, {', '.join(columns)} "
        f"from {delivery.table} as {ROW} {context.typed_values()} {joins} where {ROW}.batch_id = {delivery.batch_id}"
    )
    made = [table, *(name for name, _ in known.tables())]
    try:
        with held.run.warehouse.begin() as connection:
            for name, query in known.tables():
                _make(connection, name, query)
                connection.exec_driver_sql(f"analyze {name}")
            _make(connection, table, f"{select} and false")
        _fill(held, delivery, table, select, rows)
        yield Evaluation(rules, table)
    finally:
        with held.run.warehouse.begin() as connection:
            connection.exec_driver_sql(f"drop table if exists {', '.join(made)}")


def _ages(held: Lease, contract: Contract, delivery: Delivery) -> list[str]:
    columns = []
    for i, check in enumerate(fresh_checks(contract, delivery)):
        column = f"{ROW}.{quote(check.arguments['column'])}"
        moment = f"case when pg_input_is_valid({column}, 'timestamptz') then {column}::timestamptz end"
        end = f"timestamptz {literal(held.run.as_of.isoformat())}"
        columns.append(f"extract(epoch from {end} - ({moment}))::float8 / 86400 as age_{i}")
    return columns


def _make(connection: Connection, name: str, query: str) -> None:
    # Unlogged: empty after a crash, which is safe because no other attempt ever reads a table of this token.
    connection.exec_driver_sql(f"drop table if exists {name}")
    connection.exec_driver_sql(f"create unlogged table {name} as {query}".replace("%", "%%"))


def _fill(held: Lease, delivery: Delivery, table: str, select: str, rows: int) -> None:
    """Evaluate; a big batch in ranges of pages side by side: rules cost processor time and little else."""
    warehouse, workers = held.run.warehouse, max(1, held.run.settings.ingest.connections)
    ranges = [""]
    if rows >= _SIDE_BY_SIDE_FROM_ROWS and workers > 1:
        with warehouse.connect() as connection:
            ranges = _ranges(connection, delivery, workers)

    def fill(pages: str) -> int:
        with warehouse.begin() as connection:
            connection.exec_driver_sql("set local work_mem = '256MB'")
            # What is joined has been made for this batch and fits in memory. A guess that it holds one row, where it holds
            # as many as the batch, would otherwise compare every row with every other.
            connection.exec_driver_sql("set local enable_nestloop = off")
            connection.exec_driver_sql("set local jit = off")
            return int(connection.exec_driver_sql(f"insert into {table} {select}{pages}".replace("%", "%%")).rowcount)

    with ThreadPoolExecutor(max_workers=len(ranges)) as pool:
        judged = sum(pool.map(fill, ranges))
    if judged != rows:
        # A row that no rule has seen would pass as valid.
        raise DoesNotReconcile(
            f"{delivery.where}: {judged:,} of {rows:,} rows were judged. Nothing published. Validate this date again."
        )


def _ranges(connection: Connection, delivery: Delivery, parts: int) -> list[str]:
    """Cut the pages that a batch lies in into as many ranges as there are connections."""
    first, last = connection.execute(
        sa.text(
            "select (min(ctid)::text::point)[0]::bigint, (max(ctid)::text::point)[0]::bigint "
            f"from {delivery.table} where batch_id = :batch_id"
        ),
        {"batch_id": delivery.batch_id},
    ).one()
    bounds = [first + (last + 1 - first) * part // parts for part in range(parts)] + [last + 1]
    return [
        f" and {ROW}.ctid >= '({low},0)'::tid and {ROW}.ctid < '({high},0)'::tid"
        for low, high in pairwise(bounds)
        if low < high
    ]
