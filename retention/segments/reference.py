"""The reviewed tables of rules and names in ``include/segments``, and their copies in the warehouse."""

from __future__ import annotations

import csv
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.settings import PROJECT_ROOT
from retention.warehouse import RetentionError, Warehouse, load_contract

REFERENCE_DIR = PROJECT_ROOT / "include" / "segments"
REFERENCE_FILES = {
    "segments.label": "labels.csv",
    "segments.rfm_cell": "rfm_cells.csv",
    "segments.service_tier_rule": "service_tiers.csv",
    "segments.tag_rule": "tags.csv",
    "segments.crm_tag_rule": "crm_tags.csv",
}

CRM_EFFECTS = ("tier_at_least", "tier_exactly", "no_promotion", "legal_hold")
TIERS = ("marginal", "ordinary", "potential", "vip")


class ReferenceTableError(RetentionError):
    """A reviewed table has a wrong header, a gap or a value of the wrong type."""


Row = dict[str, str | int | None]


def read_reference(table: str, folder: Path = REFERENCE_DIR) -> list[Row]:
    """Return the rows of one reviewed table, typed as its contract says.

    Raises
    ------
    ReferenceTableError naming file, line and column.
    """
    contract = load_contract(table)
    path = folder / REFERENCE_FILES[table]
    rows: list[Row] = []
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != contract.column_names:
            raise _wrong(path, 1, f"expected the columns {', '.join(contract.column_names)}, found {reader.fieldnames}")
        for record in reader:
            row: Row = {}
            for column in contract.columns:
                value = (record[column.name] or "").strip()
                if not value and column.nullable:
                    row[column.name] = None
                    continue
                if not value:
                    raise _wrong(path, reader.line_num, f"{column.name} is empty")
                if column.type == "integer" and not value.isdigit():
                    raise _wrong(path, reader.line_num, f"{column.name} must be a whole number, found {value!r}")
                row[column.name] = int(value) if column.type == "integer" else value
            rows.append(row)
    _require_total(table, path, rows)
    _require_known_effects(table, path, rows)
    return rows


def sync_reference(warehouse: Warehouse, folder: Path = REFERENCE_DIR) -> None:
    """Make the warehouse's copies of the reviewed tables equal to the files, in one transaction; equal ones stay untouched."""
    with warehouse.begin() as connection:
        for table in REFERENCE_FILES:
            contract, rows = load_contract(table), read_reference(table, folder)
            columns = contract.column_names
            # Two runs of different dates may come here together: the later one waits and finds nothing to do.
            connection.execute(sa.text(f"lock table {table} in share row exclusive mode"))
            wanted = {tuple(row[name] for name in columns) for row in rows}
            found = {tuple(row) for row in connection.execute(sa.text(f"select {', '.join(columns)} from {table}"))}
            if found == wanted:
                continue
            connection.execute(sa.text(f"delete from {table}"))
            insert_rows(connection, table, rows, table)


def insert_rows(connection: Connection, table: str, rows: list[Row], relation: str) -> None:
    """Insert rows of a reviewed table into it, or into a relation of the same columns."""
    columns = load_contract(table).column_names
    names = ", ".join(f":{name}" for name in columns)
    connection.execute(sa.text(f"insert into {relation} ({', '.join(columns)}) values ({names})"), rows)


def _require_total(table: str, path: Path, rows: list[Row]) -> None:
    keys = [tuple(row[name] for name in load_contract(table).primary_key) for row in rows]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _wrong(path, 2 + keys.index(twice), f"{twice} is listed more than once")
    expected = {"segments.rfm_cell": 5**3, "segments.service_tier_rule": 4 * 5}.get(table)
    if expected is not None and len(keys) != expected:
        raise _wrong(
            path, 1, f"expected {expected} rows, one for every combination, found {len(keys)}: a customer would fall through"
        )


def _require_known_effects(table: str, path: Path, rows: list[Row]) -> None:
    """A tag that names no tier, or one that there is not, would silently decide nothing."""
    if table != "segments.crm_tag_rule":
        return
    for line, row in enumerate(rows, start=2):
        effect, tier = row["effect"], row["service_tier"]
        if effect not in CRM_EFFECTS:
            raise _wrong(path, line, f"{effect!r} is no effect; known are {', '.join(CRM_EFFECTS)}")
        if row["crm_tag"] != str(row["crm_tag"]).lower():
            raise _wrong(path, line, f"{row['crm_tag']!r} must be in lower case, as tags are compared")
        wanted = TIERS if str(effect).startswith("tier_") else (None,)
        if tier not in wanted:
            raise _wrong(
                path, line, f"the effect {effect} takes {' or '.join(map(str, wanted))} as service_tier, found {tier!r}"
            )


def _wrong(path: Path, line: int, what: str) -> ReferenceTableError:
    return ReferenceTableError(
        f"include/segments/{path.name} line {line}: {what}. Nothing was published; put the file right and run again.",
        runbook="segment-tables",
    )
