"""Which columns of a table are read: those that its description needs, so that the others cost nothing and cannot fail."""

from __future__ import annotations

from collections.abc import Sequence

from retention.sources.spec import EntitySpec, canonical_columns


def wanted_columns(spec: EntitySpec, found: Sequence[str]) -> list[str]:
    """Return the columns of a table that are read, in the table's order.

    Parameters
    ----------
    found : sequence of str
        The columns that the table has.
    """
    if spec.columns is not None and not spec.columns:
        return list(found)  # nothing is described yet: a profile looks at everything
    if spec.columns is None:
        wanted = {*spec.key, *canonical_columns(spec.entity)}
    else:
        wanted = {*spec.key, *(name for column in spec.columns.values() for name in column.reads)}
    if spec.cursor is not None:
        wanted.add(spec.cursor)
    return [name for name in found if name in wanted]
