"""Putting what depends on the plays into a query: the text around it stays a file that reads and runs as SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retention.campaigns.conditions import Binds, predicate
from retention.campaigns.plays import Play
from retention.warehouse import sql_file

_KEYS = 2**64
_LOWEST = -(2**63)
_PLACE = re.compile(r"/\* in bucket: ([a-z_.]+) \*/ true")


@dataclass(frozen=True)
class Statement:
    """SQL with the values of its binds."""

    sql: str
    binds: dict[str, Any]


def compile_file(name: str, parts: Mapping[str, str]) -> str:
    """Return a query of ``include/sql`` with its marks replaced.

    Parameters
    ----------
    name : str
        File under ``include/sql``, without its ending.
    parts : mapping
        By mark (a comment with what stands beside it), the text to put in its place.

    Raises
    ------
    ValueError when a mark is not in the file, or one of the file is left over: the query would mean something else.
    """
    sql = in_buckets(sql_file(name))
    for mark, text in parts.items():
        if mark not in sql:
            raise ValueError(f"include/sql/{name}.sql: expected the mark {mark}, found none.")
        sql = sql.replace(mark, text)
    if "/*" in sql:
        raise ValueError(f"include/sql/{name}.sql: the mark {sql[sql.index('/*') :][:40]} is not replaced by anything.")
    return sql


def in_buckets(sql: str) -> str:
    """Return a query with the range of keys in the place of every mark ``/* in bucket: column */ true``.

    A bucket is a range of keys (which are hashes, so that ranges of one width are of one size): every table that is joined
    gives up its range by its index, where a remainder of the key would have each bucket read all of it again. All tables are
    told the range themselves, because the planner carries none from one side of a join to the other.
    """
    return _PLACE.sub(lambda place: _in_bucket(place[1]), sql)


def _in_bucket(column: str) -> str:
    return f"{column} between {_start('cast(:bucket as numeric)', 0)} and {_start('(cast(:bucket as numeric) + 1)', 1)}"


def _start(bucket: str, less: int) -> str:
    """Compile the first key of a bucket, or the one before it; constant once the statement is planned."""
    return f"cast(trunc({bucket} * {_KEYS} / :bucket_count) + ({_LOWEST - less}) as bigint)"


def by_position(column: str, expressions: Sequence[str]) -> str:
    """Return the expression of a row's play: equal ones are asked about together.

    Parameters
    ----------
    column : str
        Position of the play, from 1.
    expressions : sequence of str
        One SQL expression per play, in the order of their positions.
    """
    positions: dict[str, list[int]] = {}
    for position, expression in enumerate(expressions, 1):
        positions.setdefault(expression, []).append(position)
    if len(positions) == 1:
        return expressions[0]
    whens = "\n".join(
        f"            when {column} in ({', '.join(map(str, listed))}) then {expression}"
        for expression, listed in positions.items()
    )
    return f"case\n{whens}\n        end"


def laddered(play: Play, binds: Binds, value: Callable[[int], str]) -> str:
    """Return the value of the first rung of the offer ladder whose condition holds; the last one where none does.

    Parameters
    ----------
    play : Play
        The play.
    binds : Binds
        Takes the values of the conditions.
    value : callable
        From the number of a rung, from 0, to its SQL expression.
    """
    whens = [
        f"when {predicate(rung.when, binds)} then {value(number)}"
        for number, rung in enumerate(play.ladder)
        if rung.when is not None
    ]
    otherwise = value(len(play.ladder) - 1)
    return f"case {' '.join(whens)} else {otherwise} end" if whens else otherwise


def of_rung(column: str, values: Sequence[str]) -> str:
    """Return the expression of a row's rung.

    Parameters
    ----------
    column : str
        Number of the rung, from 1.
    values : sequence of str
        One SQL expression per rung.
    """
    if len(set(values)) == 1:
        return values[0]
    whens = " ".join(f"when {number} then {value}" for number, value in enumerate(values, 1))
    return f"case {column} {whens} end"
