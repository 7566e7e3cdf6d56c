"""Assigning all segments: what it needs, what it publishes, and that everybody gets one of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from retention.features import MissingSlice
from retention.quality import CheckFailed
from retention.segments import SEGMENT_TABLES, assign
from retention.warehouse import Run, read_frame
from tests.sql.features.company import NAMES
from tests.sql.segments.slices import publish_inputs, read_slice

AS_OF = date(2026, 4, 1)


def test_everybody_gets_one_of_each(run: Run) -> None:
    people = {who: {"recency_days": 7 * place, "net_minor_365d": place} if place % 3 else {} for place, who in enumerate(NAMES)}
    publish_inputs(run.warehouse, AS_OF, people)

    counts = assign(run)

    purchasers = {who for who, told in people.items() if told}
    assert set(read_slice(run.warehouse, "segments.rfm", AS_OF)) == purchasers
    for_all = [table for table in SEGMENT_TABLES if table not in ("segments.rfm", "segments.lifecycle_gap")]
    for table in for_all:
        assert set(read_slice(run.warehouse, table, AS_OF)) == set(NAMES)
    scores = read_frame(run.warehouse, "select recency_score, frequency_score, monetary_score from segments.rfm")
    assert counts == {
        "segments.rfm": len(purchasers),
        **{table: len(NAMES) for table in for_all},
        "segments.lifecycle_gap": 0,
        "segments.tier_move": len(NAMES),
        "segments.lifecycle_move": len(NAMES),
        "segments.cutoff": 2 + sum(scores[name].nunique() for name in scores),
        "segments.migration": 0,  # no slice before
        "segments.stability": 0,
    }


def test_assigning_again_publishes_the_same(make_run: Callable[..., Run]) -> None:
    """Also when the next day has been assigned meanwhile: a day rests on the days before it alone."""
    people = {who: {"recency_days": 7 * place, "net_minor_365d": place} for place, who in enumerate(NAMES)}
    query = "select table_name, rows, checksum from ops.published where slice_key = '2026-04-01' order by table_name"
    publish_inputs(make_run().warehouse, AS_OF, people)
    assign(make_run())
    first = read_frame(make_run().warehouse, query)
    publish_inputs(make_run().warehouse, date(2026, 4, 2), {who: {} for who in NAMES})
    assign(make_run(date(2026, 4, 1)))

    assign(make_run(try_number=2))

    assert len(first[first["table_name"].str.startswith("segments.")]) >= len(SEGMENT_TABLES)
    pd.testing.assert_frame_equal(read_frame(make_run().warehouse, query), first)


def test_scores_must_be_there(run: Run) -> None:
    publish_inputs(run.warehouse, AS_OF, {"Ana": {}})
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.published where table_name = 'scores.clv'"))

    with pytest.raises(MissingSlice, match=r"scores\.clv 2026-04-01: expected a published slice, found none"):
        assign(run)


def test_a_failing_check_keeps_slices_and_moves(make_run: Callable[..., Run]) -> None:
    run = make_run()
    publish_inputs(run.warehouse, AS_OF, {"Ana": {}})
    assign(run)
    publish_inputs(run.warehouse, AS_OF, {})  # nobody known: the contracts ask for at least one row

    with pytest.raises(CheckFailed):
        assign(make_run(try_number=2))

    assert set(read_slice(run.warehouse, "segments.tier", AS_OF)) == {"Ana"}
    assert len(read_frame(run.warehouse, "select * from segments.tier_move")) == 1
