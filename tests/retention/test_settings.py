"""Settings: shipped defaults, overrides from TOML, and messages that name the nearest known setting."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from retention.deployment import Deployment
from retention.settings import Settings, SettingsError, load_settings


def test_overrides_change_only_what_they_name(tmp_path):
    path = tmp_path / "retention.toml"
    path.write_text(
        "[churn]\nhorizon_days = 60\n[clv]\ninterval = 1\n"
        '[[membership.levels]]\nname = "all"\nname_zh = "全部"\nfrom_spend = 0\n'
    )
    settings = load_settings(path)
    assert settings.churn.horizon_days == 60
    assert settings.churn.contract_grace_days == Settings().churn.contract_grace_days
    assert settings.clv.interval == 1.0
    assert [level.name for level in settings.membership.levels] == ["all"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[churm]\nhorizon_days = 60", r"\[churm\] is no group of settings; did you mean churn\?", id="group"),
        pytest.param("[churn]\nhorizon = 60", r"\[churn\]: horizon is no setting; did you mean horizon_days\?", id="name"),
        pytest.param("[churn]\nhorizon_days = '60'", "horizon_days must be int, is str", id="type"),
        pytest.param("[churn]\nhorizon_days = true", "horizon_days must be int, is bool", id="bool is no int"),
    ],
)
def test_a_wrong_override_is_refused(tmp_path, text, message):
    path = tmp_path / "retention.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings(path)


def test_the_business_day_is_cut_in_the_business_time_zone():
    settings = Settings()
    assert settings.day_start(date(2026, 4, 1)) == datetime(2026, 3, 31, 16, tzinfo=UTC)
    assert settings.day_end(date(2026, 3, 31)) == settings.day_start(date(2026, 4, 1))


def test_secrets_are_not_printed_and_a_short_pepper_is_refused(tmp_path):
    deployment = Deployment.from_env({"RETENTION_HOME": str(tmp_path)})
    with pytest.raises(SettingsError, match="retention init"):
        deployment.secrets()
    deployment.pepper_file.parent.mkdir()
    deployment.pepper_file.write_bytes(b"short")
    with pytest.raises(SettingsError, match="shorter than 32 bytes"):
        deployment.secrets()
    deployment.pepper_file.write_bytes(b"p" * 40)
    assert "ppp" not in repr(deployment.secrets())


def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "retention.toml"
    path.write_text("[campaigns\ncontact_cap_days = 14\n")
    with pytest.raises(SettingsError, match=r"retention.toml is not valid TOML: .*line 1"):
        load_settings(path)
