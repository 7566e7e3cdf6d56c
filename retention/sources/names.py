"""Which of our columns a column of a source may be, by its name: our own names, their synonyms in English and Chinese.

The synonyms are in ``synonyms.csv`` and the usual codes in ``codes.csv``, beside this module: add what your systems say.
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from retention.sources.spec import canonical_columns
from retention.warehouse import all_contracts

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOISE = {"t", "tbl", "fld", "col", "c", "the", "field", "crm", "dim", "fact", "tab"}
_HAN = re.compile(r"[\u4e00-\u9fff]")
_SPELLED_ALIKE = 0.86


@cache
def words(name: str) -> tuple[str, ...]:
    """Return the words of a name: ``CustomerID__c``, ``customer_id`` and ``Customer ID`` are the same two."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    found = [word for word in re.split(r"[^0-9a-z\u00c0-\u024f\u4e00-\u9fff]+", spaced.casefold()) if word]
    return tuple(word for word in found if word not in _NOISE) or tuple(found)


@cache
def entities() -> tuple[str, ...]:
    """Return the entities that a source can deliver."""
    names = {row["entity"] for row in _synonyms() if row["entity"] != "*"}
    return tuple(sorted(name for name in names if f"landing.{name}" in all_contracts()))


def table_likeness(entity: str, name: str) -> float:
    """Return how much the name of a table or file sounds like an entity, from 0 to 1."""
    return max(likeness(one, name) for one in [entity, *_names(entity, "")])


@cache
def column_likeness(entity: str, column: str, name: str) -> float:
    """Return how much a name of a source sounds like our column, from 0 to 1."""
    own = 1.0 if words(column) == words(name) else 0.0
    listed = max((likeness(one, name) for one in _names(entity, column)), default=0.0)
    common = max((likeness(one, name) for one in _names("*", column)), default=0.0)
    # What stands for one entity in particular knows better than what stands for all.
    return max(own, 0.99 * max(likeness(column, name), listed), 0.96 * common)


@cache
def known_codes(column: str, allowed: tuple[str, ...]) -> Mapping[str, str | None]:
    """Return the codes that usually stand for our values of a column, in upper case: code to ours, None for no value."""
    found: dict[str, str | None] = {}
    with _file("codes.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            ours = row["ours"] or None
            if row["column"] == column and (ours is None or not allowed or ours in allowed):
                found[row["code"]] = ours
    return {**found, **{value.upper(): value for value in allowed}}


def likeness(known: str, name: str) -> float:
    """Return how alike two names are: 1 the same words, less when one holds the other or is nearly spelled so."""
    left, right = words(known), words(name)
    if not left or not right:
        return 0.0
    a, b = "".join(left), "".join(right)
    if a == b:
        return 1.0
    if _HAN.search(known):
        if a in b:
            return 0.7 + 0.25 * len(a) / len(b)
        return 0.6 + 0.25 * len(b) / len(a) if len(b) >= 2 and b in a else 0.0
    if set(left) <= set(right):
        # "order id" inside "sales order id": the more of the name is explained, the surer
        return 0.55 + 0.35 * len(a) / len(b)
    if set(right) <= set(left) and len(b) >= 4:
        return 0.45 + 0.3 * len(b) / len(a)
    if min(len(a), len(b)) < 5:
        return 0.0
    spelled = difflib.SequenceMatcher(None, a, b)
    if min(spelled.real_quick_ratio(), spelled.quick_ratio()) < _SPELLED_ALIKE:  # both are upper bounds, and cheap
        return 0.0
    return 0.85 * spelled.ratio() if spelled.ratio() >= _SPELLED_ALIKE else 0.0


@cache
def _synonyms() -> tuple[Mapping[str, str], ...]:
    with _file("synonyms.csv").open(encoding="utf-8", newline="") as stream:
        rows = tuple(csv.DictReader(stream))
    for row in rows:
        known = () if row["entity"] == "*" or not row["column"] else canonical_columns(row["entity"])
        if known and row["column"] not in known:
            raise ValueError(f"synonyms.csv: {row['entity']} has no column {row['column']}")
    return rows


@cache
def _names(entity: str, column: str) -> tuple[str, ...]:
    return tuple(
        name for row in _synonyms() if row["entity"] == entity and row["column"] == column for name in row["names"].split("|")
    )


def _file(name: str) -> Path:
    return Path(__file__).parent / name
