"""What other thresholds would move, before anybody changes them: today's features and scores under other settings.

Nothing is written: the groups are computed into temporary tables of a transaction that the database itself keeps read-only, and
that is rolled back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.features import FEATURE_TABLES, require_published
from retention.segments.assign import READS_OF_THE_SAME_DATE, SCORE_TABLES, SEGMENT_TABLES, reading, table_query
from retention.segments.binds import segment_binds
from retention.segments.reference import REFERENCE_DIR, REFERENCE_FILES, insert_rows, read_reference
from retention.settings import Settings
from retention.warehouse import Warehouse, load_contract, sql_file, statement

GROUPS = ("value", "lifecycle", "membership")
"""Groups of settings that segments rest on."""

COST_DAYS = 90
_RECOMPUTED = ("segments.rfm", "segments.value_matrix", "segments.tier", "segments.lifecycle", "segments.membership")
_RULES = ("segments.rfm_cell", "segments.service_tier_rule")


@dataclass(frozen=True)
class Movement:
    """Customers of one group before who are in one group after; who stays is a movement too.

    ``settled`` counts them once the days of grace are over, ``next_run`` at the next run. Money is that of the settled ones:
    net revenue of 365 days, predicted value, and what contacting them has cost in ``COST_DAYS`` days.
    """

    dimension: str
    from_member: str
    to_member: str
    settled: int
    next_run: int
    net_minor: int
    predicted_minor: int
    cost_minor: int


@dataclass(frozen=True)
class WhatIf:
    """What a change of settings would do."""

    as_of_date: date
    changes: tuple[str, ...]
    movements: tuple[Movement, ...]

    def movers(self, dimension: str) -> list[Movement]:
        """Return the movements of a dimension in which somebody changes groups."""
        return [one for one in self.movements if one.dimension == dimension and one.from_member != one.to_member]

    def customers(self, dimension: str) -> int:
        """Return how many customers were compared."""
        return sum(one.settled for one in self.movements if one.dimension == dimension)

    def contact_cost_change(self, dimension: str = "tier") -> tuple[float, int] | None:
        """How contact cost of ``COST_DAYS`` days would change if a mover costs what customers of the new group have cost.

        Returns
        -------
        (change, cost so far) in minor units; None where nothing was spent yet, so that nothing is known.
        """
        cost, count = dict[str, int](), dict[str, int]()
        for one in self.movements:
            if one.dimension == dimension:
                cost[one.from_member] = cost.get(one.from_member, 0) + one.cost_minor
                count[one.from_member] = count.get(one.from_member, 0) + one.settled
        total = sum(cost.values())
        if total == 0:
            return None
        mean = {name: cost[name] / count[name] if count[name] else 0.0 for name in cost}
        # A group that has nobody today has cost nothing that could be told from it: its movers are taken to cost what they did.
        change = sum(
            one.settled * (mean[one.to_member] - mean[one.from_member])
            for one in self.movers(dimension)
            if count.get(one.to_member)
        )
        return change, total


def what_if(warehouse: Warehouse, as_of_date: date, present: Settings, proposed: Settings, rules: Path | None = None) -> WhatIf:
    """Compute the groups of a date under present and proposed settings and compare them customer by customer.

    Parameters
    ----------
    as_of_date : the date; its features, scores and segments must be published.
    rules : folder with proposed versions of the tables in ``include/segments``; the files that are not there stay as they are.

    Raises
    ------
    MissingSlice when something of the date was not published.
    SettingsError, ReferenceTableError when the proposed settings or tables are wrong.
    """
    require_published(warehouse, [*FEATURE_TABLES, *SCORE_TABLES, *SEGMENT_TABLES], as_of_date)
    common: dict[str, Any] = {
        "as_of_date": as_of_date,
        "as_of": present.day_start(as_of_date),
        "business_date": as_of_date - timedelta(days=1),
    }
    before, after = ({**common, **segment_binds(settings)} for settings in (present, proposed))
    with warehouse.connect() as connection:
        try:
            for scenario in ("before", "after", "next"):
                for table in _RECOMPUTED:
                    _make(connection, _name(scenario, table), table)
            shadow = {}
            for table in _RULES if rules is not None else ():
                shadow[table] = f"pg_temp.proposed_{load_contract(table).name}"
                _make(connection, shadow[table], table)
            # From here on the database refuses to write anything but temporary tables.
            connection.exec_driver_sql("set transaction read only")
            for table, relation in shadow.items():
                insert_rows(connection, table, read_reference(table, _folder(rules, table)), relation)
            _compute(connection, "before", {**before, "previous_date": None}, {})
            _compute(connection, "after", {**after, "previous_date": None}, shadow)
            # Held today and judged again tomorrow, if nothing but the settings changed.
            _compute(connection, "next", {**after, "previous_date": as_of_date}, shadow)
            sql = sql_file("segments/_what_if")
            for scenario in ("before", "after", "next"):
                sql = reading(sql, {f"{scenario}_{load_contract(table).name}": _name(scenario, table) for table in _RECOMPUTED})
            found = connection.execute(*statement(sql, {**common, "cost_days": COST_DAYS})).mappings().all()
        finally:
            connection.rollback()
    return WhatIf(as_of_date, tuple(changes(present, proposed, rules)), tuple(Movement(**row) for row in found))


def changes(present: Settings, proposed: Settings, rules: Path | None = None) -> list[str]:
    """Return what differs, as ``value.potential_value_quantile 0.7 -> 0.75``."""
    found = []
    for group in GROUPS:
        before, after = getattr(present, group), getattr(proposed, group)
        for field in dataclasses.fields(before):
            old, new = getattr(before, field.name), getattr(after, field.name)
            if old != new:
                found.append(f"{group}.{field.name} {_words(old)} -> {_words(new)}")
    if rules is not None:
        found += [f"rules in {path.name}" for path in sorted(rules.glob("*.csv"))]
    return found


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{level.name} from {level.from_spend}" for level in value)
    return str(value)


def _name(scenario: str, table: str) -> str:
    return f"pg_temp.{scenario}_{load_contract(table).name}"


def _make(connection: Connection, name: str, table: str) -> None:
    connection.exec_driver_sql(f"create temporary table {name.removeprefix('pg_temp.')} (like {table} including defaults)")


def _folder(rules: Path | None, table: str) -> Path:
    return rules if rules is not None and (rules / REFERENCE_FILES[table]).exists() else REFERENCE_DIR


def _compute(connection: Connection, scenario: str, binds: Mapping[str, Any], rules: Mapping[str, str]) -> None:
    for table in _RECOMPUTED:
        sql, own = table_query(table)
        same_date = [name for name in READS_OF_THE_SAME_DATE.get(table, ()) if name in _RECOMPUTED]
        sql = reading(sql, {**rules, **{name: _name(scenario, name) for name in same_date}})
        columns = ", ".join(load_contract(table).column_names)
        insert = f"insert into {_name(scenario, table)} ({columns}) select {columns} from ({sql}) as slice"
        connection.execute(*statement(insert, {**binds, **own}))
        connection.execute(sa.text(f"analyze {_name(scenario, table)}"))
