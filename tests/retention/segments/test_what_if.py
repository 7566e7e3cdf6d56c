"""What-if: who would move under other settings, with what they bring and cost; and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from retention.cli import app
from retention.cli._segment import what_if_markdown
from retention.segments import assign
from retention.segments.reference import REFERENCE_DIR
from retention.segments.what_if import WhatIf, what_if
from retention.settings import LifecycleSettings, Settings, SettingsError, ValueSettings
from retention.warehouse import RetentionError, Run, Warehouse, all_contracts
from tests.sql.features.company import KEYS
from tests.sql.segments.slices import publish_inputs

AS_OF = date(2026, 4, 1)
PRESENT = Settings(value=ValueSettings(current_value_cutoff=10, potential_value_cutoff=10))
LOWER = Settings(value=ValueSettings(current_value_cutoff=10, potential_value_cutoff=5))
#  Predicted values in fen; four purchasers, so all are general by RFM: potential above the cut-off, marginal below it.
PEOPLE = {
    "Ana": {"recency_days": 5, "clv_12m_minor": 2000, "net_minor_365d": 100, "count_orders_lifetime": 1},
    "Bo": {"recency_days": 6, "clv_12m_minor": 900, "net_minor_365d": 90, "count_orders_lifetime": 1},
    "Chen": {"recency_days": 7, "clv_12m_minor": 505, "net_minor_365d": 80, "count_orders_lifetime": 1},
    "Dai": {"recency_days": 8, "clv_12m_minor": 100, "net_minor_365d": 70, "count_orders_lifetime": 1},
    "Emma": {},
}


@pytest.fixture
def day(make_run: Callable[..., Run]) -> Run:
    """The day before the date and the date itself, assigned, with two deliveries."""
    for as_of in (AS_OF - timedelta(days=1), AS_OF):
        run = make_run(as_of - timedelta(days=1), settings=PRESENT)
        publish_inputs(run.warehouse, as_of, PEOPLE)
        assign(run)
    with run.warehouse.begin() as connection:
        # Ana, potential, was contacted for 40 fen and Bo, marginal, for 10; an older contact counts no more.
        for number, (who, cost, on) in enumerate([("Ana", 40, AS_OF), ("Bo", 10, AS_OF), ("Bo", 99, date(2025, 12, 1))]):
            connection.execute(
                sa.text(
                    "insert into campaigns.delivery (send_key, play, customer_key, kind, period_key, channel, is_capped, offer, "
                    "offer_terms, content_key, reasons_en, reasons_zh, cost_minor, as_of_date, valid_from, valid_until, sync_id, "
                    "delivered_at) values (:send_key, 'birthday', :key, 'promotional', 'p', 'sms', true, 'o', '{}', 'c', 'r', 'r', "
                    ":cost, :on, now(), now(), 1, now())"
                ),
                {"send_key": f"k{number}", "key": KEYS[who], "cost": cost, "on": on},
            )
    return run


def _moves(found: WhatIf, dimension: str) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    return {
        (one.from_member, one.to_member): (one.settled, one.next_run, one.net_minor, one.predicted_minor)
        for one in found.movers(dimension)
    }


def _contents(warehouse: Warehouse) -> dict[str, int]:
    with warehouse.connect() as connection:
        return {
            contract.table: connection.execute(
                sa.text(
                    "select coalesce(sum(hashtextextended(cast(one as text), 0)), 0) "
                    f'from {contract.schema}."{contract.name}" as one'
                )
            ).scalar_one()
            for contract in all_contracts().values()
            if contract.database == "warehouse" and contract.kind != "view"
        }


def test_a_lower_cut_off_moves_those_between(day: Run) -> None:
    before = _contents(day.warehouse)

    found = what_if(day.warehouse, AS_OF, PRESENT, LOWER)

    # Bo and Chen lie between 5 and 10 yuan; Chen so narrowly above 5 that the next run would not move him yet.
    assert found.changes == ("value.potential_value_cutoff 10 -> 5",)
    assert _moves(found, "value_class") == {("marginal", "growth"): (2, 2, 170, 1405)}
    assert _moves(found, "tier") == {("marginal", "potential"): (2, 1, 170, 1405)}
    assert (found.customers("tier"), found.movers("stage"), found.movers("membership_level")) == (5, [], [])
    # A marginal customer cost 10 / 4, a potential one 40: two movers cost 2 x 37.5 more than the 50 so far.
    assert found.contact_cost_change() == (75.0, 50)
    assert _contents(day.warehouse) == before

    text = what_if_markdown(found, "CNY", 2)
    assert "- `value.potential_value_cutoff 10 -> 5`" in text
    assert "2 of 5 customers (40.0%) change service tier; 1 change at the next run." in text
    assert "5 位客户中有 2 位(40.0%)的服务层级发生变化;下次运行时变化 1 位。" in text
    assert "Contact cost of 90 days: +150.0% (+0.75 CNY)" in text
    assert "| service tier | Marginal 边缘客户 | Potential 潜力客户 | 2 | 1 | 2 | 14 | 0.10 |" in text


def test_other_thresholds(day: Run) -> None:
    higher = Settings(value=ValueSettings(current_value_cutoff=10, potential_value_cutoff=100))
    # Down only after the days of grace: not at the next run.
    assert _moves(what_if(day.warehouse, AS_OF, PRESENT, higher), "tier") == {("potential", "marginal"): (1, 0, 100, 2000)}

    lost_soon = Settings(value=PRESENT.value, lifecycle=LifecycleSettings(lost_days=6))
    assert _moves(what_if(day.warehouse, AS_OF, PRESENT, lost_soon), "stage") == {("new", "lost"): (2, 2, 150, 605)}


def test_a_changed_table_of_rules(day: Run, tmp_path: Path) -> None:
    text = (REFERENCE_DIR / "service_tiers.csv").read_text(encoding="utf-8")
    (tmp_path / "service_tiers.csv").write_text(
        text.replace("growth,general,potential", "growth,general,vip"), encoding="utf-8"
    )

    found = what_if(day.warehouse, AS_OF, PRESENT, PRESENT, tmp_path)

    assert found.changes == ("rules in service_tiers.csv",)
    assert _moves(found, "tier") == {("potential", "vip"): (1, 1, 100, 2000)}

    (tmp_path / "service_tiers.csv").write_text("value_class,rfm_class,service_tier\n", encoding="utf-8")
    with pytest.raises(RetentionError, match="expected 20 rows"):
        what_if(day.warehouse, AS_OF, PRESENT, PRESENT, tmp_path)


def test_the_database_itself_refuses_to_write(day: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention.segments import what_if as module

    real = module.sql_file
    wrong = "with gone as (delete from segments.tier returning 1) select * from gone"
    monkeypatch.setattr(module, "sql_file", lambda name: wrong if name == "segments/_what_if" else real(name))

    with pytest.raises(RetentionError, match="ReadOnlySqlTransaction"):
        what_if(day.warehouse, AS_OF, PRESENT, LOWER)
    with pytest.raises(SettingsError, match=r"tier_up_probability at least 0\.5"):
        what_if(day.warehouse, AS_OF, PRESENT, Settings(value=ValueSettings(tier_up_probability=0.4)))


# -- the commands -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.delenv("RETENTION_WAREHOUSE_URL", raising=False)
    settings = tmp_path / "own.toml"
    settings.write_text("[value]\ncurrent_value_cutoff = 10\npotential_value_cutoff = 10\n")
    monkeypatch.setenv("RETENTION_SETTINGS", str(settings))
    return lambda *arguments: CliRunner().invoke(app, ["segment", *map(str, arguments)])


def test_commands(day: Run, cli: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", day.warehouse.url.render_as_string(hide_password=False))
    page = tmp_path / "what-if.md"
    result = cli("what-if", "--set", "value.potential_value_cutoff=5", "--markdown", page)
    assert result.exit_code == 0, result.output
    assert "2 of 5 customers" in result.output
    assert "2 of 5 customers" in page.read_text(encoding="utf-8")

    result = cli("stability")
    assert result.exit_code == 0, result.output
    assert "2026-03-31" in result.output
    assert "nobody moved" in result.output

    result = cli("history", KEYS["Ana"])
    assert result.exit_code == 0, result.output
    assert "首次出现" in result.output
    assert "New 新客户" in result.output

    result = cli("tags", KEYS["Ana"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "value.potential_value_cutof=5"), "did you mean"),
        (("--set", "potential=5"), "is not GROUP.NAME=VALUE"),
        (("--set", "value.potential_value_cutoff=x"), "is no number"),
        (("--set", "value.potential_value_cutoff=10"), "nothing is changed"),
        (("--set", "churn.horizon_days=10"), "nothing is changed"),
    ],
)
def test_wrong_use(cli: Callable[..., Result], arguments: tuple[str, ...], message: str) -> None:
    result = cli("what-if", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())
