"""The reviewed tables: total, equal to their rules, guarded against slips of the pen."""

from __future__ import annotations

import io
import shutil
from itertools import product
from pathlib import Path

import pytest

from retention.segments.reference import REFERENCE_DIR, REFERENCE_FILES, ReferenceTableError, read_reference, sync_reference
from retention.segments.rfm_cells import CLASS_PATTERNS, class_of, rfm_cells, segment_of, write_cells
from retention.warehouse import Warehouse, read_frame


def test_shipped_cells_equal_their_rules() -> None:
    written = io.StringIO()
    write_cells(written)
    assert (REFERENCE_DIR / "rfm_cells.csv").read_text(encoding="utf-8") == written.getvalue()


def test_cells_are_total() -> None:
    cells = read_reference("segments.rfm_cell")
    assert {(c["recency_score"], c["frequency_score"], c["monetary_score"]) for c in cells} == set(
        product(range(1, 6), repeat=3)
    )
    assert {c["rfm_class"] for c in cells} == set(CLASS_PATTERNS)
    assert len({c["rfm_segment"] for c in cells}) == 11
    assert len(rfm_cells()) == 125


def test_tier_rule_is_total() -> None:
    rules = read_reference("segments.service_tier_rule")
    classes = {"strategic", "growth", "base", "marginal"}
    assert {(r["value_class"], r["rfm_class"]) for r in rules} == set(product(classes, {*CLASS_PATTERNS, "none"}))


def test_everything_assigned_has_a_label_in_both_languages() -> None:
    labels = {(row["label_group"], row["label"]) for row in read_reference("segments.label")}
    used = {("rfm_class", c["rfm_class"]) for c in read_reference("segments.rfm_cell")}
    used |= {("rfm_segment", c["rfm_segment"]) for c in read_reference("segments.rfm_cell")}
    used |= {("service_tier", r["service_tier"]) for r in read_reference("segments.service_tier_rule")}
    used |= {("value_class", r["value_class"]) for r in read_reference("segments.service_tier_rule")}
    assert used <= labels
    assert all(any("一" <= sign <= "鿿" for sign in str(row["label_zh"])) for row in read_reference("segments.label"))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param((5, 5, 5), "high_value", id="the pattern itself"),
        pytest.param((5, 1, 5), "potential", id="near, seldom, much"),
        pytest.param((1, 3, 3), "general", id="far, middle, middle"),
        pytest.param((1, 1, 1), "low_value", id="far, seldom, little"),
        pytest.param((5, 3, 5), "potential", id="4 from high value and from potential: the lower"),
        pytest.param((5, 1, 1), "low_value", id="16 from potential and from low value: the lower"),
        pytest.param((1, 1, 3), "low_value", id="4 from general and from low value: the lower"),
        pytest.param((4, 4, 4), "high_value", id="3 from high value, 11 from the next"),
    ],
)
def test_class_is_the_nearest_pattern(cell: tuple[int, int, int], expected: str) -> None:
    assert class_of(*cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ((5, 5, 4), "champions"),
        ((5, 1, 1), "new"),
        ((4, 1, 1), "promising"),
        ((4, 5, 4), "loyal"),
        ((5, 3, 2), "potential_loyalist"),
        ((3, 3, 3), "need_attention"),
        ((3, 2, 2), "about_to_sleep"),
        ((2, 4, 3), "at_risk"),
        ((1, 5, 5), "cannot_lose"),
        ((2, 2, 1), "hibernating"),
        ((1, 1, 1), "lost"),
    ],
)
def test_each_of_the_eleven_segments(cell: tuple[int, int, int], expected: str) -> None:
    assert segment_of(*cell) == expected


def test_sync_copies_and_repairs(warehouse: Warehouse) -> None:
    sync_reference(warehouse)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("update segments.rfm_cell set rfm_class = 'high_value'")
        connection.exec_driver_sql("delete from segments.label where label = 'vip'")

    sync_reference(warehouse)

    for table in REFERENCE_FILES:
        rows = read_frame(warehouse, f"select * from {table}")
        found = rows.astype(object).where(rows.notna(), None).to_dict("records")
        wanted = read_reference(table)
        assert sorted(map(repr, (tuple(row.values()) for row in found))) == sorted(
            map(repr, (tuple(r.values()) for r in wanted))
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(("strategic,none,potential\n", ""), "expected 20 rows.*found 19", id="a missing combination"),
        pytest.param(
            ("base,none,", "base,low_value,"), r"line \d+: \('base', 'low_value'\) is listed more than once", id="twice"
        ),
        pytest.param(("growth,none,ordinary", "growth,none,"), "line 11: service_tier is empty", id="an empty field"),
        pytest.param(("value_class,rfm_class", "value,rfm_class"), "line 1: expected the columns value_class", id="header"),
    ],
)
def test_a_slip_of_the_pen_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    for name in REFERENCE_FILES.values():
        shutil.copy(REFERENCE_DIR / name, tmp_path)
    path = tmp_path / "service_tiers.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")

    with pytest.raises(ReferenceTableError, match=message):
        read_reference("segments.service_tier_rule", tmp_path)
