"""The weekly review: a region that falls behind is found with the play to reconsider, and chance is not."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retention.measurement import review_complaints
from retention.measurement.review import is_due, review_strategy
from retention.measurement.review.compare import Cell, findings, flagged
from retention.warehouse import Run
from tests.retention.measurement.conftest import DAY, at
from tests.retention.privacy.conftest import insert

EARLIER = DAY - timedelta(days=28)


def share(member: str, kept: float, of: float, dimension: str = "region") -> Cell:
    return Cell("retention_rate", dimension, member, kept, of, int(of))


def test_a_group_far_behind_is_found_and_small_differences_are_not() -> None:
    now = [share("all", 700, 1_000, "all"), share("Sichuan", 100, 200), share("Zhejiang", 600, 800)]
    found = {finding.now.member: finding for finding in findings(now, [], smallest=10)}
    assert found["Sichuan"].is_behind
    assert (found["Sichuan"].now.value, found["Sichuan"].others) == (0.5, 0.75)
    assert not found["Zhejiang"].is_behind, "better than the others is no reason to do something"
    even = [share("all", 700, 1_000, "all"), share("Sichuan", 136, 200), share("Zhejiang", 564, 800)]
    assert flagged(findings(even, [], smallest=10)) == []


def test_a_group_that_falls_is_found_beside_its_own_past() -> None:
    now = [share("all", 1_000, 2_000, "all"), share("Sichuan", 500, 1_000), share("Zhejiang", 500, 1_000)]
    before = [share("all", 1_250, 2_000, "all"), share("Sichuan", 750, 1_000), share("Zhejiang", 500, 1_000)]
    (found,) = flagged(findings(now, before, smallest=10))
    assert (found.now.member, found.is_behind, found.is_falling, found.before) == ("Sichuan", False, True, 0.75)


def test_more_complaints_are_worse_and_a_higher_nps_is_better() -> None:
    def cells(complaints: float, promoters: float) -> list[Cell]:
        return [
            Cell("complaint_rate", "all", "all", 100, 1_000, 900), Cell("nps", "all", "all", 30_000, 1_000, 1_000),
            Cell("complaint_rate", "tier", "vip", complaints, 200, 200), Cell("nps", "tier", "vip", promoters, 200, 200),
        ]  # fmt: skip

    assert [finding.now.kpi for finding in flagged(findings(cells(60, 16_000), [], smallest=10))] == ["complaint_rate"]
    assert [finding.now.kpi for finding in flagged(findings(cells(20, -10_000), [], smallest=10))] == ["nps"]


def test_of_many_groups_that_are_alike_chance_flags_hardly_any() -> None:
    """400 reviews of 20 regions without any difference: taken one by one, nearly every review would name one."""
    import numpy as np

    rng = np.random.default_rng(4)
    reviews_with_alarm = single_alarms = 0
    for _ in range(400):
        kept = rng.binomial(100, 0.6, 20)
        now = [share("all", float(kept.sum()), 2_000, "all"), *(share(f"r{n}", float(k), 100) for n, k in enumerate(kept))]
        reviews_with_alarm += bool(flagged(findings(now, [], smallest=10)))
        single_alarms += bool((np.abs(kept - 60) > 1.96 * np.sqrt(100 * 0.24)).any())
    assert reviews_with_alarm / 400 <= 0.06
    assert single_alarms / 400 > 0.5


def test_groups_too_small_to_be_shown_are_left_out_and_so_is_their_rest() -> None:
    now = [share("all", 60, 109, "all"), share("Tibet", 1, 9), share("elsewhere", 59, 100)]
    assert findings(now, [], smallest=10) == [], "the nine could be told from everybody less the hundred"


@pytest.fixture
def company(make_run: Callable[..., Run]) -> Run:
    """Two regions of 60 customers each who all bought in winter; in Zhejiang nearly all came back, in Sichuan nearly nobody.

    The play `care` reaches Sichuan and has been measured without effect; a complaint about a torn <b>box</b> comes from 12 of them.
    """
    run = make_run()
    for day in (EARLIER, DAY):
        for who in range(1, 121):
            insert(run.warehouse, "segments.tier", {"as_of_date": day, "customer_key": who, "service_tier": "ordinary"})
            insert(run.warehouse, "segments.lifecycle", {"as_of_date": day, "customer_key": who, "lifecycle_stage": "repeat"})
            insert(run.warehouse, "segments.membership", {"as_of_date": day, "customer_key": who, "membership_level": "basic"})
    for who in range(1, 121):
        insert(
            run.warehouse,
            "core.customer",
            {"customer_key": who, "valid_from": at("2025-01-01"), "region": "Zhejiang" if who <= 60 else "Sichuan|<i>"},
        )
        orders = ["2025-12-01 12:00"]
        if who <= 55 or who > 117:
            orders.append("2026-03-20 12:00")
        for number, when in enumerate(orders, start=1):
            insert(
                run.warehouse,
                "core.order_entry",
                {
                    "customer_key": who, "order_key": who * 10 + number, "kind": "paid", "sequence": 1, "happened_at": at(when),
                    "order_count": 1, "gross_minor": 100, "discount_minor": 0, "net_minor": 100, "order_number": number,
                    "source": "sales", "batch_id": 1,
                },
            )  # fmt: skip
        if who > 60:
            delivery = {"send_key": f"care|{who}", "play": "care", "customer_key": who, "as_of_date": date(2026, 3, 2)}
            insert(run.warehouse, "campaigns.delivery", delivery)
        if who > 108:
            insert(
                run.warehouse,
                "core.complaint",
                {
                    "complaint_key": who, "customer_key": who, "opened_at": at("2026-03-15 09:00"),
                    "valid_from": at("2026-03-15 09:00"), "root_cause": "torn <b>box</b>", "category": "delivery",
                    "severity": "severe" if who == 120 else "minor",
                },
            )  # fmt: skip
    insert(run.warehouse, "campaigns.play", {"play": "care", "name_en": "Base care", "name_zh": "标准关怀"})
    effect: dict[str, Any] = {
        "as_of_date": DAY, "play": "care", "service_tier": "all", "outcome": "net_revenue_minor", "outcome_days": 28,
        "difference": 3.0, "detectable": 250.0, "verdict": "no_effect_seen",
    }  # fmt: skip
    insert(run.warehouse, "bi.play_effect", effect)
    return run


def test_the_region_the_play_and_the_cause_stand_in_the_report(company: Run, tmp_path: Path) -> None:
    review_complaints(company)
    counts = review_strategy(company, tmp_path)
    with company.warehouse.connect() as connection:
        rows = connection.execute(sa.text("select * from bi.strategy_review where is_behind and dimension = 'region'")).all()
    (behind,) = [row for row in rows if row.kpi == "retention_rate"]
    assert (behind.member, behind.value, behind.plays, behind.advice, behind.advice_play) == (
        "Sichuan|<i>", 3 / 60, ["care"], "no_effect", "care",
    )  # fmt: skip
    assert behind.others == 55 / 60
    assert counts["findings"] >= 1
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"{DAY}.{language}.{kind}" for language in ("en", "zh") for kind in ("html", "md")]
    english, chinese = ((tmp_path / f"{DAY}.{language}.md").read_text() for language in ("en", "zh"))
    assert "Base care shows no effect on them; an effect of 2.50 CNY a customer would have been seen" in english
    assert "“标准关怀”未见效果" in chinese
    assert "5.0%" in english
    assert "torn \\<b\\>box\\</b\\> | delivery | 12 | 1" in english


def test_what_a_source_wrote_is_text_on_the_page(company: Run, tmp_path: Path) -> None:
    review_strategy(company, tmp_path)
    page = (tmp_path / f"{DAY}.en.html").read_text()
    assert "Sichuan|&lt;i&gt;" in page
    assert "<i>" not in page
    assert "default-src 'none'" in html.unescape(page), "nothing runs, nothing is fetched"


def test_a_review_again_is_the_same_to_the_byte(company: Run, tmp_path: Path) -> None:
    review_strategy(company, tmp_path)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    review_strategy(company, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_one_review_a_week(make_run: Callable[..., Run]) -> None:
    due = [day for day in range(23, 30) if is_due(make_run(business_date=date(2026, 3, day)))]
    assert due == [29], "the Sunday whose close is Monday morning"
