"""What a source delivers against its description and its last published batch: columns missing, renamed, retyped, new.

A changed source stops, because nobody can tell what else changed with it. A single bad value does not: its row is set aside
by validation. So text columns (CSV, JSON) count as retyped only when nearly all values of the last published batch could be
read as what our column asks for, and now fewer than half can.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from retention.sources.columns import SeenColumn
from retention.sources.errors import ColumnMissing, ColumnRetyped, UnknownCode
from retention.sources.families import contract_types, family_of, is_widened, readable
from retention.sources.mapping import Oddities, needed_columns
from retention.sources.spec import EntitySpec, SourceSpec, canonical_columns

RELIABLE, BROKEN = 0.99, 0.5
"""A column that could be read at least so often, and now less than that, has changed its type."""
_ENOUGH_VALUES = 20
"""Values below which a share says nothing: three bad prices of five are bad rows, not another column."""
_ENOUGH_ROWS = 200
"""Rows without a value of a column that was filled in half of them or more: it is gone, not empty by chance."""
_ALIKE = 0.6
"""Likeness of two names, from 0 to 1, from which on one may be the other misspelled."""
_NAMED = 12
_CODE = re.compile(r"^[A-Za-z0-9_-]{1,20}$")


@dataclass
class Found:
    """What a read saw beside the rows: names, types and counts, never a value (but short codes)."""

    ignored: set[str] = field(default_factory=set)
    """Columns of the source that no description names."""
    before: Mapping[str, SeenColumn] = field(default_factory=dict)
    """The columns as the last published batches had them; empty where nothing is compared."""
    oddities: Oddities = field(default_factory=Oddities)
    rows: int = 0
    types: dict[str, str] = field(default_factory=dict)
    """Family of the type of each column delivered."""
    filled: dict[str, int] = field(default_factory=dict)
    looked_at: dict[str, int] = field(default_factory=dict)
    """Values of a text column that should read as another type, and below how many of them do."""
    read: dict[str, int] = field(default_factory=dict)
    widened: set[str] = field(default_factory=set)

    def observe(
        self, spec: SourceSpec, entity: EntitySpec, delivered: Mapping[str, pa.Array], ours: Mapping[str, pa.Array]
    ) -> None:
        """Note types and fill of the columns of one record batch.

        Raises
        ------
        ColumnRetyped at the first batch whose typed columns have another family of types than before.
        """
        described = _described(entity)
        self.rows += len(next(iter(delivered.values()), ()))
        for name, values in delivered.items():
            self.filled[name] = self.filled.get(name, 0) + len(values) - values.null_count
            family = family_of(values.type)
            if family is None:
                continue
            self.types[name] = _both(self.types.get(name, family), family)
            if name in described:
                self._compare_type(spec, entity, name, self.types[name])
        for name, source, type_ in _typed(entity):
            if source in delivered and self.types.get(source) == "text":
                looked_at, read = readable(ours[name], type_)
                self.looked_at[source] = self.looked_at.get(source, 0) + looked_at
                self.read[source] = self.read.get(source, 0) + read

    def conclude(self, spec: SourceSpec, entity: EntitySpec) -> list[str]:
        """Judge the columns of the whole delivery, and return what is worth noting.

        Raises
        ------
        ColumnMissing, ColumnRetyped, UnknownCode.
        """
        self._judge_sparse(spec, entity)
        self._judge_shares(spec, entity)
        self._judge_codes(spec, entity)
        notes = [f"column {name} reads as before" for name in sorted(self.widened)]
        if entity.columns is not None and (new := self.ignored - self.before.keys()):
            words = "columns not described and left out" if not self.before else "new columns, left out until they are mapped"
            notes.append(f"{words}: {_listed(new)}")
        for name, rows in sorted(self.oddities.unknown.items()):
            policy = entity.columns[name].unknown if entity.columns else "judge"
            done = {"null": "left empty", "other": "taken as other"}.get(policy, "kept as they are")
            notes.append(f"{name}: {rows:,} rows have codes that its values do not name{self._codes(name)}, {done}")
        for name, rows in sorted(self.oddities.rounded.items()):
            notes.append(f"{name}: {rows:,} identifiers look like 1.38E+17, what a spreadsheet leaves of a long number")
        return notes

    def columns(self, entity: EntitySpec) -> list[SeenColumn]:
        """Return what the next delivery is to be compared with."""
        described = _described(entity)
        names = dict.fromkeys([*(name for name in self.filled if name in described), *sorted(self.ignored)])
        return [
            SeenColumn(
                name=name,
                type=self.types.get(name),
                state="ignored" if name in self.ignored else "mapped",
                filled_share=self._filled_share(name),
                readable_share=self._readable_share(name),
            )
            for name in names
        ]

    # -- judgements -------------------------------------------------------------------------------------------------
    def _compare_type(self, spec: SourceSpec, entity: EntitySpec, name: str, new: str) -> None:
        old = self.before[name].type if name in self.before else None
        if old is None or old == new:
            return
        if is_widened(old, new):
            self.widened.add(f"{name} changed from {old} to {new} and")
            return
        raise ColumnRetyped(
            f"{spec.source} {entity.entity}: column {name} of {entity.where} was {old} and is {new} now. Nothing landed. "
            f"{_what_to_do(spec, entity)}"
        )

    def _judge_shares(self, spec: SourceSpec, entity: EntitySpec) -> None:
        for name, source, type_ in _typed(entity):
            now = self._readable_share(source)
            earlier = self.before[source].readable_share if source in self.before else None
            if now is not None and earlier is not None and earlier >= RELIABLE and now < BROKEN:
                raise ColumnRetyped(
                    f"{spec.source} {entity.entity}: column {source} of {entity.where} held {type_} values for {name}: "
                    f"{earlier:.0%} of them could be read in the last published batch and {now:.0%} in this one. Nothing "
                    f"landed. {_what_to_do(spec, entity)}"
                )

    def _judge_sparse(self, spec: SourceSpec, entity: EntitySpec) -> None:
        """Find columns that a source, which leaves out what has no value, does not bring any more."""
        if self.rows < _ENOUGH_ROWS:
            return
        gone = [
            name
            for name in needed_columns(entity)
            if name in self.before and (self.before[name].filled_share or 0) >= BROKEN and not self.filled.get(name)
        ]
        if gone and leaves_out_empty(spec, entity):
            there = [name for name in dict.fromkeys([*self.filled, *sorted(self.ignored)]) if name not in gone]
            raise _missing(spec, entity, entity.where, gone, there, self.before)

    def _judge_codes(self, spec: SourceSpec, entity: EntitySpec) -> None:
        for name, rows in sorted(self.oddities.unknown.items()):
            if entity.columns and entity.columns[name].unknown == "stop":
                raise UnknownCode(
                    f"{spec.source} {entity.entity}: {rows:,} of {self.rows:,} rows have a code for {name} that its values do "
                    f"not name{self._codes(name)}. Nothing landed. Name it under columns.{name}.values in {spec.file.name}, "
                    "or choose another policy (unknown: judge, null, warn, other)."
                )

    def _codes(self, column: str) -> str:
        """Return codes for a message: few, short and made like a code. Anything else may be a person's."""
        codes = sorted(self.oddities.codes.get(column, ()))
        plain = [code for code in codes if _CODE.match(code) and sum(sign.isdigit() for sign in code) <= 5]
        return f" ({', '.join(plain)})" if plain and len(codes) == len(plain) <= 5 else ""

    def _filled_share(self, name: str) -> float | None:
        filled = self.filled.get(name, 0)
        # A small batch without a value says nothing yet; taken as the standard, it would hide that the column is gone.
        enough = _ENOUGH_VALUES if filled else _ENOUGH_ROWS
        return filled / self.rows if name in self.filled and self.rows >= enough else None

    def _readable_share(self, name: str) -> float | None:
        looked_at = self.looked_at.get(name, 0)
        return self.read[name] / looked_at if looked_at >= _ENOUGH_VALUES else None


def checker(spec: SourceSpec, entity: EntitySpec, found: Found, file: str | None = None) -> Callable[[Sequence[str]], None]:
    """Return a function that compares the columns delivered with those described."""
    needed = needed_columns(entity) if entity.columns is not None else entity.key
    wanted = list(dict.fromkeys([*needed, *([entity.cursor] if entity.cursor else [])]))
    required = entity.key if leaves_out_empty(spec, entity) else wanted

    def check(names: Sequence[str]) -> None:
        found.ignored |= set(names) - _described(entity)
        missing = [name for name in required if name not in names]
        if missing:
            raise _missing(spec, entity, file or entity.where, missing, names, found.before)

    return check


def leaves_out_empty(spec: SourceSpec, entity: EntitySpec) -> bool:
    """Tell whether rows of a source lack the columns that have no value, so that only the key must be found in them."""
    return spec.kind == "rest" or entity.format in ("json", "jsonl")


def _described(entity: EntitySpec) -> set[str]:
    return {*needed_columns(entity), *([entity.cursor] if entity.cursor else [])}


def _both(one: str, other: str) -> str:
    """Return the family that holds the values of two record batches."""
    if one == other:
        return one
    return "number" if is_widened(one, other) and "number" in (one, other) else "text"


def _typed(entity: EntitySpec) -> Iterable[tuple[str, str, str]]:
    """Yield our columns that are no free text and filled from one column: our name, theirs, the contract's type."""
    for name, type_ in contract_types(entity.entity).items():
        if entity.columns is None:
            yield name, name, type_
        elif (column := entity.columns.get(name)) is not None and column.source is not None:
            yield name, column.source, type_


def _what_to_do(spec: SourceSpec, entity: EntitySpec) -> str:
    return (
        f"Correct the delivery or the column in {spec.file.name}; if the change is right, `retention source accept "
        f"{spec.source} {entity.entity}` and run the day again."
    )


def _missing(
    spec: SourceSpec,
    entity: EntitySpec,
    where: str,
    missing: Sequence[str],
    names: Sequence[str],
    before: Mapping[str, SeenColumn],
) -> ColumnMissing:
    expected = {*needed_columns(entity), *canonical_columns(entity.entity), *([entity.cursor] if entity.cursor else [])}
    words = hint(missing, expected, names, before)
    return ColumnMissing(
        f"{spec.source} {entity.entity}: {where} has no column {', '.join(missing)}; "
        f"{words}{'' if words.endswith('?') else '.'} Nothing landed. "
        f"Correct the delivery, or the names in {spec.file.name}."
    )


def hint(missing: Sequence[str], expected: set[str], names: Sequence[str], before: Iterable[str] = ()) -> str:
    """Say what may have become of each column.

    Names are shown only when some are as expected: a file without a header has a person where the names should be.
    """
    if not knows_any(names, expected):
        return f"none of its {len(names)} columns has a name that is known here: is its first line a header?"
    free = [name for name in dict.fromkeys(names) if name not in expected or name in missing]
    new = [name for name in free if name not in set(before)] if before else []
    matched = _pairs(missing, free)
    if not matched and len(new) == len(missing) == 1:  # what was not there before stands where something is gone
        matched = {missing[0]: new[0]}
    if len(missing) == 1 and matched:
        return f"did it become {matched[missing[0]]}?"
    words = f"did it become {', '.join(f'{match} ({name})' for name, match in matched.items())}?" if matched else ""
    lost = [name for name in missing if name not in matched]
    if lost:
        others = f"there are {_listed(names)}" if len(lost) == len(missing) else f"nothing is like {', '.join(lost)}"
        words = f"{words} {others}".strip()
    return words


def knows_any(names: Iterable[str], expected: Iterable[str]) -> bool:
    """Tell whether any column has a name that is expected; a file without a header has none, and its names are values."""
    known = {normal(name) for name in expected}
    return any(normal(name) in known for name in names)


def _pairs(missing: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Give each missing name the one that is most likely the same, the likeliest pair first and no name twice."""
    likeness = {
        (name, one): difflib.SequenceMatcher(None, normal(name), normal(one)).ratio() for name in missing for one in names
    }
    found: dict[str, str] = {}
    for name, one in sorted(likeness, key=lambda pair: -likeness[pair]):
        if likeness[name, one] >= _ALIKE and name not in found and one not in found.values():
            found[name] = one
    return {name: found[name] for name in missing if name in found}


def normal(name: str) -> str:
    """Return a name without what spelling alone changes: case, width of letters, spaces, underscores, signs."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more
