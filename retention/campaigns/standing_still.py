"""One state of the warehouse for a whole plan: read as one snapshot where one statement can, proven unmoved where it cannot.

A plan is made in a dozen statements on several connections, each from what those before have staged. A snapshot that all of
them import would not show them the staging tables, which are filled after it was taken. So there are three kinds of inputs:

* What the attributes of customers rest on (orders, complaints, contacts, scores, segments …) is read by the statements of one
  stage, on connections that import one snapshot (:func:`retention.features.states.state_of_core`).
* What later stages read again (who is the same person, who was erased, what was handed out, the day's slices) has a witness: a
  small row that is written by the very transaction that changes it. A fingerprint of the witnesses is taken in that snapshot,
  and again after the last statement. Equal: no such transaction has been committed in between, so all statements have read the
  state of the snapshot. Not equal: the plan is thrown away and made again.
* Consent is read by one statement per customer, the newest word counts, and it is asked again at the push and at every reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.errors import InputsMoved
from retention.warehouse import Run

TRIES = 3
"""How often a plan is made before a run gives up for now: inputs are published daily, so a second time is rare."""

_READ = (
    "features.customer_orders", "features.customer_engagement", "features.customer_service", "scores.churn", "scores.clv",
    "scores.repurchase", "scores.persona", "scores.preference", "scores.renewal", "scores.replenishment", "scores.next_best",
    "scores.warning", "segments.rfm", "segments.value_matrix", "segments.tier", "segments.lifecycle", "segments.membership",
    "segments.tag", "bi.play_effect",
)  # fmt: skip
"""Slices that plans read; the day's row of each in ``ops.published`` is its witness."""

_WITNESSES = """
select
    (
        select coalesce(bit_xor(hash_record_extended(row(published.table_name, published.slice_key, published.token), 0)), 0)
        from ops.published
        where table_name = any(cast(:tables as text[])) and slice_key = cast(:as_of_date as text)
    ) as slices,
    (
        select coalesce(bit_xor(hash_record_extended(row(alias.source_customer_key, alias.customer_key), 0)), 0)
        from core.customer_alias as alias
        where alias.source_customer_key <> alias.customer_key
    ) as people,
    (select count(*) from privacy.tombstone) as erased,
    (select count(*) from campaigns.push_receipt) as pushes
"""

Fingerprint = tuple[int, ...]
Made = TypeVar("Made")


def fingerprint(connection: Connection, run: Run) -> Fingerprint:
    """Return what the witnesses of a plan's inputs say, as this connection sees them."""
    row = connection.execute(sa.text(_WITNESSES), {"tables": list(_READ), "as_of_date": run.as_of_date}).one()
    return tuple(int(value) for value in row)


def made_of_one_state(run: Run, make: Callable[[], tuple[Made, Fingerprint]]) -> Made:
    """Return what was made while its inputs stood still, trying again where they moved.

    Parameters
    ----------
    run : Run
        The day.
    make : callable
        Makes the plan; returns it with the fingerprint of the snapshot that it began with.

    Raises
    ------
    InputsMoved when they moved every time.
    """
    for _ in range(TRIES):
        made, began_with = make()
        with run.warehouse.connect() as connection:
            if fingerprint(connection, run) == began_with:
                return made
    raise InputsMoved(
        f"campaigns {run.as_of_date}: what the plan rests on was published again while it was being made, {TRIES} times. "
        "Nothing published, the audiences of the last push stay. Plan again when the run beside it is done."
    )
