"""The first rows of an entity as they would land: under our names, values canonical. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from retention.sources.drift import hint, knows_any, leaves_out_empty
from retention.sources.mapping import Oddities, mapper, needed_columns
from retention.sources.sampling import TIMEOUT_S, Sample, take_sample
from retention.sources.spec import EntitySpec, SourceSpec, canonical_columns


@dataclass(frozen=True)
class Conformed:
    """Rows of a sample under our names."""

    sample: Sample
    rows: tuple[Mapping[str, Any], ...]
    """Our columns by name, and ``position``; values as text, as they would land."""
    missing: tuple[str, ...]
    """Columns that the description reads and the source does not have."""
    missing_hint: str
    has_header: bool
    """Whether any column has a name that is expected. Where none has, what stands for names may be a person's values."""
    unmapped: tuple[str, ...]
    """Columns of the source that the description does not read."""
    oddities: Oddities


def conform_sample(
    spec: SourceSpec, entity: EntitySpec, address: str, rows: int, now: datetime, timeout_s: int = TIMEOUT_S
) -> Conformed:
    """Read the first rows of an entity and map them.

    Raises
    ------
    SourceError when the source cannot be reached or read.
    """
    sample = take_sample(spec, entity, address, rows, now, timeout_s)
    needed = [*needed_columns(entity), *([entity.cursor] if entity.cursor else [])]
    wanted = list(dict.fromkeys(needed if entity.columns is not None else entity.key))
    if leaves_out_empty(spec, entity) and sample.rows:
        wanted = list(entity.key)
    missing = [name for name in wanted if name not in sample.columns]
    oddities = Oddities()
    # What is missing is shown as such; the other columns can be looked at all the same.
    delivered = {
        **sample.columns,
        **{name: pa.nulls(sample.rows, pa.string()) for name in needed if name not in sample.columns},
    }
    ours = mapper(entity, spec.timezone, oddities)(delivered, sample.rows)
    names = canonical_columns(entity.entity)
    columns = [ours[name].to_pylist() for name in names]
    found = tuple(
        {"position": position, **dict(zip(names, values, strict=True))}
        for position, *values in zip(sample.positions, *columns, strict=True)
    )
    expected = {*wanted, *names}
    return Conformed(
        sample=sample,
        rows=found,
        missing=tuple(missing),
        missing_hint=hint(missing, expected, sample.names) if missing else "",
        has_header=not missing or knows_any(sample.names, expected),
        unmapped=tuple(name for name in sample.names if name not in needed),
        oddities=oddities,
    )
