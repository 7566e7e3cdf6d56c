"""Sources that deliver whatever they are given, in four forms, read by the product's own extraction."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from retention.settings import IngestSettings, Settings
from retention.sources import SourceSpec, extract, load_specs
from retention.warehouse import Run
from tests.abuse.catalogue import ENTITIES, KEYS

Row = Mapping[str, Any]
FORMS = ("csv", "jsonl", "parquet", "sql")
TOLERANT = Settings(ingest=IngestSettings(quarantine_stop_share=1.0, volume_floor_share=0.0, volume_ceiling_share=0.0))
"""A day of nothing but bad rows is a changed source and stops; here it is the point."""


@dataclass
class Desk:
    """Four sources, one a form, each with all entities under our names."""

    folder: Path
    server_url: str
    """Database in which the SQL source keeps its tables."""
    specs: dict[str, SourceSpec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        described = self.folder / "specs"
        described.mkdir(parents=True)
        for form in FORMS:
            (self.folder / form).mkdir()
            (described / f"{form}.yml").write_text(self._description(form), encoding="utf-8")
        self.specs = {spec.source.removeprefix("abuse_"): spec for spec in load_specs(described)}

    def _description(self, form: str) -> str:
        lines = [f"source: abuse_{form}", f"kind: {'sql' if form == 'sql' else 'files'}", f"connection: ABUSE_{form.upper()}",
                 "timezone: Asia/Shanghai", "entities:"]  # fmt: skip
        for entity in ENTITIES:
            lines += [
                f"  {entity}:",
                f"    key: [{', '.join(KEYS[entity])}]",
                "    columns: same",
                "    expect: {empty_day: ok}",
            ]
            lines += (
                [f"    table: abuse.{entity}"]
                if form == "sql"
                else [f'    path: "{entity}_{{date}}.{form}"', f"    format: {form}"]
            )
        return "\n".join(lines) + "\n"

    def deliver(self, form: str, entity: str, day: date, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Put rows where a source has them; returns them as that form can hold them."""
        held = [{name: _holdable(form, row.get(name)) for name in ENTITIES[entity]} for row in rows]
        path = self.folder / form / f"{entity}_{day.isoformat()}.{form}"
        if form == "csv":
            with path.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerow(ENTITIES[entity])
                writer.writerows(["" if v is None else v for v in row.values()] for row in held)
        elif form == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in held), encoding="utf-8")
        elif form == "parquet":
            columns = {name: pa.array([row[name] for row in held], pa.string()) for name in ENTITIES[entity]}
            pq.write_table(pa.table(columns), path)
        else:
            self._fill_table(entity, held)
        return held

    def _fill_table(self, entity: str, rows: Sequence[Row]) -> None:
        names = ENTITIES[entity]
        table = sql.Identifier("abuse", entity)
        with psycopg.connect(self.server_url) as connection:
            connection.execute("create schema if not exists abuse")
            connection.execute(sql.SQL("drop table if exists {}").format(table))
            columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names)
            connection.execute(sql.SQL("create table {} ({})").format(table, columns))
            with connection.cursor().copy(sql.SQL("copy {} from stdin").format(table)) as copy:
                for row in rows:
                    copy.write_row([row[name] for name in names])

    def extract(self, run: Run, form: str, entity: str) -> dict[str, Any]:
        """Let the product read what was delivered."""
        url = self.server_url if form == "sql" else str(self.folder / form)
        return extract(run, self.specs[form], entity, url)


def _holdable(form: str, value: Any) -> Any:
    """What a form cannot hold at all is not what it delivers: half a character, and in a table NUL."""
    if not isinstance(value, str):
        return value
    if form != "jsonl":
        value = "".join(c for c in value if not "\ud800" <= c <= "\udfff")
    return value.replace("\x00", "") if form == "sql" else value
