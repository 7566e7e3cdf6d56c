"""Who is told of what is not well: once, reminded, and told of the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention.measurement.health import check_health, confirm_told, pending_news
from retention.settings import Settings
from retention.warehouse import Run
from tests.conftest import PEPPER
from tests.retention.measurement.conftest import DAY
from tests.retention.measurement.health.conftest import CLOSED, NOW, batch, found, ledger, table


def test_told_once_reminded_and_told_of_the_end(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order", refused=50)
    assert check_health(run, NOW)["begun"] == 1
    (news,) = pending_news(run, NOW)
    assert news.text.splitlines()[0] == "HEALTH 2026-04-01: 1 not well. 健康检查：异常 1 项。"
    assert "Source sales.order: 5 % of 1,000 rows of 2026-03-31 refused (at most 1 %)." in news.text
    assert "docs/health.md#rows-refused" in news.text
    assert pending_news(run, NOW) == [news], "who died before telling tells at the next look"
    confirm_told(run, news, [], NOW)
    for hours in (1, 24):
        check_health(run, NOW + timedelta(hours=hours))
        assert pending_news(run, NOW + timedelta(hours=hours)) == [], "told once, not every hour and not every day"
    later = NOW + timedelta(days=7)
    (reminder,) = pending_news(run, later)
    assert "STILL NOT WELL" in reminder.text
    confirm_told(run, reminder, [], later)
    batch(run, "order")
    with run.warehouse.begin() as connection:  # the day was delivered again
        connection.execute(sa.text("delete from ops.batch where rows_quarantined > 0"))
    check_health(run, later)
    assert pending_news(run, later) == [], "what wavers is not called well at once"
    check_health(run, later + timedelta(hours=1))
    (end,) = pending_news(run, later + timedelta(hours=1))
    assert "WELL AGAIN 已恢复: Source sales.order: 0 % of 1,000 rows" in end.text
    confirm_told(run, end, [], later)
    assert pending_news(run, later + timedelta(days=30)) == []


def test_a_channel_that_missed_it_is_told_alone(run: Run) -> None:
    batch(run, "order", refused=50)
    check_health(run, NOW)
    (news,) = pending_news(run, NOW)
    assert news.only == ()
    confirm_told(run, news, ["wecom"], NOW)
    (again,) = pending_news(run, NOW)
    assert again.only == ("wecom",)
    confirm_told(run, again, [], NOW + timedelta(days=3))
    assert pending_news(run, NOW + timedelta(days=6)) == []
    assert len(pending_news(run, NOW + timedelta(days=7))) == 1, "the reminder counts from when people were told first"


def test_since_says_when_the_state_began(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order", refused=50)
    check_health(run, NOW)
    check_health(make_run(CLOSED + timedelta(days=1)), NOW + timedelta(days=1))
    rows = table(run, "select as_of_date, state, since from bi.health where check_name = 'rows_refused'")
    assert rows == [(DAY + timedelta(days=1), "breach", NOW.astimezone(UTC))]
    kept = table(run, "select days_measured, days_kept, days_left from bi.health_objective where check_name = 'rows_refused'")
    assert kept == [(2, 0, pytest.approx(28 * 0.05 - 2))]


def test_a_day_of_long_ago_ends_no_alarm(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order", refused=50)
    check_health(run, NOW)
    confirm_told(run, pending_news(run, NOW)[0], [], NOW)
    check_health(make_run(date(2026, 1, 5)), NOW + timedelta(hours=5))
    assert pending_news(run, NOW + timedelta(hours=5)) == []
    assert table(run, "select ended_at from ops.health_episode") == [(None,)]


def test_a_play_that_is_gone_is_not_called_well(run: Run) -> None:
    ledger(run, "core", state="failed", started_at=NOW - timedelta(hours=5))
    check_health(run, NOW)
    confirm_told(run, pending_news(run, NOW)[0], [], NOW)
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.run_ledger where dataset = 'core'"))
    check_health(run, NOW + timedelta(days=3))
    assert pending_news(run, NOW + timedelta(days=3)) == []
    assert table(run, "select count(*) from ops.health_episode where ended_at is null") == [(0,)]


def test_warnings_are_sent_where_that_is_wanted(run: Run, make_run: Callable[..., Run]) -> None:
    batch(run, "order", refused=9)
    check_health(run, NOW)
    assert pending_news(run, NOW) == []
    eager = make_run(CLOSED, settings=replace(Settings(), health=replace(Settings().health, alert_warnings=True)))
    check_health(eager, NOW)
    assert len(pending_news(eager, NOW)) == 1


def test_a_message_names_twenty_and_counts_the_rest(run: Run) -> None:
    for number in range(30):
        batch(run, f"entity_{number:02}", refused=50)
    check_health(run, NOW)
    (news,) = pending_news(run, NOW)
    assert len(news.episodes) == 30
    assert news.text.count("refused (at most") == 20
    assert "… and 10 more, in bi.health." in news.text


def test_the_pipeline_tells_and_notes_who_missed_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention import pipeline
    from retention.alerts import Told

    batch(run, "order", refused=50)
    heard: list[tuple[str, ...]] = []

    def tell(told: Told) -> Callable[[str, str, tuple[str, ...]], Told]:
        def say(text: str, subject: str, only: tuple[str, ...]) -> Told:
            assert subject == "[retention] health: 1 not well"[: len(subject)] or "still not well" in subject
            heard.append(only)
            return told

        return say

    assert pipeline.check_health(run, NOW)["breach"] == 1
    assert pipeline.tell_health(run, NOW, tell(Told(failed={"configuration": "half"}))) == 1
    assert pipeline.tell_health(run, NOW, tell(Told(("webhook",), {"email": "SMTP 451"}))) == 1
    assert pipeline.tell_health(run, NOW, tell(Told(("email",)))) == 1
    assert pipeline.tell_health(run, NOW, tell(Told())) == 0
    assert heard == [(), (), ("email",)], "half a configuration told nobody; mail is told alone"


@pytest.mark.parametrize(("held_until", "is_late"), [("", True), ("2026-01-01", True), ("2100-01-01", False)])
def test_days_released_by_hand_are_not_late(run: Run, monkeypatch: pytest.MonkeyPatch, held_until: str, is_late: bool) -> None:
    from retention import pipeline

    monkeypatch.setenv("RETENTION_SCHEDULE_FROM", held_until)
    ledger(run, "core", date(2026, 3, 10))
    batch(run, "order", date(2026, 3, 10))
    assert pipeline.check_health(run, NOW)["breach"] == int(is_late)
    assert table(run, "select max(as_of_date) from bi.health") == [(DAY if is_late else date(2026, 3, 11),)]
    assert bool(found(run, "rows_refused")) is not is_late, "days that are released by hand are looked at, whenever they are"


def test_the_command_shows_what_is_not_well_and_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from retention.cli import app

    (tmp_path / "pepper").write_bytes(PEPPER)
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.setenv("RETENTION_PEPPER_FILE", str(tmp_path / "pepper"))
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", run.warehouse.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETENTION_MARKETING_URL", run.marketing.url.render_as_string(hide_password=False))
    batch(run, "order", refused=50)
    result = CliRunner().invoke(app, ["health", "--date", "2026-03-31"])
    assert result.exit_code == 5, result.output
    assert "breach  Source sales.order: 5 % of 1,000 rows of 2026-03-31 refused (at most 1 %)." in result.output
    assert "retention quarantine list" in result.output
    assert pending_news(run, NOW), "looking tells nobody"
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.batch"))
    assert CliRunner().invoke(app, ["health", "--date", "2026-03-31", "--all"]).exit_code == 0
