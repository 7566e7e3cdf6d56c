"""docs/bi-columns.csv: names and types of the views for BI tools, as they were published.

What is new is added at its place; what is in the list stays in it. A column that was taken away or changed its type is found by
the test that compares the list with the contracts, and stays named here until somebody takes it out by hand and says so in
CHANGELOG.md.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from retention.warehouse import all_contracts

PATH = Path(__file__).resolve().parents[1] / "bi-columns.csv"
READ_AS_TABLES = ("bi.kpi_definition", "bi.setting")
"""Tables that BI tools read as they are."""


def current() -> dict[tuple[str, str], str]:
    """Return the type of every column that BI tools see, by view and name, in order."""
    return {
        (contract.table, column.name): column.type
        for contract in all_contracts().values()
        if contract.schema == "bi" and (contract.kind == "view" or contract.table in READ_AS_TABLES)
        for column in contract.columns
    }


def published(text: str | None = None) -> dict[tuple[str, str], str]:
    """Return the list as it is written down; empty where there is none yet."""
    if text is None:
        text = PATH.read_text(encoding="utf-8") if PATH.exists() else "view,column,type\n"
    return {(row["view"], row["column"]): row["type"] for row in csv.DictReader(io.StringIO(text))}


def page() -> str:
    """Return the list with what is new: nothing that was published leaves it or changes its type by itself."""
    listed, now = published(), current()
    gone = [key for key in listed if key not in now]
    lines = [(*key, listed.get(key, type_name)) for key, type_name in now.items()] + [(*key, listed[key]) for key in gone]
    order = {key: place for place, key in enumerate(now)}
    lines.sort(key=lambda line: (line[0], order.get((line[0], line[1]), len(order))))
    return "view,column,type\n" + "".join(f"{','.join(line)}\n" for line in lines)


def changed(listed: dict[tuple[str, str], str], now: dict[tuple[str, str], str]) -> list[str]:
    """Return what readers would miss, as ``bi.view.column``: taken away, or of another type."""
    return [f"{view}.{column}" for (view, column), type_name in listed.items() if now.get((view, column)) != type_name]
