"""Rows that come, change and go while pages are read: what was there throughout is delivered, and nothing twice."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.sources.rest import RequestRefused, SourceMoving, TooManyEqual, paging
from tests.retention.sources.rest.server import BROKEN, HTML, RESET, Server, cut, serving, status, without_records
from tests.retention.sources.rest.shop import Shop, at, describe, ids, read

MOVABLE = ["offset", "page", "page_fixed", "token", "keyset", "since"]
AFTER_UPPER = 60 * 24 * 30


def delete(shop: Shop, *numbers: int) -> None:
    gone = {f"{number:04d}" for number in numbers}
    shop.rows = [row for row in shop.rows if row["id"] not in gone]


@pytest.mark.parametrize("style", MOVABLE)
def test_rows_deleted_behind_the_reader_hide_none_ahead(tmp_path: Path, style: str) -> None:
    shop = Shop(60)
    shop.before = lambda page: delete(shop, 2 * page - 1, 2 * page) if page in (2, 3, 4) else None
    with serving(shop) as server:
        found = ids(read(server, describe(tmp_path, style)))
    assert len(found) == len(set(found))
    assert set(found) >= {f"{number:04d}" for number in range(9, 61)}


@pytest.mark.parametrize("style", MOVABLE)
def test_a_row_changed_while_reading_moves_to_the_end_and_hides_none(tmp_path: Path, style: str) -> None:
    """Dai is changed again after page 1: she belongs to the next day now, and the row that took her place is still read."""
    shop = Shop(60)

    def change(page: int) -> None:
        if page == 2:
            shop.rows[3]["changed"] = at(AFTER_UPPER)

    shop.before = change
    with serving(shop) as server:
        found = ids(read(server, describe(tmp_path, style)))
    assert len(found) == len(set(found))
    assert set(found) >= {f"{number:04d}" for number in range(1, 61) if number != 4}


@pytest.mark.parametrize("style", MOVABLE)
def test_rows_that_come_early_in_the_order_double_none(tmp_path: Path, style: str) -> None:
    shop = Shop(60)
    shop.before = lambda page: shop.add(-page) and None if page in (2, 3, 4) else None
    with serving(shop) as server:
        found = ids(read(server, describe(tmp_path, style)))
    assert len(found) == len(set(found))
    assert set(found) >= {f"{number:04d}" for number in range(1, 61)}


def test_without_the_anchor_a_deletion_hides_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard turned off: pages laid end to end, as a plain reader lays them."""

    def plain(self: paging.Walk) -> Any:
        for start in itertools.count(0, 5):
            page = self._page(offset=start, after=None)
            yield list(page.rows)
            if not page.more:
                return

    shop = Shop(60)
    shop.before = lambda page: delete(shop, 1) if page == 2 else None
    monkeypatch.setattr(paging.Walk, "_window", plain)
    with serving(shop) as server:
        found = ids(read(server, describe(tmp_path, "offset")))
    assert "0006" not in found


def test_without_a_second_reading_a_deletion_hides_a_row(tmp_path: Path) -> None:
    """The guard turned off by a promise that the API does not keep: its tokens are offsets."""
    for stable, expected in ((True, False), (False, True)):
        shop = Shop(60)
        shop.says = {"more": True, "total": False}
        shop.before = lambda page, shop=shop: delete(shop, 1) if page == 2 else None
        with serving(shop) as server:
            found = ids(read(server, describe(tmp_path, "token", paging={"stable": stable})))
        assert ("0006" in found) is expected


def test_a_row_that_comes_while_tokens_are_followed_is_no_missing_one(tmp_path: Path) -> None:
    """The count at the end of the first reading is one more than it brought: explained by the second."""
    shop = Shop(23)
    shop.before = lambda page: shop.add(-1) and None if page == 3 else None
    with serving(shop) as server:
        assert len(set(ids(read(server, describe(tmp_path, "token"))))) == 24


# Equal times


@pytest.mark.parametrize("rows", [4, 5, 6, 10, 11, 23])
@pytest.mark.parametrize("says", [True, False])
@pytest.mark.parametrize("style", ["offset", "keyset", "token", "since"])
def test_equal_times_on_a_page_border(tmp_path: Path, style: str, rows: int, says: bool) -> None:
    """All answers of a morning carry one time, more of them than a page holds."""
    shop = Shop(rows, same_time=True)
    shop.says = {"more": says, "total": says}
    with serving(shop) as server:
        found = ids(read(server, describe(tmp_path, style)))
    assert found == [f"{number:04d}" for number in range(1, rows + 1)]


@pytest.mark.parametrize("before", range(1, 7))
def test_a_block_of_equal_times_anywhere_on_the_pages(tmp_path: Path, before: int) -> None:
    shop = Shop(before)
    for _ in range(13):
        shop.add(500)
    for number in range(4):
        shop.add(600 + number)
    with serving(shop) as server:
        assert ids(read(server, describe(tmp_path, "since"))) == [f"{number:04d}" for number in range(1, before + 18)]


def test_equal_times_that_cannot_be_paged_are_said(tmp_path: Path) -> None:
    with serving(Shop(12, same_time=True)) as server:
        spec = describe(tmp_path, "since", request={"params": {"after": "{after}", "size": "{page_size}"}})
        with pytest.raises(TooManyEqual, match="more than 5 records share one value of changed"):
            read(server, spec)


def test_an_order_that_is_not_kept_is_said(tmp_path: Path) -> None:
    shop = Shop(12)
    shop._sorted = lambda key="changed": list(reversed(shop.rows))  # type: ignore[method-assign]
    with serving(shop) as server:
        with pytest.raises(RequestRefused, match="not in ascending order of id"):
            read(server, describe(tmp_path, "keyset"))


def test_a_filter_that_is_not_heeded_is_said(tmp_path: Path) -> None:
    with serving(Shop(12)) as server:
        spec = describe(tmp_path, "keyset", request={"params": {"behind": "{after}", "size": "{page_size}"}})
        with pytest.raises(RequestRefused, match="does not heed"):
            read(server, spec)


def test_bounds_hold_whatever_the_api_sends(tmp_path: Path) -> None:
    """The lower bound is included and the upper one is not; a row without a time comes with the first load alone as with SQL."""
    from tests.retention.sources.rest.shop import START

    shop = Shop(10)
    shop.rows[4]["changed"] = None
    shop._sorted = lambda key="changed": shop.rows  # type: ignore[method-assign]
    from datetime import timedelta

    with serving(shop) as server:
        spec = describe(tmp_path, "offset")
        found = ids(read(server, spec, lower=START + timedelta(minutes=2), upper=START + timedelta(minutes=8)))
    assert found == ["0003", "0004", "0005", "0006", "0007", "0008"]


# Anything at all

FAULTS = [status(503), status(429, Retry_After="3"), RESET, BROKEN, HTML, cut, without_records("data")]


@st.composite
def stories(draw: st.DrawFn) -> dict[str, Any]:
    """A style, a table, and what happens before each of the first pages: mostly to rows that were read already."""
    events = st.tuples(st.sampled_from(["delete", "delete", "update", "insert"]), st.integers(0, 9) | st.integers(0, 10_000))
    rows = draw(st.sampled_from([1, 4, 5, 6, 11, 30, 47, 70]))
    return {
        "style": draw(st.sampled_from([*MOVABLE, "link"])),
        "minutes": draw(st.lists(st.integers(0, 30), min_size=rows, max_size=rows)),
        "says": draw(
            st.sampled_from(
                [
                    {"more": True, "total": True},
                    {"more": True, "total": False},
                    {"more": False, "total": True},
                    {"more": False, "total": False},
                ]
            )
        ),
        "events": draw(st.dictionaries(st.integers(2, 14), st.lists(events, min_size=1, max_size=6), max_size=8)),
        "faults": draw(st.dictionaries(st.integers(1, 25), st.sampled_from(FAULTS), max_size=3)),
    }


def tell(story: dict[str, Any], server: Server, folder: Path) -> None:
    """Read while the story happens, and compare with the rows that were there, unchanged, throughout."""
    shop = Shop()
    for minute in story["minutes"]:
        shop.add(minute)
    shop.says = story["says"]
    touched: set[str] = set()
    serial = itertools.count(5000)

    def before(page: int) -> None:
        for kind, pick in story["events"].get(page, ()):
            if kind == "insert":
                shop.rows.append({**shop.add(pick % 40), "id": f"{next(serial):04d}"})
                shop.rows.pop(-2)
            elif shop.rows:
                row = shop.rows[pick % len(shop.rows)]
                touched.add(row["id"])
                if kind == "delete":
                    shop.rows.remove(row)
                else:
                    row["changed"] = at(AFTER_UPPER + page)

    shop.before = before
    there = {row["id"] for row in shop.rows}
    server.app, server.faults, server._counted = shop, dict(story["faults"]), 0
    limits = {"attempts": 8, "read_seconds": 5, "total_seconds": 10}
    try:
        found = ids(read(server, describe(folder, story["style"], limits=limits)))
    except SourceMoving:  # never in silence
        assert story["style"] in ("token", "link", "page_fixed")
        return
    assert len(found) == len(set(found)), "a row came twice"
    assert set(found) >= there - touched, "a row that was there throughout did not come"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=stories())
def test_what_was_there_throughout_is_delivered_once(story: dict[str, Any]) -> None:
    with serving(Shop()) as server, tempfile.TemporaryDirectory() as folder:
        tell(story, server, Path(folder))
