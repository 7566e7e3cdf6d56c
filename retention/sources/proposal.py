"""A description proposed for a table or file that nobody has described: entity, columns, key and cursor, each with a reason.

A proposal is a beginning, to be read by somebody who knows the system. It is made from names (``names``) and from what the
values look like (``profile``); what cannot be told is listed and not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow.compute as pc

from retention.sources.families import contract_types, identifiers
from retention.sources.mapping import canonical_text
from retention.sources.names import column_likeness, entities, known_codes, table_likeness
from retention.sources.profile import ColumnProfile, keys_of, profile
from retention.sources.sampling import Sample
from retention.sources.spec import allowed_values, canonical_columns, contract_of

MAPPED, SURE = 0.6, 0.85
"""Likeness from which on a column is mapped, and from which on the proposal calls it sure."""
_ENTITY_NAMED = 0.9
_CODE = re.compile(r"^[A-Z0-9_-]{1,6}$")
_NUMERIC = ("numeric", "integer", "bigint")
_FIRST_TIME = ("ordered_at", "opened_at", "occurred_at", "decided_at", "answered_at", "set_at", "mentioned_at", "referred_at")


@dataclass(frozen=True)
class Proposed:
    """One of our columns, and the column of the source that seems to hold it."""

    column: str
    source: str
    confidence: float
    reason: str
    values: Mapping[str, str | None] = field(default_factory=dict)
    unknown_codes: tuple[str, ...] = ()
    """Codes found that are not mapped, as far as they may be shown."""
    hidden_codes: int = 0
    """How many further ones there are."""
    format: str | None = None
    decimal: str | None = None
    remark: str = ""


@dataclass(frozen=True)
class Proposal:
    """A description of one entity."""

    entity: str
    where: str
    confidence: float
    columns: tuple[Proposed, ...]
    key: tuple[str, ...]
    key_reason: str
    cursor: str | None
    cursor_type: str
    cursor_reason: str
    unmatched: tuple[ColumnProfile, ...]
    missing: tuple[str, ...]
    """Our columns that a row must have and that nothing was found for."""
    notes: tuple[str, ...] = ()

    @property
    def mapping(self) -> dict[str, str]:
        """Our columns and the source's."""
        return {one.column: one.source for one in self.columns}


def propose(sample: Sample, name: str, timezone: str, entity: str | None = None) -> Proposal | None:
    """Propose how a table or file is described; None when it looks like nothing we know.

    Parameters
    ----------
    name : str
        Name of the table or file, which says as much as its columns.
    entity : str, optional
        What it holds, where somebody knows.
    """
    profiles = profile(sample, timezone)
    candidates = []
    for one in [entity] if entity else entities():
        columns = _assign(one, sample, profiles, timezone)
        candidates.append((_fit(one, name, columns, profiles), one, columns))
    fit, chosen, columns = max(candidates, key=lambda candidate: candidate[0])
    if not columns or (entity is None and fit < 0.35):
        return None
    mapped = {one.column: one.source for one in columns}
    key, key_reason = _key(chosen, sample, mapped, profiles)
    own = _own_number(chosen)
    if own is not None and own not in mapped and len(key) == 1 and key[0] not in mapped.values():
        reason = "no two rows have the same, and nothing else numbers them"
        number = _proposed(chosen, own, profiles[key[0]], sample, timezone, MAPPED, reason)
        columns, mapped[own] = [number, *columns], key[0]
        key_reason = f"no two of {sample.rows:,} rows have the same"
    cursor, cursor_type, cursor_reason = _cursor(sample, mapped, profiles)
    used = {*mapped.values(), *key}
    return Proposal(
        entity=chosen,
        where=sample.where,
        confidence=min(1.0, fit),
        columns=tuple(columns),
        key=key,
        key_reason=key_reason,
        cursor=cursor,
        cursor_type=cursor_type,
        cursor_reason=cursor_reason,
        unmatched=tuple(one for one in profiles.values() if one.name not in used),
        missing=tuple(column for column in required(chosen) if column not in mapped),
        notes=tuple(sample.notes),
    )


def required(entity: str) -> tuple[str, ...]:
    """Return our columns without which a row of an entity is set aside."""
    rules = [check for check in contract_of(entity).checks if check.rule == "required"]
    return tuple(str(check.arguments["column"]) for check in rules)


def _assign(entity: str, sample: Sample, profiles: Mapping[str, ColumnProfile], timezone: str) -> list[Proposed]:
    """Give each of our columns the column of the source that fits best; likeliest first, no column twice."""
    pairs: list[tuple[float, int, int, str, str, str]] = []
    for place, column in enumerate(canonical_columns(entity)):
        for theirs, one in enumerate(profiles.values()):
            confidence, reason = _confidence(entity, column, one)
            if confidence >= MAPPED:
                pairs.append((-confidence, place, theirs, column, one.name, reason))
    found: dict[str, Proposed] = {}
    taken: set[str] = set()
    for minus, _, _, column, name, reason in sorted(pairs):
        if column not in found and name not in taken:
            found[column] = _proposed(entity, column, profiles[name], sample, timezone, -minus, reason)
            taken.add(name)
    _share_times(entity, found, profiles, sample, timezone)
    return [found[column] for column in canonical_columns(entity) if column in found]


def _share_times(
    entity: str, found: dict[str, Proposed], profiles: Mapping[str, ColumnProfile], sample: Sample, timezone: str
) -> None:
    """Fill times that a row should have from one that means nearly the same."""
    first = next((column for column in _FIRST_TIME if column in found), None)
    for column, other, reason in (
        ("member_since", "created_at", "the only time of the beginning"),
        ("created_at", "member_since", "the only time of the beginning"),
        ("updated_at", first, "no column tells when a row changed; the time of the row itself"),
        *((column, "updated_at", "the only time there is") for column in required(entity)),
    ):
        if contract_types(entity).get(column) not in ("timestamptz", "date"):
            continue
        if column not in found and other is not None and other in found:
            theirs = profiles[found[other].source]
            found[column] = _proposed(entity, column, theirs, sample, timezone, MAPPED, reason)


def _confidence(entity: str, column: str, one: ColumnProfile) -> tuple[float, str]:
    """Weigh name and content against each other."""
    named = column_likeness(entity, column, one.name)
    kind = contract_types(entity).get(column)
    if one.kind == "empty":
        return 0.95 * named, "by its name; it is empty in the sample"
    if not _compatible(column, kind, one):
        return 0.0, ""
    if column in ("email", "phone"):
        if one.kind == column:
            return max(named, 0.8), "its values are " + ("e-mail addresses" if column == "email" else "phone numbers")
        return 0.5 * named, "by its name"
    if one.kind in ("email", "phone") and column not in identifiers(entity) and kind is None:
        return 0.0, ""
    allowed = allowed_values(entity, column)
    if allowed and one.distinct > 30:
        return 0.3 * named, ""
    return named, "by its name"


def _compatible(column: str, kind: str | None, one: ColumnProfile) -> bool:
    """Tell whether values of this kind can be read as our column asks."""
    if kind in ("timestamptz", "date"):
        return one.is_time
    if kind in _NUMERIC:
        return one.kind in ("number", "integer") or (column == "score" and one.kind == "code")
    if kind == "boolean":
        return one.kind in ("boolean", "code") or (one.kind == "integer" and one.distinct <= 2)
    if one.is_time:
        return False
    return not (kind is None and one.family in ("timestamp", "date"))


def _proposed(
    entity: str, column: str, one: ColumnProfile, sample: Sample, timezone: str, confidence: float, reason: str
) -> Proposed:
    kind = contract_types(entity).get(column)
    values, others = _values(entity, column, one, sample, timezone)
    plain = tuple(code for code in others if _CODE.match(code))
    time_format = one.format if kind in ("timestamptz", "date") and one.family not in ("timestamp", "date") else None
    remark = "" if one.is_format_certain or time_format is None else "check: day and month could be the other way round"
    return Proposed(
        column=column,
        source=one.name,
        confidence=confidence,
        reason=reason,
        values=values,
        unknown_codes=plain,
        hidden_codes=len(others) - len(plain),
        format=time_format,
        decimal=one.decimal if kind in _NUMERIC else None,
        remark=remark,
    )


def _values(
    entity: str, column: str, one: ColumnProfile, sample: Sample, timezone: str
) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Translate the codes that everybody uses; return the others too."""
    allowed = allowed_values(entity, column)
    known = known_codes(column, allowed)
    if not known or one.kind == "empty" or one.distinct > 30:
        return {}, ()
    codes = [code for code in pc.unique(canonical_text(sample.columns[one.name], timezone)).to_pylist() if code is not None]
    mapped = {code: known[code.upper()] for code in sorted(codes) if code.upper() in known}
    if not mapped:
        return {}, ()
    others = sorted(code for code in codes if code not in mapped and code not in allowed)
    translated = {code: ours for code, ours in mapped.items() if code != ours}
    return translated, tuple(others)


def _fit(entity: str, name: str, columns: Sequence[Proposed], profiles: Mapping[str, ColumnProfile]) -> float:
    """Say how well a table fits an entity: its name, what a row must have, and how many of its columns find a place."""
    mapped = {one.column: one.confidence for one in columns}
    needed = [mapped.get(column, 0.0) for column in required(entity)]
    complete = sum(needed) / len(needed) if needed else 0.0
    own = [column for column in canonical_columns(entity) if column not in ("updated_at", "deleted_at", "is_simulated")]
    placed = len({one.source for one in columns}) / max(1, len(profiles))
    filled = sum(mapped.get(column, 0.0) for column in own) / len(own)
    called = table_likeness(entity, name)
    return 0.45 * (called if called >= 0.7 else 0.5 * called) + 0.3 * complete + 0.15 * placed + 0.1 * filled


def _natural_key(entity: str) -> list[str]:
    rule = next((check for check in contract_of(entity).checks if check.rule == "unique_version"), None)
    return [str(column) for column in rule.arguments["columns"]] if rule else []


def _own_number(entity: str) -> str | None:
    """Return our column that numbers the rows of an entity, where one alone does."""
    ours = _natural_key(entity)
    return ours[0] if len(ours) == 1 else None


def _key(
    entity: str, sample: Sample, mapped: Mapping[str, str], profiles: Mapping[str, ColumnProfile]
) -> tuple[tuple[str, ...], str]:
    ours = _natural_key(entity)
    natural = [mapped[column] for column in ours if column in mapped]
    if len(natural) == len(ours) and keys_of(sample, [natural]):
        return tuple(natural), f"no two of {sample.rows:,} rows have the same"
    others = [[one.name] for one in profiles.values() if one.is_unique and one.kind in ("integer", "text", "code", "number")]
    found = keys_of(sample, others)
    if found:
        return tuple(found), f"no two of {sample.rows:,} rows have the same, but it is not our {', '.join(ours)}: check it"
    if natural:
        return tuple(natural), f"by its name; rows of the sample of {sample.rows:,} share it or lack it: check it"
    return (), "nothing tells the rows apart: name the columns that do"


def _cursor(sample: Sample, mapped: Mapping[str, str], profiles: Mapping[str, ColumnProfile]) -> tuple[str | None, str, str]:
    """Choose the column by which changed rows are found, its type, and say why."""
    name = mapped.get("updated_at")
    if name is None:
        return None, "timestamp", "no column tells when a row changed: everything is read every day"
    one = profiles[name]
    if column_likeness("*", "updated_at", name) < MAPPED:
        return None, "timestamp", f"{name} does not move when a row changes: everything is read every day"
    if one.filled < one.rows:
        empty = f"{one.rows - one.filled:,} of {one.rows:,} rows"
        return None, "timestamp", f"{name} is empty in {empty}: everything is read every day"
    if one.family not in ("timestamp", "date"):
        return None, "timestamp", f"{name} is {one.family} and cannot be compared with a time: everything is read every day"
    with_zone = getattr(sample.columns[name].type, "tz", None) is not None
    kind = "date" if one.family == "date" else "timestamptz" if with_zone else "timestamp"
    return name, kind, "every row of the sample has it; it should move with each change"
