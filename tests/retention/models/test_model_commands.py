"""The command line about models: which scores and why, one customer's reasons, past dates lived again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from retention import features, models
from retention.cli import app
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER

Cli = Callable[..., Result]


@pytest.fixture
def cli(home: Path, warehouse: Warehouse, marketing: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", warehouse.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETENTION_MARKETING_URL", marketing.url.render_as_string(hide_password=False))
    monkeypatch.setenv("COLUMNS", "400")
    (home / "retention.toml").write_text("[churn]\nhorizon_days = 60\ntraining_dates = 2\nminimum_history_days = 60\n")
    monkeypatch.setenv("RETENTION_SETTINGS", str(home / "retention.toml"))
    (home / "secrets").mkdir(mode=0o700)
    (home / "secrets" / "pepper").write_bytes(PEPPER)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


def versions(warehouse: Warehouse, kind: str, state: str) -> list[str]:
    with warehouse.connect() as connection:
        found = connection.execute(
            sa.text("select model_version from ops.model where kind = :kind and state = :state"), {"kind": kind, "state": state}
        )
        return list(found.scalars())


def test_models_are_listed_shown_promoted_and_rolled_back(cli: Cli, trained_run: Run, home: Path) -> None:
    warehouse = trained_run.warehouse
    (champion,) = versions(warehouse, "churn", "champion")
    listed = cli("model", "list", "--kind", "churn")
    assert listed.exit_code == 0, listed.output
    assert "champion" in listed.output
    shown = cli("model", "show", champion, "--report", home / "report.html")
    assert shown.exit_code == 0, shown.output
    for words in (champion, "recency_only", "auc", "decision"):
        assert words in shown.output
    assert champion in (home / "report.html").read_text()
    # There was no other champion yet; then a second version, by hand, takes over and is taken back.
    refused = cli("model", "rollback", "churn", "--reason", "Bo says so")
    assert refused.exit_code == 1
    assert "no earlier champion" in refused.output
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into ops.model (model_version, kind, state, as_of_date, labels_until, definition, horizon_days, file_name, "
            "file_sha256, training_rows, details, profile, decision, run_id) select 'churn-second', kind, 'challenger', as_of_date, "
            "labels_until, definition, horizon_days, file_name, file_sha256, training_rows, details, profile, 'kept back', run_id "
            f"from ops.model where model_version = '{champion}'"
        )
    promoted = cli("model", "promote", "churn-second", "--reason", "Ana knows why")
    assert promoted.exit_code == 0, promoted.output
    assert versions(warehouse, "churn", "champion") == ["churn-second"]
    assert "Ana knows why" in cli("model", "show", "churn-second").output
    assert cli("model", "rollback", "churn", "--reason", "it was worse").exit_code == 0
    assert versions(warehouse, "churn", "champion") == [champion]


def test_a_version_that_is_not_there(cli: Cli, trained_run: Run) -> None:
    for command in (("show", "churn-none"), ("promote", "churn-none", "--reason", "because")):
        answer = cli("model", *command)
        assert answer.exit_code == 1
        assert "no model churn-none" in answer.output
    for command in (("promote", "churn-none"), ("rollback", "churn")):
        assert cli("model", *command, "--reason", " ").exit_code == 2, "a decision without a reason"
    formula = cli("model", "rollback", "next_best", "--to-fallback", "--reason", "because")
    assert formula.exit_code == 1
    assert "next_best is a formula" in formula.output


def test_one_customer_is_explained_in_both_languages_in_a_band_or_not(cli: Cli, trained_run: Run) -> None:
    features.build(trained_run)
    models.score(trained_run)
    with trained_run.warehouse.connect() as connection:
        inside = connection.execute(sa.text("select min(customer_key) from scores.reason")).scalar_one()
        outside = connection.execute(
            sa.text(
                "select min(customer_key) from scores.churn where customer_key not in (select customer_key from scores.reason)"
            )
        ).scalar_one()
    kept = sa.text("select min(level) from ops.score_drift")
    with trained_run.warehouse.begin() as connection:
        connection.exec_driver_sql("update ops.score_drift set level = 'as scored'")
    for person in (inside, outside):
        answer = cli("explain", person)
        assert answer.exit_code == 0, answer.output
        assert "churn in 60 days 流失概率" in answer.output
        assert "why this churn probability 流失原因" in answer.output
        assert "↑" in answer.output or "↓" in answer.output
    with trained_run.warehouse.connect() as connection:
        assert connection.execute(kept).scalar_one() == "as scored", "looking at a customer changes nothing"
    stranger = cli("explain", 5)
    assert stranger.exit_code == 1
    assert "has no score" in stranger.output
    assert cli("explain", "crm:nobody").exit_code == 1
    assert cli("explain", "nobody").exit_code == 2
    # Another model has taken over since: its reasons are not those of the score that is shown.
    with trained_run.warehouse.begin() as connection:
        connection.exec_driver_sql("update scores.churn set model_version = 'churn-before'")
    answer = cli("explain", outside)
    assert answer.exit_code == 0, answer.output
    assert "churn-before, which scored then, does not score now" in answer.output
    assert "why this churn probability" not in answer.output


def test_past_dates_are_lived_again_and_nothing_is_written(cli: Cli, company_run: Run, home: Path) -> None:
    def state() -> int:
        with company_run.warehouse.connect() as connection:
            return int(connection.execute(sa.text("select count(*) from ops.published")).scalar_one())

    before = state()
    answer = cli("backtest", "--from", "2026-01-01", "--to", "2026-01-29", "--step", 28, "--out", home / "lived.json")
    assert answer.exit_code == 0, answer.output
    first, second = json.loads((home / "lived.json").read_text())
    assert (first["as_of"], second["as_of"]) == ("2026-01-01", "2026-01-29")
    for lived in (first, second):
        assert not lived["is_fallback"]
        assert lived["auc"] > 0.6
        assert abs(lived["predicted_churn"] - lived["actual_churn"]) < 0.15
        (rescue,) = [one for one in lived["audiences"] if one["play"] == "churn_rescue"]
        assert 0 < rescue["customers"] < lived["customers"]
        assert rescue["churned"] / rescue["customers"] > rescue["others_churn_rate"]
    assert "churn_rescue" in answer.output
    assert state() == before


def test_a_date_whose_horizon_has_not_passed_is_refused(cli: Cli, company_run: Run) -> None:
    answer = cli("backtest", "--from", "2099-01-01", "--to", "2099-01-01")
    assert answer.exit_code == 1
    assert "have not passed" in answer.output
    assert cli("backtest", "--from", "2026-02-01", "--to", "2026-01-01").exit_code == 2
