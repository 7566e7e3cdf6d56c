"""A send_key has four parts and is one person's, one event's, for ever."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from retention.campaigns.candidates import period_of
from retention.campaigns.plays import PLAYS_DIR, load_plays
from retention.warehouse import Warehouse

HOLIDAY = next(play for play in load_plays(PLAYS_DIR) if play.name == "holiday")


@pytest.mark.parametrize(
    ("event", "period"),
    [("labour/2026-05-01", "labour/2026-05-01"), ("new|year/2026-01-01", "new%7Cyear/2026-01-01"), ("100%|x", "100%25%7Cx")],
)
def test_an_event_cannot_add_a_part_to_a_send_key(
    shared_databases: tuple[Warehouse, Warehouse], event: str, period: str
) -> None:
    """What is booked as the period, the third part of the key, is what the next plan compares with."""
    made = period_of(HOLIDAY)
    query = (
        f"select {made}, split_part('holiday|email|' || {made} || '|7', '|', 3), split_part('holiday|email|' || {made} || '|7', "
        "'|', 4) from (select cast(:event as text) as holiday_key) as attributes"
    )
    with shared_databases[0].connect() as connection:
        assert tuple(connection.execute(sa.text(query), {"event": event}).one()) == (period, period, "7")
