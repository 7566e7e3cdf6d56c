"""Names and literals in SQL that is made from contracts."""

from __future__ import annotations

import re


def quote(identifier: str) -> str:
    """Quote a name where PostgreSQL needs it; names come from contracts, never from data."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", identifier):
        return f'"{identifier}"' if identifier in {"order", "user", "table", "text", "when"} else identifier
    raise ValueError(f"{identifier!r} is no name for a table or column")


def literal(text: str) -> str:
    """Return a text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
