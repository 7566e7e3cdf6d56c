"""Rows nobody thought of: Hypothesis draws templates, numpy multiplies them, and a failure is cut down to the row that makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta, timezone
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.abuse.catalogue import ENTITIES, OWN_KEY, SURROGATES, good_row, poison
from tests.abuse.day import own_key

Template = dict[str, Any]
_MULTIPLIED_BYTES = 2_000
"""Longer rows are delivered once: a million of them would try the disk and nothing else."""


_THOUGHT_OF = st.one_of(
    st.text(max_size=30),
    st.text(alphabet=st.characters(codec="utf-8", categories=("Cc", "Cf", "Zs", "Co", "Mn", "Sm")), max_size=12),
    st.integers().map(str),
    st.floats(width=64).map(repr),
    st.decimals(allow_nan=True).map(str),
    st.datetimes().map(lambda at: at.isoformat(sep=" ")),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), ZoneInfo("Europe/Berlin")])).map(
        lambda at: at.isoformat()
    ),
    st.dates().map(str),
    st.booleans().map(str),
    st.emails(),
)


@cache
def changes(entity: str) -> st.SearchStrategy[Template]:
    """Strategy of changes of an entity's good row: known bad values and what Hypothesis thinks of, in none to four columns."""
    columns = [
        st.tuples(st.just(column), st.one_of(st.sampled_from([*poison(entity, column), *SURROGATES]), _THOUGHT_OF))
        for column in ENTITIES[entity]
    ]
    return st.lists(st.one_of(columns), max_size=4).map(dict)


def templates(entity: str, count: int, random_seed: int) -> list[Template]:
    """Draw changes of the good row."""
    drawn: list[Template] = []

    @seed(random_seed)
    @settings(
        max_examples=count, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(changes(entity))
    def draw(template: Template) -> None:
        drawn.append(template)

    draw()
    return drawn


def multiply(entity: str, drawn: Sequence[Template], rows: int, rng: np.random.Generator, first: int = 0) -> list[Template]:
    """Make rows from templates: numbers of their own, one in twenty an exact repetition, one in forty a later version.

    ``first`` shifts the numbers: days that share it deliver many of the same rows again.
    """
    own = OWN_KEY[entity]
    is_small = [sum(len(str(value)) for value in t.values()) <= _MULTIPLIED_BYTES for t in drawn]
    small = [t for t, keep in zip(drawn, is_small, strict=True) if keep] or [{}]
    large = [t for t, keep in zip(drawn, is_small, strict=True) if not keep]
    # Half of the rows are good: what is bad must not take its neighbours along.
    chosen = rng.integers(0, len(small), rows)
    is_good = rng.random(rows) < 0.5
    fate = rng.random(rows)
    found: list[Template] = [good_row(entity)]
    for number in range(1, rows - len(large)):
        if number > 1 and fate[number] < 0.05:
            found.append(found[-1])
        elif number > 1 and fate[number] < 0.075:
            found.append({**found[-1], "updated_at": "2026-03-30T08:00:00+08:00"})
        else:
            template = {} if is_good[number] else small[chosen[number]]
            found.append(good_row(entity, **{own: own_key(entity, first + number), **template}))
    found.extend(good_row(entity, **{own: own_key(entity, first + rows + i), **template}) for i, template in enumerate(large))
    order = rng.permutation(len(found))
    return [found[i] for i in order]


def smallest(rows: Sequence[Template], fails: Callable[[Sequence[Template]], bool]) -> list[Template]:
    """Cut failing rows down: halves, then single rows, as long as what is left still fails."""
    kept, size = list(rows), max(1, len(rows) // 2)
    while size >= 1:
        start = 0
        while start < len(kept) and len(kept) > 1:
            without = kept[:start] + kept[start + size :]
            if without and fails(without):
                kept = without
            else:
                start += size
        size = size // 2 if size > 1 else 0
    return kept
