"""Asking again at the push: whom of the day's selected nobody may contact any more, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from retention.campaigns.holds import resting_people
from retention.campaigns.suppression import suppressed_people
from retention.warehouse import Run, sql_file


def asked_again(run: Run, token: int) -> dict[str, Any]:
    """Return what ``campaigns/_deliverable`` is given: addresses that SQL cannot compare, and complaints of this moment."""
    return {
        "as_of_date": run.as_of_date,
        "token": token,
        "suppressed": _listed(suppressed_people(run)),
        "resting": _listed(row.customer_key for row in resting_people(run)),
        "push_contact_details": run.settings.campaigns.push_contact_details,
        "customers": None,
    }


def refusals(run: Run, customers: Sequence[int]) -> dict[tuple[str, int], str]:
    """Return why some of the day's selected may not be contacted any more, by play and customer; who may be is left out."""
    query = (
        "select held.campaign, held.customer_key, held.refusal from (\n"
        f"{sql_file('campaigns/_deliverable')}\n) as held where held.refusal is not null"
    )
    with run.warehouse.connect() as connection:
        rows = connection.execute(sa.text(query), {**asked_again(run, 0), "customers": sorted(set(customers))})
        return {(row.campaign, row.customer_key): row.refusal for row in rows}


def _listed(keys: Iterable[int]) -> str:
    return "{" + ",".join(map(str, keys)) + "}"
