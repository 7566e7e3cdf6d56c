"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> counted(1, "order"), counted(2000, "order"), counted(2, "day", "days")
    ('1 order', '2,000 orders', '2 days')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
