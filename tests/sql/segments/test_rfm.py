"""segments.rfm: scores by fifths, ties, small populations."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from retention.segments import assign
from retention.warehouse import Run
from tests.sql.features.company import NAMES
from tests.sql.segments.slices import publish_inputs, read_slice

AS_OF = date(2026, 4, 1)


def _scores(run: Run, people: dict[str, dict[str, Any]]) -> dict[str, tuple[int, int, int]]:
    publish_inputs(run.warehouse, AS_OF, people)
    assign(run)
    rows = read_slice(run.warehouse, "segments.rfm", AS_OF)
    return {who: (row["recency_score"], row["frequency_score"], row["monetary_score"]) for who, row in rows.items()}


def _buyer(recency: int, orders: int, net: int) -> dict[str, int]:
    return {"recency_days": recency, "count_orders_365d": orders, "net_minor_365d": net}


def test_five_different_purchasers_are_the_five_fifths(run: Run) -> None:
    # Ana bought yesterday, often and much; Emma long ago, once and little.
    people = {who: _buyer(10 * place, 6 - place, 600 - 100 * place) for place, who in enumerate(NAMES[:5], start=1)}

    assert _scores(run, people) == {
        "Ana": (5, 5, 5),
        "Bo": (4, 4, 4),
        "Chen": (3, 3, 3),
        "Dai": (2, 2, 2),
        "Emma": (1, 1, 1),
    }


def test_ten_purchasers_make_fifths_of_two(run: Run) -> None:
    people = {who: _buyer(place, place, place) for place, who in enumerate(NAMES[:10], start=1)}

    by_name = _scores(run, people)
    assert [by_name[who][1] for who in NAMES[:10]] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [by_name[who][0] for who in NAMES[:10]] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_equal_values_share_the_score_of_the_lower_end(run: Run) -> None:
    # Eight of ten bought once: nobody is strictly worse, so all score 1. The other two have 80 % below them.
    people = {who: _buyer(5, 1 if place <= 8 else 7, 100) for place, who in enumerate(NAMES[:10], start=1)}

    by_name = _scores(run, people)

    assert [by_name[who][1] for who in NAMES[:10]] == [1] * 8 + [5] * 2
    # All bought on the same day for the same amount: nobody is better than anybody.
    assert {(recency, money) for recency, _, money in by_name.values()} == {(1, 1)}


def test_no_order_in_the_look_back_scores_lowest_but_scores(run: Run) -> None:
    people = {who: _buyer(10 * place, 2, 1000) for place, who in enumerate(NAMES[:4], start=1)} | {"Emma": _buyer(800, 0, 0)}

    by_name = _scores(run, people)

    assert by_name["Emma"] == (1, 1, 1)
    assert by_name["Ana"] == (5, 2, 2)  # one of five is strictly worse


@pytest.mark.parametrize("size", [1, 4])
def test_fewer_than_five_purchasers_all_score_three(run: Run, size: int) -> None:
    people = {who: _buyer(10 * place, place, place) for place, who in enumerate(NAMES[:size], start=1)}

    assert set(_scores(run, people).values()) == {(3, 3, 3)}


def test_prospects_have_no_rfm_row(run: Run) -> None:
    assert _scores(run, {"Ana": {}, "Bo": _buyer(1, 1, 1)}) == {"Bo": (3, 3, 3)}


def test_labels_come_in_both_languages(run: Run) -> None:
    people = {who: _buyer(10 * place, 6 - place, 600 - 100 * place) for place, who in enumerate(NAMES[:5], start=1)}
    publish_inputs(run.warehouse, AS_OF, people)
    assign(run)

    rows = read_slice(run.warehouse, "segments.rfm", AS_OF)

    names = ("rfm_class", "rfm_class_zh", "rfm_segment", "rfm_segment_zh")
    assert [rows["Ana"][name] for name in names] == ["high_value", "高价值", "champions", "冠军客户"]
    assert [rows["Chen"][name] for name in names] == ["general", "一般", "need_attention", "需要关注客户"]
    assert [rows["Emma"][name] for name in names] == ["low_value", "低价值", "lost", "已流失客户"]
