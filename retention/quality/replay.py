"""Quarantine: repair, discard and replay refused rows. Nothing is deleted, so nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection

from retention.quality.duplicates import value_columns
from retention.quality.errors import CheckFailed
from retention.quality.landing_again import land_again
from retention.sources.families import contract_types
from retention.sources.times import with_offset
from retention.warehouse import Run, lease, load_contract

ANY_VALUE = "*"
"""In a mapping of repairs: every value that the mapping does not name."""


@dataclass(frozen=True)
class Selection:
    """Which refused rows are meant; None means any.

    ``rule`` is the name of a rule that refused the row, as first or as one of several; ``column`` one of its columns.
    """

    source: str | None = None
    entity: str | None = None
    rule: str | None = None
    column: str | None = None
    ids: Sequence[int] | None = None

    def binds(self, states: Sequence[str]) -> dict[str, Any]:
        """Return the binds of :data:`_CHOSEN`."""
        return {
            "states": list(states),
            "source": self.source,
            "entity": self.entity,
            "rule": self.rule,
            "column": f"({self.column})" if self.column else None,
            "ids": None if self.ids is None else list(self.ids),
        }


# A row is told by each of the rules that refused it, e.g. in_set(channel).
_CHOSEN = (
    "state = any(:states) and (cast(:source as text) is null or source = :source) "
    "and (cast(:entity as text) is null or entity = :entity) "
    "and (cast(:ids as bigint[]) is null or quarantine_id = any(cast(:ids as bigint[]))) "
    "and exists (select 1 from unnest(rules) as broken (label) "
    "where (cast(:rule as text) is null or split_part(broken.label, '(', 1) = :rule) "
    "and (cast(:column as text) is null or right(broken.label, length(:column)) = :column))"
)


def repair(run: Run, quarantine_id: int, values: Mapping[str, str | None]) -> None:
    """Change values of a refused row and mark it ``fixed``, to be replayed. Times without an offset are in the company's zone.

    Raises
    ------
    CheckFailed when there is no such open row, or its entity has no such column.
    """
    with run.warehouse.begin() as connection:
        entity = connection.execute(
            sa.text(
                'select entity from quarantine."row" where quarantine_id = :quarantine_id and state in '
                "('open', 'fixed') for update"
            ),
            {"quarantine_id": quarantine_id},
        ).scalar_one_or_none()
        if entity is None:
            raise CheckFailed(
                f"quarantine.row {quarantine_id}: no open row of this number. Nothing changed.", runbook="quarantine"
            )
        _refuse_unknown_columns(f"quarantine.row {quarantine_id}", entity, values)
        connection.execute(
            sa.text(
                'update quarantine."row" set "row" = "row" || :values, state = \'fixed\', changed_at = clock_timestamp() '
                "where quarantine_id = :quarantine_id"
            ).bindparams(sa.bindparam("values", type_=JSONB)),
            {
                "values": {column: _with_offset(run, [entity], column, value) for column, value in values.items()},
                "quarantine_id": quarantine_id,
            },
        )


def repair_all(run: Run, chosen: Selection, column: str, mapping: Mapping[str, str | None]) -> dict[str, int]:
    """Replace values of one column in every refused row that is chosen and holds one of them; mark those rows ``fixed``.

    Parameters
    ----------
    run : Run
        Who repairs.
    chosen : Selection
        Must name an entity or a rule: repairing everything at once is nobody's intention.
    column : str
        The column to repair.
    mapping : mapping
        New value by value found; ``*`` stands for all others, the empty text for none given; None clears the value.

    Returns
    -------
    Rows repaired by ``source.entity``.

    Raises
    ------
    CheckFailed when nothing was chosen, or an entity chosen has no such column.
    """
    if chosen.entity is None and chosen.rule is None and chosen.ids is None:
        raise CheckFailed("quarantine: name a rule or an entity to repair many rows. Nothing changed.", runbook="quarantine")
    binds = chosen.binds(("open", "fixed"))
    repaired: dict[str, int] = {}
    with run.warehouse.begin() as connection:
        entities = (
            connection.execute(sa.text(f'select distinct entity from quarantine."row" where {_CHOSEN} order by entity'), binds)
            .scalars()
            .all()
        )
        for entity in entities:
            _refuse_unknown_columns("quarantine", entity, [column])
        mapping = {old: _with_offset(run, entities, column, new) for old, new in mapping.items()}
        found = "coalesce(\"row\" ->> cast(:repaired as text), '')"
        others = ANY_VALUE in mapping
        rows = connection.execute(
            sa.text(
                'update quarantine."row" set "row" = "row" || jsonb_build_object(cast(:repaired as text), '
                f"case when jsonb_exists(:mapping, {found}) then :mapping -> {found} else :mapping -> '{ANY_VALUE}' end), "
                f"state = 'fixed', changed_at = clock_timestamp() where {_CHOSEN} "
                f"and (:others or jsonb_exists(:mapping, {found})) "
                "returning source, entity"
            ).bindparams(sa.bindparam("mapping", type_=JSONB)),
            {**binds, "repaired": column, "mapping": dict(mapping), "others": others},
        )
        for source, entity in rows:
            name = f"{source}.{entity}"
            repaired[name] = repaired.get(name, 0) + 1
    return dict(sorted(repaired.items()))


def _refuse_unknown_columns(where: str, entity: str, columns: Sequence[str] | Mapping[str, Any]) -> None:
    unknown = sorted(set(columns) - set(value_columns(load_contract(f"landing.{entity}"))))
    if unknown:
        raise CheckFailed(f"{where}: {entity} has no column {', '.join(unknown)}. Nothing changed.", runbook="quarantine")


def _with_offset(run: Run, entities: Sequence[str], column: str, value: str | None) -> str | None:
    """Give a time that somebody types without an offset that of the company: to the database it would be one of UTC."""
    if value is None or any(contract_types(entity).get(column) != "timestamptz" for entity in entities):
        return value
    zone = run.settings.company.business_timezone
    return str(with_offset(pa.array([value], pa.string()), zone)[0].as_py())


def discard(run: Run, quarantine_ids: Sequence[int]) -> int:
    """Mark refused rows as never to be replayed; they stay until their time is over.

    Returns
    -------
    Rows marked.
    """
    with run.warehouse.begin() as connection:
        return connection.execute(
            sa.text(
                "update quarantine.\"row\" set state = 'discarded', changed_at = clock_timestamp() "
                "where quarantine_id = any(:ids) and state in ('open', 'fixed')"
            ),
            {"ids": list(quarantine_ids)},
        ).rowcount


def replay(
    run: Run,
    *,
    source: str | None = None,
    entity: str | None = None,
    rule: str | None = None,
    column: str | None = None,
    only_fixed: bool = False,
    ids: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Land refused rows again, as new batches of the run's business date.

    The rows go through validation like any others: whatever is still wrong comes back to quarantine as a new row that names
    its first refusal. Rows refused for an unknown customer, order or product need no repair once that has been delivered.

    Parameters
    ----------
    run : Run
        The business date that the new batches belong to.
    source, entity, rule, column : str, optional
        Only refused rows of these.
    only_fixed : bool
        Leave rows alone that nobody repaired.
    ids : sequence of int, optional
        Only these rows.

    Returns
    -------
    Rows landed by ``source.entity``.
    """
    landed: dict[str, Any] = {}
    binds = Selection(source, entity, rule, column, ids).binds(["fixed"] if only_fixed else ["open", "fixed"])
    with lease(run, "quarantine", "*") as held, held.publishing() as connection:
        groups = connection.execute(
            sa.text(
                'select source, entity, array_agg(quarantine_id order by quarantine_id) from quarantine."row" '
                f"where {_CHOSEN} group by source, entity order by source, entity"
            ),
            binds,
        ).all()
        for group_source, group_entity, group_ids in groups:
            if rows := land_again(connection, run, group_source, group_entity, group_ids):
                landed[f"{group_source}.{group_entity}"] = rows
        held.counts.update(landed)
    return landed


@dataclass(frozen=True)
class Outcome:
    """What became of one replayed row; ``again`` is the number and ``rules`` the rules of its new refusal."""

    quarantine_id: int
    where: str
    outcome: str
    again: int | None
    rules: Sequence[str]


def outcomes(connection: Connection, run: Run) -> list[Outcome]:
    """Return what became of the rows that this run's id has landed again; ``waiting`` until their batch is validated."""
    rows = connection.execute(
        sa.text(
            "select replayed.quarantine_id, replayed.source || '.' || replayed.entity as place, "
            "coalesce(replayed.outcome, 'waiting') as outcome, again.quarantine_id as again, again.rules "
            'from quarantine."row" as replayed inner join ops.batch as batch on batch.batch_id = replayed.replayed_in '
            'left join quarantine."row" as again on again.batch_id = replayed.replayed_in '
            "and again.first_quarantine_id = coalesce(replayed.first_quarantine_id, replayed.quarantine_id) "
            "where batch.run_id = :run_id order by replayed.quarantine_id"
        ),
        {"run_id": run.attempt.run_id},
    )
    return [Outcome(row.quarantine_id, row.place, row.outcome, row.again, row.rules or ()) for row in rows]
