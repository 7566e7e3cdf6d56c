# ruff: noqa: E501 - one list of columns a line
"""The three source systems themselves: two databases loaded by COPY, one folder of exports, and what is held back in each.

Each database has a schema ``held`` with the same tables and a ``release_day``; the exports of days to come wait in a folder
beside the service desk's. Releasing a day copies it over, once.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from psycopg import sql

from retention.samples.company import Rows
from retention.samples.timeline import Timeline
from retention.warehouse import RetentionError

_FOLDER = Path(__file__).parent
TABLES = {
    "crm": ["t_contact", "t_lead", "t_contact_label", "t_permission", "t_recommendation", "t_points_book", "t_membership",
            "t_wallet", "t_mail_event"],
    "sales": ["article", "ticket", "ticket_line", "market_figure"],
}  # fmt: skip
_CHANGED = {"article": "changed_on", "ticket": "changed_on", "ticket_line": "changed_on", "market_figure": "loaded_on"}
EXPORTS = {"complaints": "csv", "surveys": "jsonl", "touches": "parquet", "mentions": "jsonl"}
_COLUMNS = {
    "complaints": ["case_no", "member", "ticket", "via", "topic", "level", "text", "open_time", "ack_time", "reply_time", "solved_time",
                   "goodwill", "rating", "rated_time", "cause", "team", "last_change", "simulated"],
    "surveys": ["id", "member", "survey", "score", "comment", "about", "ref", "at", "simulated"],
    "touches": ["touch_id", "member", "medium", "action", "inbound", "at", "seconds", "topic", "dept", "simulated"],
    "mentions": ["post", "site", "text", "mood", "article", "area", "at", "simulated"],
}  # fmt: skip
_CHUNK = 200_000


class SampleRefused(RetentionError):
    """The sample company would overwrite something that it did not make."""

    runbook = "sample-company"


# -- databases --------------------------------------------------------------------------------------------------------
def database_mark(url: str) -> str | None:
    """Return the mark of the sample company that a database holds; None when it is not, or not completely, there.

    Raises
    ------
    SampleRefused when the database holds tables that the sample company did not make.
    """
    with psycopg.connect(_libpq(url), connect_timeout=10) as connection:
        if connection.execute("select to_regclass('held.sample_company')").fetchone() == (None,):
            row = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
            if row and row[0]:
                raise SampleRefused(
                    f"the database {connection.info.dbname} holds {row[0]} tables that are not the sample company's. Nothing was changed. "
                    "Give the sample company an empty database, or leave it out: it is for trying things only."
                )
            return None
        found = connection.execute("select mark from held.sample_company where is_complete").fetchone()
        return None if found is None else str(found[0])


def load_database(url: str, name: str, tables: Mapping[str, Rows], mark: str) -> dict[str, int]:
    """Make the tables of one system and fill them, in one transaction.

    Returns
    -------
    Rows by table, those held back not counted.
    """
    ddl = (_FOLDER / f"source_{name}.sql").read_text(encoding="utf-8")
    counts = {}
    with psycopg.connect(_libpq(url), connect_timeout=10) as connection, connection.cursor() as cursor:
        cursor.execute("drop schema if exists held cascade")
        for table in TABLES[name]:
            cursor.execute(sql.SQL("drop table if exists public.{}").format(sql.Identifier(table)))
        cursor.execute("create schema held")
        cursor.execute("create table held.sample_company (mark text not null, is_complete boolean not null)")
        cursor.execute("create table held.released_day (release_day date primary key)")
        cursor.execute("set search_path = public")
        cursor.execute(ddl.encode())
        for table in TABLES[name]:
            key = _drop_key(cursor, table)
            columns = _columns_of(cursor, table)
            target = sql.Identifier("public", table)
            counts[table] = _copy(cursor, target, columns, tables[table].first)
            cursor.execute(sql.SQL("alter table {} add primary key ({})").format(target, _names(key)))
            changed = sql.Identifier(_CHANGED.get(table, "modified_on"))
            cursor.execute(sql.SQL("create index on {} ({})").format(target, changed))
            held = sql.Identifier("held", table)
            cursor.execute(sql.SQL("create table {} (like {}, release_day date not null)").format(held, target))
            for column in key:
                cursor.execute(sql.SQL("alter table {} alter column {} drop not null").format(held, sql.Identifier(column)))
            _copy(cursor, held, [*columns, "release_day"], tables[table].held)
            cursor.execute(sql.SQL("create index on {} (release_day)").format(held))
        cursor.execute("insert into held.sample_company values (%s, true)", (mark,))
    with psycopg.connect(_libpq(url), autocommit=True) as connection:
        connection.execute("analyze")
    return counts


def release_database(url: str, name: str, days: list[date]) -> dict[date, int]:
    """Release days of one database: each in a transaction of its own, each at most once.

    Returns
    -------
    Rows by day, for the days that were not released before.
    """
    released = {}
    with psycopg.connect(_libpq(url), connect_timeout=10) as connection:
        for day in days:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute("insert into held.released_day values (%s) on conflict do nothing", (day,))
                if cursor.rowcount == 0:
                    continue
                released[day] = sum(_release_table(cursor, table, day) for table in TABLES[name])
    return released


def _release_table(cursor: psycopg.Cursor[tuple[object, ...]], table: str, day: date) -> int:
    columns, key = _columns_of(cursor, table), _key_of(cursor, table)
    updates = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column)) for column in columns if column not in key
    )
    cursor.execute(
        sql.SQL(
            "insert into public.{table} ({columns}) select {columns} from held.{table} where release_day = %s "
            "on conflict ({key}) do update set {updates}"
        ).format(table=sql.Identifier(table), columns=_names(columns), key=_names(key), updates=updates),
        (day,),
    )
    return cursor.rowcount


def _copy(cursor: psycopg.Cursor[tuple[object, ...]], target: sql.Composable, columns: list[str], frame: pd.DataFrame) -> int:
    """Load a frame by COPY; the server reads the types, Arrow writes the text."""
    present = [column for column in columns if column in frame.columns]
    statement = sql.SQL("copy {} ({}) from stdin with (format csv)").format(target, _names(present))
    with cursor.copy(statement) as copy:
        for start in range(0, len(frame), _CHUNK):
            rows = frame.iloc[start : start + _CHUNK][present]
            buffer = io.BytesIO()
            pacsv.write_csv(_table(rows), buffer, pacsv.WriteOptions(include_header=False))
            copy.write(buffer.getvalue())
    return len(frame)


def _table(rows: pd.DataFrame) -> pa.Table:
    columns = {}
    for name in rows.columns:
        values = rows[name]
        if values.dtype == object:
            # Mixed columns (a poison row in a column of numbers or times) are written as text.
            kinds = {type(value) for value in values if not pd.isna(value)}
            if len(kinds) > 1:
                texts = [None if pd.isna(value) else str(value) for value in values]
                values = pd.Series(texts, index=values.index, dtype=object)
        if str(values.dtype).startswith("float") and name in _WHOLE:
            values = values.astype("Int64")
        columns[name] = pa.Array.from_pandas(values)
    return pa.table(columns)


_WHOLE = {"stock", "store_no", "plan_article", "points", "id", "touch_id", "entry_no", "event_no"}
"""Whole numbers that a missing value somewhere has turned into floats."""


def _columns_of(cursor: psycopg.Cursor[tuple[object, ...]], table: str) -> list[str]:
    cursor.execute(
        "select column_name from information_schema.columns where table_schema = 'public' and table_name = %s order by ordinal_position",
        (table,),
    )
    return [str(row[0]) for row in cursor.fetchall()]


def _key_of(cursor: psycopg.Cursor[tuple[object, ...]], table: str) -> list[str]:
    cursor.execute(
        "select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey) "
        "where indisprimary and indrelid = to_regclass(%s)",
        (f"public.{table}",),
    )
    return [str(row[0]) for row in cursor.fetchall()]


def _drop_key(cursor: psycopg.Cursor[tuple[object, ...]], table: str) -> list[str]:
    """Take the primary key off for the time of loading; return its columns."""
    key = _key_of(cursor, table)
    cursor.execute(
        sql.SQL("alter table public.{} drop constraint {}").format(sql.Identifier(table), sql.Identifier(f"{table}_pkey"))
    )
    return key


def _names(columns: list[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _libpq(url: str) -> str:
    """Return a URL that libpq reads, whatever driver SQLAlchemy was told."""
    scheme, separator, rest = url.partition("://")
    if not scheme.startswith("postgresql"):
        raise SampleRefused("the sample company's CRM and sales system need PostgreSQL databases. Nothing was changed.")
    return f"postgresql{separator}{rest}"


# -- exports ----------------------------------------------------------------------------------------------------------
def write_exports(folder: Path, held: Path, exports: Mapping[str, Rows], timeline: Timeline) -> dict[str, int]:
    """Write the first, full export of the service desk, and those of the held days where nobody looks yet."""
    counts = {}
    for name, rows in exports.items():
        _write_export(folder, name, timeline.last_released, rows.first)
        for day in timeline.held_days:
            _write_export(held, name, day, rows.held[rows.held["release_day"] == day])
        counts[name] = len(rows.first)
    return counts


def release_exports(folder: Path, held: Path, days: list[date]) -> dict[date, int]:
    """Release the exports of some days; a file that is already there stays as it is.

    Returns
    -------
    Files by day, for the days that were not released before.
    """
    released: dict[date, int] = {}
    for day in days:
        for name in EXPORTS:
            source, target = _export_path(held, name, day), _export_path(folder, name, day)
            if target.exists():
                continue
            _put(target, source.read_bytes())
            released[day] = released.get(day, 0) + 1
    return released


def _export_path(folder: Path, name: str, day: date) -> Path:
    return folder / name / f"{name}_{day.isoformat()}.{EXPORTS[name]}"


def _write_export(folder: Path, name: str, day: date, frame: pd.DataFrame) -> None:
    rows, buffer = frame[_COLUMNS[name]], io.BytesIO()
    if name == "complaints":
        # As the old service desk writes it: semicolons, day before month, Chinese encoding.
        text = rows.assign(
            **{column: _day_first(rows[column]) for column in rows.columns if column.endswith(("_time", "_change"))}
        )
        buffer.write(text.to_csv(index=False, sep=";").encode("gb18030"))
    elif name == "touches":
        typed = rows.assign(at=rows["at"].dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC"))
        pq.write_table(_touches_table(typed), buffer, compression="zstd")
    else:
        lines = rows.copy()
        if name == "surveys":
            seconds = (
                lines["at"].dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC").astype("datetime64[ms, UTC]").astype("int64")
            )
            lines["at"] = seconds
            lines["score"] = [int(score) if isinstance(score, float) else score for score in lines["score"]]
        else:
            lines["at"] = lines["at"].dt.strftime("%Y-%m-%d %H:%M:%S")
        if len(lines):
            buffer.write(lines.to_json(orient="records", lines=True, force_ascii=False).encode())
    _put(_export_path(folder, name, day), buffer.getvalue())


def _day_first(values: pd.Series) -> pd.Series:
    written = pd.to_datetime(values, errors="coerce").dt.strftime("%d/%m/%Y %H:%M:%S").astype(object)
    return written.where(written.notna(), values.where(values.map(lambda value: isinstance(value, str)), None))


def _touches_table(rows: pd.DataFrame) -> pa.Table:
    schema = pa.schema(
        [("touch_id", pa.int64()), ("member", pa.string()), ("medium", pa.string()), ("action", pa.string()), ("inbound", pa.bool_()),
         ("at", pa.timestamp("us", "UTC")), ("seconds", pa.int32()), ("topic", pa.string()), ("dept", pa.string()), ("simulated", pa.bool_())]
    )  # fmt: skip
    whole = rows.assign(seconds=rows["seconds"].astype("Int32"), inbound=rows["inbound"].astype("boolean"))
    return pa.Table.from_pandas(whole, schema=schema, preserve_index=False)


def _put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a reader never sees half an export."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
