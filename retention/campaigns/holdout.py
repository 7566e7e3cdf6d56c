"""Control groups by a salted hash: anyone can recompute who is control, in SQL and in Python, without a stored list.

The bucket is the first 52 bits of sha256(``salt|play|period|customer_key``) as a number in [0, 1): 52 bits are exact in a
double, so that both languages give the same bits. ``include/sql/campaigns/decision.sql`` holds the SQL form.
"""

from __future__ import annotations

import hashlib

_HEX_DIGITS = 13  # 52 bits
_STEPS = float(16**_HEX_DIGITS)


def bucket(salt: str, play: str, period_key: str, customer_key: int) -> float:
    """Return the customer's place in [0, 1) for one play and period; below the play's share is control.

    Parameters
    ----------
    salt : str
        ``settings.campaigns.holdout_salt``.
    play, period_key : str
        As in campaigns.decision.
    customer_key : int
        The person.
    """
    digest = hashlib.sha256(f"{salt}|{play}|{period_key}|{customer_key}".encode()).hexdigest()
    return int(digest[:_HEX_DIGITS], 16) / _STEPS
