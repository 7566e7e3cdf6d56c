"""The reviewed tables of rules and names in ``include/segments``, and their copies in the warehouse."""

from __future__ import annotations

import csv
from pathlib import Path

import sqlalchemy as sa

from retention.settings import PROJECT_ROOT
from retention.warehouse import RetentionError, Warehouse, load_contract

REFERENCE_DIR = PROJECT_ROOT / "include" / "segments"
REFERENCE_FILES = {
    "segments.label": "labels.csv",
    "segments.rfm_cell": "rfm_cells.csv",
    "segments.service_tier_rule": "service_tiers.csv",
}


class ReferenceTableError(RetentionError):
    """A reviewed table has a wrong header, a gap or a value of the wrong type."""


def read_reference(table: str, folder: Path = REFERENCE_DIR) -> list[dict[str, str | int]]:
    """Return the rows of one reviewed table, typed as its contract says.

    Raises
    ------
    ReferenceTableError naming file, line and column.
    """
    contract = load_contract(table)
    path = folder / REFERENCE_FILES[table]
    rows: list[dict[str, str | int]] = []
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != contract.column_names:
            raise _wrong(path, 1, f"expected the columns {', '.join(contract.column_names)}, found {reader.fieldnames}")
        for record in reader:
            row: dict[str, str | int] = {}
            for column in contract.columns:
                value = (record[column.name] or "").strip()
                if not value:
                    raise _wrong(path, reader.line_num, f"{column.name} is empty")
                if column.type == "integer" and not value.isdigit():
                    raise _wrong(path, reader.line_num, f"{column.name} must be a whole number, found {value!r}")
                row[column.name] = int(value) if column.type == "integer" else value
            rows.append(row)
    _require_total(table, path, rows)
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
            names = ", ".join(f":{name}" for name in columns)
            connection.execute(sa.text(f"insert into {table} ({', '.join(columns)}) values ({names})"), rows)


def _require_total(table: str, path: Path, rows: list[dict[str, str | int]]) -> None:
    keys = [tuple(row[name] for name in load_contract(table).primary_key) for row in rows]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _wrong(path, 2 + keys.index(twice), f"{twice} is listed more than once")
    expected = {"segments.rfm_cell": 5**3, "segments.service_tier_rule": 4 * 5}.get(table)
    if expected is not None and len(keys) != expected:
        raise _wrong(
            path, 1, f"expected {expected} rows, one for every combination, found {len(keys)}: a customer would fall through"
        )


def _wrong(path: Path, line: int, what: str) -> ReferenceTableError:
    return ReferenceTableError(
        f"include/segments/{path.name} line {line}: {what}. Nothing was published; put the file right and run again.",
        runbook="segment-tables",
    )
