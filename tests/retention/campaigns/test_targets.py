"""Further targets: kept equal to the marketing database, read back, and told at once who may not be contacted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retention.campaigns.targets import TargetError, TargetsFailed, TargetUnreachable, feed_targets, load_targets
from retention.privacy.consent import sync_consent
from tests.retention.campaigns.conftest import Company
from tests.retention.campaigns.decided import Choice, consent_everybody, decide
from tests.retention.sources import mariadb

_COUNTER = itertools.count(1)
Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def mysql() -> Iterator[mariadb.MariaDb]:
    """One server for this module."""
    if reason := mariadb.missing():
        pytest.skip(reason)
    with mariadb.running() as running:
        running.do(None, "create user writer@'127.0.0.1' identified by 'w'", "grant all on *.* to writer@'127.0.0.1'")
        yield running


@pytest.fixture
def make_target(request: pytest.FixtureRequest, tmp_path: Path, make_database: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that makes an empty database of a kind."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'mirror.db'}"
        if kind == "postgresql":
            return make_database("empty")
        mysql = request.getfixturevalue("mysql")
        name = f"mirror_{next(_COUNTER)}"
        mysql.do(None, f"create database {name}")
        return f"mysql://writer:w@127.0.0.1:{mysql.port}/{name}"

    return make


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def every(request: pytest.FixtureRequest, make_target: Callable[[str], str]) -> str:
    """An empty database of each kind."""
    return make_target(request.param)


@pytest.fixture
def address(sqlite: str) -> str:
    """An empty database; of the other kinds in tests/faults/test_push_targets.py."""
    return sqlite


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'mirror.db'}"


def asking(address: str) -> Ask:
    """Return a function that runs a statement at a target and gives its rows."""
    url = sa.make_url(address)
    drivers = {"mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
    engine = sa.create_engine(url.set(drivername=drivers.get(url.drivername, url.drivername)), poolclass=sa.pool.NullPool)

    def ask(statement: str, **binds: Any) -> list[tuple[Any, ...]]:
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement), binds)
            return [tuple(row) for row in result] if result.returns_rows else []

    return ask


@pytest.fixture
def pushed(light: Company) -> Company:
    """Three in win_back, one in care, pushed; everybody agreed."""
    consent_everybody(light, range(1, 21))
    decide(light, [*(Choice("win_back", key) for key in (1, 2, 3)), Choice("care", 4)])
    light.push()
    return light


def feed(company: Company, address: str, **more: Any) -> dict[str, Any]:
    return feed_targets(company.run(task_id="feed"), {"mirror": address}, **more)["mirror"]  # type: ignore[no-any-return]


def equal(company: Company, ask: Ask) -> bool:
    """Whether the target holds what the marketing database holds, and its changes replayed give it."""
    columns = "campaign, customer_key, send_key, channel, offer, language, priority"
    here = company.ask(f"select {columns} from marketing.campaign_audience order by 1, 2", company.marketing)
    there = ask(f"select {columns} from retention_audience order by campaign, customer_key")
    replayed: dict[tuple[str, int], str] = {}
    for change, campaign, key, send_key in ask(
        f"select {quoted(ask)}, campaign, customer_key, send_key from retention_audience_change order by sequence"
    ):
        if change == "removed":
            del replayed[campaign, key]
        else:
            replayed[campaign, key] = send_key
    return here == there and replayed == {(row[0], row[1]): row[2] for row in there}


def quoted(ask: Ask) -> str:
    """The column named change, a word of its own in MySQL."""
    try:
        ask("select `change` from retention_audience_change where 1 = 0")
    except sa.exc.DBAPIError:
        return '"change"'
    return "`change`"


# -- what every dialect does --------------------------------------------------------------------------------------------
def test_a_target_follows_by_difference(pushed: Company, every: str) -> None:
    """Fed whole once, then only what changed: who joined, whose offer changed, who left; nothing new changes nothing."""
    ask = asking(every)
    first = feed(pushed, every)
    assert (first["added"], first["removed"], first["total"], first["is_full"], first["has_view"]) == (4, 0, 4, True, True)
    assert equal(pushed, ask)
    assert {row[0] for row in ask("select customer_key from retention_sendable")} == {1, 2, 3, 4}
    again = feed(pushed, every)
    assert (again["added"], again["updated"], again["removed"], again["is_full"]) == (0, 0, 0, False)
    pushed.next_day()
    decide(pushed, [Choice("win_back", 1), Choice("win_back", 2, offer="10_percent"), Choice("win_back", 5), Choice("care", 4)])
    pushed.push()
    then = feed(pushed, every)
    assert (then["added"], then["updated"], then["removed"], then["is_full"]) == (1, 1, 1, False)
    assert equal(pushed, ask)
    assert pushed.ask("select state, rows_total, is_full from campaigns.target_receipt order by token") == [
        ("reconciled", 4, True), ("reconciled", 4, False),
    ]  # fmt: skip


def test_who_says_no_is_hidden_there(pushed: Company, every: str) -> None:
    """Ana unsubscribes at the target: hidden at the next read. Bo withdraws here: with the next feed. Chen is taken over by a tool."""
    ask = asking(every)
    feed(pushed, every)
    ask(
        "insert into retention_campaign_event (campaign, customer_key, send_key, channel, kind, occurred_at) "
        "values ('win_back', 1, 'win_back|email|1|1', 'email', 'unsubscribed', :at)",
        at=datetime.now(UTC).replace(tzinfo=None if "postgres" not in every else UTC),
    )
    assert {row[0] for row in ask("select customer_key from retention_sendable")} == {2, 3, 4}
    pushed.consent("Bo", "marketing", "withdrawn")
    sync_consent(pushed.run(task_id="consent"), datetime.now(UTC))
    ask("insert into retention_acknowledgement (send_key, tool) values ('win_back|email|1|3', 'mailer')")
    for _ in range(2):
        counts = feed(pushed, every)
        assert {row[0] for row in ask("select customer_key from retention_sendable")} == {4}
    assert counts["held_back"] == 3
    assert pushed.sendable() == {("care", "Dai")}, "what was reported there counts here"
    assert pushed.ask("select customer_key, kind from marketing.campaign_event", pushed.marketing) == [(1, "unsubscribed")]
    assert pushed.ask("select send_key, tool from marketing.acknowledgement", pushed.marketing) == [
        ("win_back|email|1|3", "mailer")
    ]


def test_a_stale_feed_and_expired_rows_show_nobody(pushed: Company, address: str) -> None:
    ask = asking(address)
    pushed.do(
        "update marketing.campaign_audience set valid_until = now() - interval '1 minute' where customer_key = 1",
        pushed.marketing,
    )
    pushed.do(
        "update marketing.campaign_audience set valid_from = now() + interval '1 hour' where customer_key = 2", pushed.marketing
    )
    feed(pushed, address)
    assert {row[0] for row in ask("select customer_key from retention_sendable")} == {3, 4}
    pushed.do("update marketing.consent_feed set heartbeat_at = now() - interval '27 hours'", pushed.marketing)
    feed(pushed, address)
    assert ask("select customer_key from retention_sendable") == []


def test_somebody_changed_what_is_there(pushed: Company, address: str) -> None:
    """A row deleted and one changed by hand: read back, found, said, and repaired by the next feed."""
    ask = asking(address)
    feed(pushed, address)
    ask("delete from retention_audience where customer_key = 1")
    ask("update retention_audience set offer = 'half_price' where customer_key = 2")
    pushed.next_day()
    decide(pushed, [*(Choice("win_back", key) for key in (1, 2, 3, 5)), Choice("care", 4)])
    pushed.push()
    with pytest.raises(TargetsFailed, match=r"expected 5 members .* read back 4"):
        feed(pushed, address)
    counts = feed(pushed, address)
    assert (counts["is_full"], counts["added"], counts["updated"]) == (True, 1, 1)
    columns = "campaign, customer_key, offer"
    assert ask(f"select {columns} from retention_audience order by 1, 2") == pushed.ask(
        f"select {columns} from marketing.campaign_audience order by 1, 2", pushed.marketing
    )


def test_a_dead_feed_is_finished_by_the_next(pushed: Company, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Died at each step: what tools see is whole before or after; the next feed ends with one of everything."""
    ask = asking(address)
    for point in (
        "target.feedback_entered",
        "target.some_staged",
        "target.staged",
        "target.locked",
        "target.removed",
        "target.before_commit",
    ):
        monkeypatch.setenv("RETENTION_FAILPOINTS", f"{point}:raise")
        with pytest.raises(RuntimeError, match=point):
            feed(pushed, address)
        assert ask("select campaign from retention_audience") == []
    monkeypatch.setenv("RETENTION_FAILPOINTS", "target.committed:raise")
    with pytest.raises(RuntimeError, match=r"target\.committed"):
        feed(pushed, address)
    monkeypatch.delenv("RETENTION_FAILPOINTS")
    assert equal(pushed, ask)
    counts = feed(pushed, address)
    assert (counts["added"], counts["updated"], counts["total"]) == (0, 0, 4)
    assert equal(pushed, ask)
    assert ask("select count(*) from retention_audience_stage") == [(0,)]


def test_the_erased_are_forgotten_and_their_tools_told(pushed: Company, address: str) -> None:
    """Ana is erased: no row of hers is left but the removal that tools have to read, without her number and reasons."""
    ask = asking(address)
    feed(pushed, address)
    ask("insert into retention_acknowledgement (send_key, tool) values ('win_back|email|1|1', 'mailer')")
    feed(pushed, address)
    names = (
        "campaign, customer_key, kind, purpose, uses_profiling, channel, offer, offer_terms, content_key, language, priority, "
        "valid_from, valid_until, send_key, joined_on"
    )
    pushed.do(
        f"insert into marketing.audience_change (sync_id, change, reason, reasons_en, reasons_zh, {names}) "
        f"select sync_id, 'removed', 'erased', 'erased', '已删除', {names} from marketing.campaign_audience where customer_key = 1",
        pushed.marketing,
    )
    for table in ("campaign_audience", "issued_send_key"):
        pushed.do(f"delete from marketing.{table} where customer_key = 1", pushed.marketing)
    assert feed(pushed, address)["removed"] == 1
    word = quoted(ask)
    assert ask(f"select {word}, reason, customer_id, reasons_en from retention_audience_change where customer_key = 1") == [
        ("removed", "erased", None, "erased")
    ]
    assert ask("select count(*) from retention_audience where customer_key = 1") == [(0,)]
    assert ask("select count(*) from retention_acknowledgement") == [(0,)]


# -- the rest, where the dialect makes no difference --------------------------------------------------------------------
def test_only_the_audiences_wanted_are_carried(
    pushed: Company, sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "mirror.yml").write_text("target: mirror\ncampaigns: [care]\n")
    monkeypatch.setenv("RETENTION_TARGETS_DIR", str(tmp_path / "t"))
    assert feed(pushed, sqlite)["total"] == 1
    (tmp_path / "t" / "mirror.yml").write_text("target: mirror\ncampaigns: [win_back]\n")
    counts = feed(pushed, sqlite)
    assert (counts["is_full"], counts["added"], counts["removed"]) == (True, 3, 1)


def test_a_target_without_an_address_is_passed_over(pushed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETENTION_TARGET_MIRROR_URL", raising=False)
    assert feed_targets(pushed.run()) == {"mirror": {"skipped": "RETENTION_TARGET_MIRROR_URL is not set"}}
    with pytest.raises(TargetError, match="no target nowhere"):
        feed_targets(pushed.run(), only="nowhere")


def test_one_that_is_down_does_not_stop_the_others(
    pushed: Company, sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    for name in ("away", "mirror"):
        (tmp_path / "t" / f"{name}.yml").write_text(f"target: {name}\ntimeout_seconds: 2\n")
    monkeypatch.setenv("RETENTION_TARGETS_DIR", str(tmp_path / "t"))
    with pytest.raises(TargetsFailed, match="target away, preparing its tables: there is no connection") as caught:
        feed_targets(pushed.run(), {"away": "postgresql://u:secret-word@127.0.0.1:1/x", "mirror": sqlite})
    assert caught.value.retryable
    assert "secret-word" not in str(caught.value)
    assert len(asking(sqlite)("select 1 from retention_audience")) == 4


def test_a_read_only_target_keeps_what_it_has(pushed: Company, tmp_path: Path, sqlite: str) -> None:
    """By address, so that it holds for an administrator as well; once it may be written to, the next feed completes."""
    feed(pushed, sqlite)
    pushed.next_day()
    decide(pushed, [Choice("win_back", 1)])
    pushed.push()
    read_only = f"sqlite:///file:{tmp_path / 'mirror.db'}?mode=ro&uri=true"
    with pytest.raises(TargetsFailed, match="read-only for us") as caught:
        feed(pushed, read_only)
    assert not caught.value.retryable
    assert len(asking(sqlite)("select 1 from retention_audience")) == 4
    assert feed(pushed, sqlite)["removed"] == 3


def test_a_locked_target_is_tried_again(pushed: Company, sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody holds it longer than allowed: nothing half pushed, and the next run completes."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "mirror.yml").write_text("target: mirror\ntimeout_seconds: 1\n")
    monkeypatch.setenv("RETENTION_TARGETS_DIR", str(tmp_path / "t"))
    feed(pushed, sqlite)
    pushed.next_day()
    decide(pushed, [*(Choice("win_back", key) for key in (1, 2, 3, 5)), Choice("care", 4)])
    pushed.push()
    holder = sa.create_engine(sqlite).connect()
    holder.exec_driver_sql("begin immediate")
    try:
        with pytest.raises(TargetsFailed, match="somebody else holds a lock there") as caught:
            feed(pushed, sqlite)
        assert isinstance(caught.value.failed["mirror"], TargetUnreachable)
    finally:
        holder.close()
    assert feed(pushed, sqlite)["added"] == 1


def test_a_column_that_is_gone_is_named(pushed: Company, sqlite: str) -> None:
    feed(pushed, sqlite)
    asking(sqlite)("drop view retention_sendable")
    asking(sqlite)("alter table retention_audience drop column offer_terms")
    with pytest.raises(TargetsFailed, match="table retention_audience has no column offer_terms"):
        feed(pushed, sqlite)


def test_a_target_ahead_of_us_is_not_turned_back(pushed: Company, sqlite: str) -> None:
    """The marketing database was restored from a backup: the target knows more than it. Only somebody who says so turns it back."""
    feed(pushed, sqlite)
    asking(sqlite)("update retention_push_state set sequence = 1000")
    with pytest.raises(TargetsFailed, match="restored from a backup"):
        feed(pushed, sqlite)
    assert feed(pushed, sqlite, is_full=True)["total"] == 4


def test_a_target_of_another_environment_is_refused(pushed: Company, sqlite: str) -> None:
    feed(pushed, sqlite)
    asking(sqlite)("update retention_push_state set environment = 'staging'")
    with pytest.raises(TargetsFailed, match="belongs to environment staging"):
        feed(pushed, sqlite)


def test_a_feed_with_an_old_token_changes_nothing(pushed: Company, sqlite: str) -> None:
    feed(pushed, sqlite)
    asking(sqlite)("update retention_push_state set token = 1000")
    with pytest.raises(TargetsFailed, match="a feed with token 1000 was here"):
        feed(pushed, sqlite)


def test_contacts_only_where_both_sides_say_so(
    pushed: Company, sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed.insert("marketing.contact", customer_key=1, email="ana@example.com")
    pushed.insert("marketing.contact", customer_key=19, email="nobody@example.com")
    feed(pushed, sqlite)
    ask = asking(sqlite)
    assert ask("select * from retention_contact") == []
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "mirror.yml").write_text("target: mirror\ncontact_details: true\n")
    monkeypatch.setenv("RETENTION_TARGETS_DIR", str(tmp_path / "t"))
    feed(pushed, sqlite)
    assert ask("select customer_key, email from retention_contact") == [(1, "ana@example.com")], "members alone"


def test_an_event_is_entered_once(pushed: Company, sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Died after it was entered here and before it was marked as read there; and nothing of somebody erased comes back."""
    feed(pushed, sqlite)
    ask = asking(sqlite)
    insert = (
        "insert into retention_campaign_event (campaign, customer_key, channel, kind, occurred_at) values "
        "('win_back', {key}, 'email', 'opened', '2026-03-31 12:00:00.000000')"
    )
    ask(insert.format(key=1))
    monkeypatch.setenv("RETENTION_FAILPOINTS", "target.feedback_entered:raise")
    with pytest.raises(RuntimeError):
        feed(pushed, sqlite)
    monkeypatch.delenv("RETENTION_FAILPOINTS")
    assert feed(pushed, sqlite)["events_read"] == 1
    assert feed(pushed, sqlite)["events_read"] == 0
    assert pushed.ask("select customer_key, occurred_at from marketing.campaign_event", pushed.marketing) == [
        (1, datetime(2026, 3, 31, 12, tzinfo=UTC))
    ]
    assert pushed.ask("select count(*) from marketing.target_event", pushed.marketing) == [(0,)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("target: mirror\nbatchrows: 5\n", "unknown key batchrows; did you mean batch_rows?"),
        ("target: Mirror Two\n", "target must be a name"),
        ("target: mirror\nbatch_rows: 0\n", "batch_rows must be a whole number of at least 1"),
        ("target: mirror\ncontact_details: perhaps\n", "contact_details must be true or false"),
        ("target: mirror\ncampaigns: win_back\n", "campaigns must be a list of names"),
        ("target: mirror\nschema: 'a b'\n", "schema must be a name"),
        ("target: [\n", "line 2: no valid YAML"),
        ("- mirror\n", "expected keys and values"),
    ],
)
def test_wrong_descriptions(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "mirror.yml").write_text(text)
    with pytest.raises(TargetError) as caught:
        load_targets(tmp_path)
    assert problem in str(caught.value)
    assert "No target was fed" in str(caught.value)


def test_two_files_of_one_target(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text("target: mirror\n")
    with pytest.raises(TargetError, match="two files describe target mirror"):
        load_targets(tmp_path)


def test_an_address_that_is_none(pushed: Company) -> None:
    with pytest.raises(TargetsFailed, match="RETENTION_TARGET_MIRROR_URL names no database") as caught:
        feed(pushed, "my secret is here")
    assert "secret" not in str(caught.value)


def test_a_feed_long_ago_compares_everything(pushed: Company, sqlite: str) -> None:
    """Changes are kept for some time only: after half of it they may have gaps."""
    feed(pushed, sqlite)
    old = (datetime.now(UTC) - timedelta(days=pushed.settings.keep.daily_slices_days / 2 + 1)).replace(tzinfo=None)
    asking(sqlite)("update retention_push_state set fed_at = :old", old=old.isoformat(" "))
    assert feed(pushed, sqlite)["is_full"]
