"""segments.membership: levels by spend, what is missing to the next, points."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from retention.segments import assign
from retention.settings import MembershipLevel, MembershipSettings, Settings
from retention.warehouse import Run
from tests.sql.segments.slices import publish_inputs, read_slice

AS_OF = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("spend", "level", "level_zh", "next_level", "missing"),
    [
        pytest.param(0, "basic", "普通会员", "silver", 1_000_000, id="nothing yet"),
        pytest.param(999_999, "basic", "普通会员", "silver", 1, id="one fen short of silver"),
        pytest.param(1_000_000, "silver", "银卡会员", "gold", 1_000_000, id="silver to the fen"),
        pytest.param(2_000_000, "gold", "金卡会员", None, None, id="gold has no level above"),
        pytest.param(-500, "basic", "普通会员", "silver", 1_000_500, id="more given back than spent"),
    ],
)
def test_level(run: Run, spend: int, level: str, level_zh: str, next_level: str | None, missing: int | None) -> None:
    publish_inputs(run.warehouse, AS_OF, {"Ana": {"recency_days": 1, "net_minor_membership_year": spend}})
    assign(run)

    row = read_slice(run.warehouse, "segments.membership", AS_OF)["Ana"]

    assert (row["membership_level"], row["membership_level_zh"], row["membership_spend_minor"]) == (level, level_zh, spend)
    assert (row["next_level"], row["amount_to_next_level_minor"]) == (next_level, missing)


def test_prospects_are_members_with_points(run: Run) -> None:
    publish_inputs(run.warehouse, AS_OF, {"Ana": {"points_balance": 300, "points_expiring_30d": 120}})
    assign(run)

    row = read_slice(run.warehouse, "segments.membership", AS_OF)["Ana"]

    assert (row["membership_level"], row["points_balance"], row["points_expiring_30d"]) == ("basic", 300, 120)


def test_levels_are_settings_in_any_order(make_run: Callable[..., Run]) -> None:
    levels = (MembershipLevel("black", "黑卡会员", 500), MembershipLevel("white", "白卡会员", 0))
    run = make_run(settings=Settings(membership=MembershipSettings(levels=levels)))
    publish_inputs(run.warehouse, AS_OF, {"Ana": {"recency_days": 1, "net_minor_membership_year": 60_000}, "Bo": {}})
    assign(run)

    rows = read_slice(run.warehouse, "segments.membership", AS_OF)

    assert (rows["Ana"]["membership_level"], rows["Ana"]["next_level"]) == ("black", None)
    assert (rows["Bo"]["membership_level"], rows["Bo"]["next_level_zh"]) == ("white", "黑卡会员")
