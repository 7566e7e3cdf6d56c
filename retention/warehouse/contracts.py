"""Contracts: what a table is, written once in ``include/sql/<schema>/<table>.yml`` beside the query that fills it.

From a contract come the table itself, its comments, the checks of its rows, the data dictionary and the registry of
where one person's rows are found.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from retention.settings import PROJECT_ROOT
from retention.warehouse.errors import ContractError
from retention.yaml_text import load_yaml

SQL_DIR = PROJECT_ROOT / "include" / "sql"
KINDS = ("slice", "table", "view")
DATABASES = ("warehouse", "marketing")
_KEYS = {
    "table", "database", "kind", "description", "grain", "primary_key", "erasure", "erasure_note", "columns", "indexes",
    "checks", "natural_key", "constraints", "touched",
}  # fmt: skip
_COLUMN_KEYS = {
    "type", "nullable", "default", "description", "model_feature", "personal", "identity", "values", "unit", "label", "formula",
    "carried",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    description: str
    nullable: bool = True
    default: str | None = None
    model_feature: bool = False
    personal: bool = False
    identity: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Index:
    """One index beside the primary key."""

    columns: tuple[str, ...]
    include: tuple[str, ...] = ()
    unique: bool = False
    where: str | None = None
    method: str = "btree"
    """``brin`` for a bigint that follows the order in which rows are written: nearly free to keep, and small."""


@dataclass(frozen=True)
class Check:
    """One rule on the rows or the whole of a table, as written; ``retention.quality`` gives it meaning."""

    rule: str
    severity: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Contract:
    """One table or view.

    ``erasure`` says how one person's rows are found: the name of a key column, ``none`` (``erasure_note`` says why), or a
    mapping with a condition. ``natural_key`` names the columns by which a source tells its rows apart.
    ``touched`` names the times of a row, where changes of the table are logged by customer (``ops.touched``).
    """

    table: str
    database: str
    kind: str
    description: str
    grain: str
    primary_key: tuple[str, ...]
    natural_key: tuple[str, ...]
    erasure: str | Mapping[str, str]
    erasure_note: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]
    checks: tuple[Check, ...]
    constraints: tuple[str, ...]
    path: Path
    touched: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Schema of the table."""
        return self.table.partition(".")[0]

    @property
    def name(self) -> str:
        """Name of the table within its schema."""
        return self.table.partition(".")[2]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return one column; ContractError when the contract has none of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(f"{self.table}: no column {name}{_nearest(name, self.column_names)}.")


def sql_file(name: str) -> str:
    """Return the text of ``include/sql/<name>.sql``."""
    return (SQL_DIR / f"{name}.sql").read_text(encoding="utf-8")


def load_contract(table: str) -> Contract:
    """Return the contract of one table, e.g. ``features.customer_orders``.

    Raises
    ------
    ContractError when there is none, or when its file is wrong.
    """
    contracts = all_contracts()
    if table not in contracts:
        raise ContractError(f"no contract for {table} under include/sql{_nearest(table, tuple(contracts))}.")
    return contracts[table]


@cache
def all_contracts() -> Mapping[str, Contract]:
    """Return every contract by table name, in order of name."""
    found: dict[str, Contract] = {}
    for path in sorted(SQL_DIR.rglob("*.yml")):
        contract = _read(path)
        found[contract.table] = contract
    return dict(sorted(found.items()))


def _read(path: Path) -> Contract:
    where = str(path.relative_to(SQL_DIR.parent.parent))
    try:
        raw = load_yaml(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ContractError(f"{where}: no valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise ContractError(f"{where}: must be a mapping.")
    for key in raw:
        if key not in _KEYS:
            raise ContractError(f"{where}: unknown key {key}{_nearest(str(key), tuple(_KEYS))}.")
    for key in ("table", "description", "grain", "columns", "erasure"):
        if key not in raw:
            raise ContractError(f"{where}: {key} is missing.")
    expected = f"{path.parent.name}.{path.stem}"
    if raw["table"] != expected:
        raise ContractError(f"{where}: table is {raw['table']}, the file's place says {expected}.")
    kind, database = raw.get("kind", "table"), raw.get("database", "warehouse")
    if kind not in KINDS or database not in DATABASES:
        raise ContractError(f"{where}: kind is one of {', '.join(KINDS)}, database one of {', '.join(DATABASES)}.")
    if raw["erasure"] == "none" and not raw.get("erasure_note"):
        raise ContractError(f"{where}: erasure is none, erasure_note must say why nobody's rows are in it.")
    columns = tuple(_column(where, name, spec) for name, spec in raw["columns"].items())
    contract = Contract(
        table=raw["table"],
        database=database,
        kind=kind,
        description=" ".join(str(raw["description"]).split()),
        grain=str(raw["grain"]),
        primary_key=tuple(raw.get("primary_key") or ()),
        natural_key=tuple(raw.get("natural_key") or ()),
        erasure=raw["erasure"],
        erasure_note=str(raw.get("erasure_note", "")),
        columns=columns,
        indexes=tuple(
            Index(
                tuple(i["columns"]),
                tuple(i.get("include", ())),
                bool(i.get("unique", False)),
                i.get("where"),
                _method(where, i.get("method", "btree")),
            )
            for i in raw.get("indexes") or ()
        ),
        checks=tuple(_check(where, check) for check in raw.get("checks") or ()),
        constraints=tuple(raw.get("constraints") or ()),
        touched=tuple(raw.get("touched") or ()),
        path=path,
    )
    if kind == "slice" and "as_of_date" not in contract.column_names:
        raise ContractError(f"{where}: a slice needs a column as_of_date.")
    for name in (*contract.primary_key, *contract.touched, *(c for i in contract.indexes for c in (*i.columns, *i.include))):
        contract.column(name)
    return contract


def _method(where: str, method: Any) -> str:
    if method not in ("btree", "brin"):
        raise ContractError(f"{where}: the method of an index is btree or brin.")
    return str(method)


def _column(where: str, name: str, spec: Any) -> Column:
    if not isinstance(spec, dict) or "type" not in spec or not spec.get("description"):
        raise ContractError(f"{where}: column {name} needs a type and a description.")
    for key in spec:
        if key not in _COLUMN_KEYS:
            raise ContractError(f"{where}: column {name}: unknown key {key}{_nearest(str(key), tuple(_COLUMN_KEYS))}.")
    default = spec.get("default")
    return Column(
        name=str(name),
        type=str(spec["type"]),
        description=" ".join(str(spec["description"]).split()),
        nullable=bool(spec.get("nullable", True)),
        default=None if default is None else str(default).lower() if isinstance(default, bool) else str(default),
        model_feature=bool(spec.get("model_feature", False)),
        personal=bool(spec.get("personal", False)),
        identity=bool(spec.get("identity", False)),
        extra={key: spec[key] for key in ("values", "unit", "label", "formula", "carried") if key in spec},
    )


def _check(where: str, spec: Any) -> Check:
    if not isinstance(spec, dict) or "rule" not in spec:
        raise ContractError(f"{where}: every check needs a rule.")
    arguments = {key: value for key, value in spec.items() if key not in ("rule", "severity")}
    return Check(rule=str(spec["rule"]), severity=str(spec.get("severity", "fail")), arguments=arguments)


def _nearest(name: str, known: tuple[str, ...]) -> str:
    match = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {match[0]}?" if match else ""
