"""Control groups by a salted hash: anyone can recompute who is control, in SQL and in Python, without a stored list.

The bucket is the first 52 bits of sha256(``salt|play|period|customer_key``) as a number in [0, 1): 52 bits are exact in a
double, so that both languages give the same bits. :func:`bucket_sql` is the SQL form.

Two kinds of control group are drawn so. The group of a play holds back, per period of the play, those whose bucket lies below
the play's share. The universal group (play ``*``, period the calendar year) gets no promotion at all: what all promotions
together bring can be measured against it, which no play's own group can tell.
"""

from __future__ import annotations

import hashlib
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Run

UNIVERSAL = "*"
"""Stands for the play in the hash of the universal group and in ``campaigns.holdout``."""

_HEX_DIGITS = 13  # 52 bits
_STEPS = float(16**_HEX_DIGITS)


def bucket(salt: str, play: str, period_key: str, customer_key: int) -> float:
    """Return the customer's place in [0, 1) for one play and period; below the threshold is control.

    Parameters
    ----------
    salt : str
        ``settings.campaigns.holdout_salt``.
    play, period_key : str
        As in campaigns.decision; :data:`UNIVERSAL` and :func:`universal_period` for the universal group.
    customer_key : int
        The person.
    """
    digest = hashlib.sha256(f"{salt}|{play}|{period_key}|{customer_key}".encode()).hexdigest()
    return int(digest[:_HEX_DIGITS], 16) / _STEPS


def bucket_sql(salt: str, play: str, period_key: str, customer_key: str) -> str:
    """Return the SQL expression of :func:`bucket`.

    Parameters
    ----------
    salt, play, period_key, customer_key : str
        SQL expressions: columns, binds or literals of the text types and bigint.
    """
    text = f"cast({salt} as text) || '|' || {play} || '|' || {period_key} || '|' || cast({customer_key} as text)"
    digest = f"substr(encode(sha256(convert_to({text}, 'UTF8')), 'hex'), 1, {_HEX_DIGITS})"
    return f"(cast(cast(cast('x' || {digest} as bit({4 * _HEX_DIGITS})) as bigint) as double precision) / {int(_STEPS)})"


def universal_period(as_of_date: date) -> str:
    """Return the period of the universal group a day lies in: its calendar year, after which everybody is drawn anew."""
    return f"{as_of_date.year}"


def keep_universal(run: Run, connection: Connection, eligibility: str = "campaigns.eligibility") -> None:
    """Keep who is in the universal group, so that neither a changed share nor a merge takes anybody out of it within the year.

    Parameters
    ----------
    run : Run
        The day.
    connection : Connection
        The transaction that publishes the day.
    eligibility : str
        Where the day's ``campaigns.eligibility`` is: the table, or its staging.
    """
    place = bucket_sql(":salt", "cast(:play as text)", "cast(:period as text)", "customer_key")
    connection.execute(
        sa.text(
            "insert into campaigns.holdout (play, period_key, customer_key, bucket, share, assigned_on) "
            f"select :play, :period, customer_key, {place}, :share, as_of_date "
            f"from {eligibility} where as_of_date = :as_of_date and is_universal_control "
            "on conflict (play, period_key, customer_key) do nothing"
        ),
        {
            "play": UNIVERSAL,
            "period": universal_period(run.as_of_date),
            "salt": run.settings.campaigns.holdout_salt,
            "share": run.settings.campaigns.universal_control_share,
            "as_of_date": run.as_of_date,
        },
    )
