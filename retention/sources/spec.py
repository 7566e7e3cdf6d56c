"""Descriptions of sources: one YAML file says what to read and how its names map to ours."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jsonschema
import yaml

from retention.sources.errors import SpecError
from retention.warehouse import Contract, all_contracts
from retention.yaml_text import load_yaml

LANDING_COLUMNS = ("batch_id", "position", "file")
"""Columns of every landing table that say where a row came from; the rest are the entity's own."""


_OF_CURSORS = ("cursor", "cursor_type", "overlap_minutes", "overlap_rows")
_FEED = ("table", "query", "key", "deleted_at", "cursor_type")


@dataclass(frozen=True)
class ColumnMap:
    """How one of our columns is filled: from one column, from several joined, or with a constant."""

    source: str | None = None
    join: tuple[str, ...] = ()
    separator: str = " "
    constant: str | None = None
    values: Mapping[str, str | None] = field(default_factory=dict)
    """The source's codes and ours."""
    unknown: str = "judge"
    """What becomes of a code that ``values`` does not name: ``judge`` leaves it for validation, ``null`` drops it, ``warn``
    keeps and notes it, ``stop`` ends the extraction, ``other`` writes ``other``."""
    format: str | tuple[str, ...] | None = None
    """How a text time is written; of several formats the first that fits a value."""
    decimal: str | None = None
    """Decimal sign of a number written as text: ``.`` or ``,``; the other one then groups thousands. Where none is named, it
    is a point, and a comma groups only where nothing else can be meant (``1,234.50``)."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the source's columns that are needed."""
        return (self.source,) if self.source is not None else self.join


@dataclass(frozen=True)
class Expect:
    """What a delivery must bring to be believed."""

    min_rows_first: int | None = None
    empty_day: str = "stop"
    missing_file: str = "stop"

    @property
    def first_rows(self) -> int:
        """Rows the first, full load must bring: one, unless said otherwise or empty days are fine."""
        if self.min_rows_first is not None:
            return self.min_rows_first
        return 1 if self.empty_day == "stop" else 0


@dataclass(frozen=True)
class EntitySpec:
    """Where the rows of one entity come from."""

    entity: str
    key: tuple[str, ...]
    columns: Mapping[str, ColumnMap] | None
    """By our name; None where the source uses our names already."""
    mode: str = "incremental"
    """``incremental``: what changed since the last published day. ``full``: everything, every day; what is missing stays.
    ``snapshot``: everything, every day, compared with what was published before; what is missing was deleted."""
    table: str | None = None
    query: str | None = None
    path: str | None = None
    format: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    sheet: str | None = None
    """Of a workbook; its first one where none is named."""
    records: str = ""
    """Path to the list of records inside a JSON document (``data.items``); empty: the document itself."""
    settle_seconds: int = 0
    """Files younger than this wait for the next run: their sender may still be writing."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """How a REST source is asked for the entity, as described."""
    deletions: Mapping[str, Any] | None = None
    """Where the source tells which rows it deleted, as described; None where it tells by a column, or not at all."""
    cursor: str | None = None
    cursor_type: str = "timestamp"
    overlap_minutes: int = 0
    overlap_rows: int = 0
    """How far below the greatest value published an ``integer`` cursor reads again."""
    expect: Expect = field(default_factory=Expect)

    @property
    def where(self) -> str:
        """Name of what is read, for messages."""
        return self.table or self.path or str(self.request.get("path") or self.request.get("object") or "query")

    @property
    def keeps_rows(self) -> bool:
        """Whether the last published state of every row is kept, because a deletion tells no more than a key."""
        return self.mode == "snapshot" or self.deletions is not None


@dataclass(frozen=True)
class SourceSpec:
    """One source system."""

    source: str
    kind: str
    connection: str
    timezone: str
    entities: Mapping[str, EntitySpec]
    file: Path
    api: Mapping[str, Any] = field(default_factory=dict)
    """How a REST source is spoken to, as described: login, pages, limits."""

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of times without an offset."""
        return ZoneInfo(self.timezone)


def contract_of(entity: str) -> Contract:
    """Return the contract of the table that an entity lands in."""
    return all_contracts()[f"landing.{entity}"]


def canonical_columns(entity: str) -> tuple[str, ...]:
    """Return our columns of an entity, in the order of its landing table."""
    return tuple(name for name in contract_of(entity).column_names if name not in LANDING_COLUMNS)


def natural_key(entity: str) -> tuple[str, ...]:
    """Return our columns that tell the rows of an entity apart, by its contract."""
    for check in contract_of(entity).checks:
        if check.rule == "unique_version":
            return tuple(str(column) for column in check.arguments["columns"])
    raise ValueError(f"landing.{entity} has no unique_version check, so its rows cannot be told apart")


def allowed_values(entity: str, column: str) -> tuple[str, ...]:
    """Return the values that our column may hold by its contract; empty where it may hold any."""
    for check in contract_of(entity).checks:
        if check.rule == "in_set" and check.arguments.get("column") == column:
            return tuple(str(value) for value in check.arguments["values"])
    return ()


def load_specs(folder: Path) -> list[SourceSpec]:
    """Read all descriptions in a folder, in the order of their names.

    Raises
    ------
    SpecError naming file and key when a description is wrong, when two have the same name, or when there are none.
    """
    if not folder.is_dir():
        raise SpecError(f"sources: folder {folder} does not exist. Set RETENTION_SOURCES_DIR or copy include/sources.")
    specs = [load_spec(path) for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")])]
    if not specs:
        raise SpecError(
            f"sources: no *.yml in {folder}. Describe at least one source: `retention source check --url …` proposes one."
        )
    seen: dict[str, Path] = {}
    for spec in specs:
        if spec.source in seen:
            raise SpecError(f"{spec.file.name}: source {spec.source} is already described in {seen[spec.source].name}.")
        seen[spec.source] = spec.file
    return specs


def load_spec(path: Path) -> SourceSpec:
    """Read and check one description.

    Raises
    ------
    SpecError naming file and key.
    """
    try:
        raw = load_yaml(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise SpecError(f"{path.name}{line}: not valid YAML ({getattr(error, 'problem', None) or 'unreadable'}).") from None
    _validate(path, raw)
    timezone = str(raw.get("timezone", "Asia/Shanghai"))
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise SpecError(f"{path.name}: timezone {timezone!r} is not known; use a name such as Asia/Shanghai.") from None
    known = {
        contract.name
        for contract in all_contracts().values()
        if contract.schema == "landing" and "batch_id" in contract.column_names  # kept_row holds rows of all entities
    }
    entities = {}
    for entity, body in raw["entities"].items():
        if entity not in known:
            raise SpecError(f"{path.name}: entities.{entity} is no entity{_nearest(entity, known)}")
        entities[entity] = _entity(path, raw["kind"], entity, body)
    if (raw["kind"] == "rest") != ("api" in raw):
        raise SpecError(f"{path.name}: api: needed for a source of kind rest, and only there.")
    if raw["kind"] == "rest":
        from retention.sources.rest.describe import check_described  # what the other kinds do without

        check_described(path, raw)
    return SourceSpec(raw["source"], raw["kind"], raw["connection"], timezone, entities, path, raw.get("api", {}))


@cache
def _validator() -> Any:
    schema = json.loads((Path(__file__).parent / "spec.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _validate(path: Path, raw: Any) -> None:
    """Check against the JSON schema and name the key of the first thing wrong, most specific first."""
    errors = sorted(_validator().iter_errors(_text_keys(path, raw)), key=lambda error: [str(part) for part in error.path])
    if not errors:
        return
    error = errors[0]
    best = jsonschema.exceptions.best_match([error]) if error.context else error
    key = ".".join(str(part) for part in best.absolute_path) or "(the file)"
    words = _words(best)
    raise SpecError(f"{path.name}: {key}: {words}{'' if words.endswith(('.', '?')) else '.'}")


def _words(error: Any) -> str:
    """Return what the schema has against a value, with the nearest key where a key is misspelled."""
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        unknown = [str(name) for name in error.instance if name not in known]
        return f"{unknown[0]} is no key of it{_nearest(unknown[0], known)}"
    if error.validator == "enum":
        return f"{error.instance!r} is none of {', '.join(dict.fromkeys(map(_plain, error.validator_value)))}"
    return str(error.message)


def _plain(value: Any) -> str:
    return "null" if value is None else str(value)


def _text_keys(path: Path, raw: Any, where: str = "") -> Any:
    """Refuse keys that YAML does not read as text: an unquoted no, on or 1 silently becomes something else."""
    if isinstance(raw, dict):
        for key in raw:
            if isinstance(key, bool) or key is None:
                raise SpecError(f"{path.name}: {where or '(the file)'}: YAML reads a key there as {key!r}; put it in quotes.")
        return {str(key): _text_keys(path, value, f"{where}.{key}".lstrip(".")) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_text_keys(path, value, where) for value in raw]
    return raw


def _entity(path: Path, kind: str, entity: str, body: Mapping[str, Any]) -> EntitySpec:
    at = f"{path.name}: entities.{entity}"
    if kind == "sql":
        if ("table" in body) == ("query" in body):
            raise SpecError(f"{at}: name either table or query.")
        _refuse(at, body, ("path", "format", "options", "request"), kind)
    elif kind == "rest":
        if "request" not in body:
            raise SpecError(f"{at}.request: missing; a REST source needs it.")
        _refuse(at, body, ("table", "query", "path", "format", "options"), kind)
    else:
        for needed in ("path", "format"):
            if needed not in body:
                raise SpecError(f"{at}.{needed}: missing; a file source needs it.")
        _refuse(at, body, ("table", "query", "request", "deletions", *_OF_CURSORS), kind)
        pattern = PurePosixPath(body["path"])
        if pattern.is_absolute() or ".." in pattern.parts or "\\" in body["path"] or "://" in body["path"]:
            raise SpecError(f"{at}.path: must stay inside the source's folder (no leading /, no .., no URL).")
        if body["path"].count("{date}") > 1:
            raise SpecError(f"{at}.path: {{date}} may stand there once.")
    mode = body.get("mode") or ("incremental" if "cursor" in body or kind == "files" else "full")
    if mode == "incremental" and kind != "files" and "cursor" not in body:
        raise SpecError(f"{at}.mode: incremental needs a cursor; without one choose full or snapshot.")
    if mode == "snapshot" and "deletions" in body:
        raise SpecError(f"{at}.deletions: a snapshot tells deletions by itself.")
    overlap = "overlap_minutes" if body.get("cursor_type") == "integer" else "overlap_rows"
    if overlap in body:
        raise SpecError(f"{at}.{overlap}: has no meaning for a cursor of type {body.get('cursor_type', 'timestamp')}.")
    if "deletions" in body:
        _check_deletions(at, kind, entity, body)
    options = body.get("options", {})
    _check_encoding(at, options.get("encoding", "utf-8"))
    return EntitySpec(
        entity=entity,
        key=tuple(body["key"]),
        columns=None if body["columns"] == "same" else _columns(at, entity, body["columns"]),
        mode=mode,
        table=body.get("table"),
        query=body.get("query"),
        path=body.get("path"),
        format=body.get("format"),
        delimiter=options.get("delimiter", ","),
        encoding=options.get("encoding", "utf-8"),
        sheet=options.get("sheet"),
        records=options.get("records", ""),
        settle_seconds=options.get("settle_seconds", 0),
        request=body.get("request", {}),
        deletions=body.get("deletions"),
        cursor=body.get("cursor"),
        cursor_type=body.get("cursor_type", "timestamp"),
        overlap_minutes=body.get("overlap_minutes", 0),
        overlap_rows=body.get("overlap_rows", 0),
        expect=Expect(**body.get("expect", {})),
    )


def _check_deletions(at: str, kind: str, entity: str, body: Mapping[str, Any]) -> None:
    """Check that a feed of deletions says enough to tell which of the entity's rows it means."""
    feed = body["deletions"]
    columns = None if body["columns"] == "same" else _columns(at, entity, body["columns"])
    for name in natural_key(entity):
        reads = (name,) if columns is None else columns[name].reads if name in columns else ()
        lacking = [source for source in reads if source not in body["key"]]
        if lacking or name not in (columns if columns is not None else (name,)):
            raise SpecError(
                f"{at}.deletions: a deletion tells no more than the key, and {name} is made of "
                f"{', '.join(lacking) or 'nothing'}; name these columns in {at}.key."
            )
    if kind != "sql":
        return
    for name in feed:
        if name not in _FEED:
            raise SpecError(f"{at}.deletions.{name}: not known{_nearest(name, _FEED)}")
    if ("table" in feed) == ("query" in feed):
        raise SpecError(f"{at}.deletions: name either table or query.")
    if not isinstance(feed.get("key"), list) or len(feed["key"]) != len(body["key"]):
        raise SpecError(f"{at}.deletions.key: list the feed's columns for {', '.join(body['key'])}, in this order.")
    if not isinstance(feed.get("deleted_at"), str):
        raise SpecError(f"{at}.deletions.deleted_at: name the column that says when a row was deleted.")
    if feed.get("cursor_type", "timestamp") not in ("timestamp", "timestamptz", "date"):
        raise SpecError(f"{at}.deletions.cursor_type: one of timestamp, timestamptz, date.")


def _refuse(at: str, body: Mapping[str, Any], keys: tuple[str, ...], kind: str) -> None:
    for key in keys:
        if key in body:
            raise SpecError(f"{at}.{key}: has no meaning for a source of kind {kind}.")


def _check_encoding(at: str, encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError:
        raise SpecError(f"{at}.options.encoding: {encoding!r} is not known; use utf-8, gb18030, utf-16 …") from None


def _columns(at: str, entity: str, columns: Mapping[str, Any]) -> dict[str, ColumnMap]:
    known = canonical_columns(entity)
    mapped = {}
    for name, body in columns.items():
        if name not in known:
            raise SpecError(f"{at}.columns.{name}: {entity} has no such column{_nearest(name, known)}")
        if isinstance(body, str):
            mapped[name] = ColumnMap(source=body)
            continue
        mapped[name] = ColumnMap(
            source=body.get("from"),
            join=tuple(body.get("join", ())),
            separator=body.get("separator", " "),
            constant=_text(body["constant"]) if "constant" in body else None,
            values={str(code): _text(ours) for code, ours in body.get("values", {}).items()},
            unknown=body.get("unknown", "judge") or "null",  # unquoted, YAML reads null as nothing
            format=tuple(body["format"]) if isinstance(body.get("format"), list) else body.get("format"),
            decimal=body.get("decimal"),
        )
        _check_unknown(f"{at}.columns.{name}.unknown", entity, name, mapped[name])
    return mapped


def _check_unknown(at: str, entity: str, name: str, column: ColumnMap) -> None:
    allowed = allowed_values(entity, name)
    if column.unknown != "judge" and not column.values and not allowed:
        raise SpecError(f"{at}: {column.unknown} needs to know which codes are known: name them in values.")
    if column.unknown == "other" and allowed and "other" not in allowed:
        raise SpecError(f"{at}: other is none of the values that {name} may have: {', '.join(allowed)}.")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _nearest(name: str, known: Any) -> str:
    match = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {match[0]}?" if match else f"; known are {', '.join(sorted(known))}."
