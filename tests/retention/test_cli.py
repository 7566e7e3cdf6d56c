"""The command line: set-up, queries, masking, errors as messages with exit codes."""

from __future__ import annotations

import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from retention.cli import app
from retention.cli._shared import closed_day, explain, hide_password, mask, mask_addresses
from retention.cli._status import stuck
from retention.warehouse import ConnectionLost, LeaseHeld, RetentionError, Warehouse

Cli = Callable[..., Result]
PEPPER = "a-pepper-for-tests-only-0123456789abcdef"


@pytest.fixture
def home(tmp_path: Path, warehouse: Warehouse, marketing: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation on the test's databases."""
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", warehouse.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETENTION_MARKETING_URL", marketing.url.render_as_string(hide_password=False))
    (tmp_path / "secrets").mkdir(mode=0o700)
    pepper = tmp_path / "secrets" / "pepper"
    pepper.write_text(PEPPER)
    pepper.chmod(0o600)
    return tmp_path


@pytest.fixture
def cli(home: Path) -> Cli:
    """Run one command and return its result."""
    runner = CliRunner()
    return lambda *arguments, stdin=None: runner.invoke(app, [str(a) for a in arguments], input=stdin)


# -- set-up ---------------------------------------------------------------------------------------------------------------
def test_init_makes_the_pepper_once_readable_by_its_owner_alone(cli: Cli, home: Path) -> None:
    (home / "secrets" / "pepper").unlink()
    first = cli("init")
    assert first.exit_code == 0, first.output
    pepper = home / "secrets" / "pepper"
    assert stat.S_IMODE(pepper.stat().st_mode) == 0o600
    assert len(pepper.read_text()) == 64
    made = pepper.read_text()
    second = cli("init")
    assert second.exit_code == 0
    assert pepper.read_text() == made
    assert made not in first.output + second.output


def test_init_never_replaces_a_lost_pepper(cli: Cli, home: Path, warehouse: Warehouse) -> None:
    # Ana is known under the old pepper; a new one would turn her into somebody else, without her consents.
    add_ana(warehouse)
    (home / "secrets" / "pepper").unlink()
    result = cli("init")
    assert result.exit_code == 1
    assert "holds customers, but their pepper is missing" in flat(result.output)
    assert "docs/runbook.md#lost-pepper" in flat(result.output)
    assert not (home / "secrets" / "pepper").exists()


def test_doctor_finds_what_is_wrong_and_says_what_to_do(cli: Cli, home: Path) -> None:
    (home / "secrets" / "pepper").chmod(0o644)
    result = cli("doctor", "--json")
    findings = {finding["subject"]: finding for finding in json.loads(result.output)}
    assert result.exit_code == 5
    assert findings["pepper"]["state"] == "fail"
    assert "chmod 600" in findings["pepper"]["advice"]
    assert findings["warehouse database"]["state"] == "ok"
    assert findings["warehouse migrations"]["state"] == "ok"
    assert all(finding["advice"] for finding in findings.values() if finding["state"] != "ok")


def test_doctor_sees_missing_migrations(cli: Cli, monkeypatch: pytest.MonkeyPatch, make_database: Callable[[str], str]) -> None:
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", make_database("empty"))
    findings = {f["subject"]: f for f in json.loads(cli("doctor", "--json").output)}
    assert findings["warehouse migrations"]["state"] == "fail"
    assert "retention migrate" in findings["warehouse migrations"]["advice"]
    assert cli("migrate").exit_code == 0
    findings = {f["subject"]: f for f in json.loads(cli("doctor", "--json").output)}
    assert findings["warehouse migrations"]["state"] == "ok"


def test_doctor_sees_a_database_that_does_not_answer(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_MARKETING_URL", "postgresql://somebody:very-secret@127.0.0.1:1/marketing")
    result = cli("doctor", "--json")
    findings = {f["subject"]: f for f in json.loads(result.output)}
    assert findings["marketing database"]["state"] == "fail"
    assert "very-secret" not in result.output


def test_doctor_reaches_databases_and_apis(closed_port: int, answering_port: int) -> None:
    from retention.doctor import reach, with_driver

    assert reach("rest", f"http://127.0.0.1:{answering_port}/crm") == ""
    assert reach("rest", f"http://127.0.0.1:{closed_port}/crm") == "cannot be reached (ConnectError)"
    assert reach("sql", f"mysql://bo:very-secret@127.0.0.1:{closed_port}/shop") == "cannot be reached (OperationalError)"
    assert with_driver("postgresql://bo@db/shop") == "postgresql+psycopg://bo@db/shop"
    assert with_driver("mariadb://bo@db/shop") == "mariadb+pymysql://bo@db/shop"


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def answering_port() -> Iterator[int]:
    """An API that knows nobody: even a refusal is an answer."""

    class Refusing(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_urls_hide_passwords_unless_asked(cli: Cli, warehouse: Warehouse) -> None:
    secret = warehouse.url.password
    assert isinstance(secret, str)
    hidden, shown = cli("urls", "--json"), cli("urls", "--json", "--password")
    assert secret not in hidden.output
    assert ":***@" in hidden.output
    assert json.loads(shown.output)["warehouse"] == warehouse.url.render_as_string(hide_password=False)


# -- queries --------------------------------------------------------------------------------------------------------------
def test_sql_prints_a_table_csv_and_json(cli: Cli, tmp_path: Path) -> None:
    query = tmp_path / "query.sql"
    query.write_text("select 1 as one, '流失 50%' as label, null as nothing;\n")
    assert "流失 50%" in cli("sql", query).output
    assert cli("sql", query, "--format", "csv").output == "one,label,nothing\n1,流失 50%,\n"
    assert json.loads(cli("sql", query, "--format", "json").output) == [{"one": 1, "label": "流失 50%", "nothing": None}]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from ops.lease",
        "with gone as (delete from ops.lease returning 1) select * from gone",
        "commit; delete from ops.lease",
        "select 1; delete from ops.lease",
        "set default_transaction_read_only = off; delete from ops.lease",
        "create table ops.mine (x int)",
        "do $$ begin delete from ops.lease; end $$",
        "begin read write",
        "",
    ],
)
def test_sql_cannot_write(cli: Cli, warehouse: Warehouse, statement: str) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("insert into ops.lease (dataset, slice_key, token, expires_at) values ('x', '*', 1, now())"))
    result = cli("sql", "-", stdin=statement)
    assert result.exit_code == 1
    assert "docs/runbook.md#query-refused" in flat(result.output)
    with warehouse.connect() as connection:
        assert connection.execute(sa.text("select count(*) from ops.lease")).scalar_one() == 1


def test_without_the_read_only_session_the_same_statement_writes(warehouse: Warehouse) -> None:
    # The guard turned off: the test above would see a deleted row.
    with warehouse.begin() as connection:
        connection.execute(sa.text("insert into ops.lease (dataset, slice_key, token, expires_at) values ('x', '*', 1, now())"))
        gone = "with gone as (delete from ops.lease returning 1) select count(*) from gone"
        assert connection.execute(sa.text(gone)).scalar_one() == 1


def test_sql_gives_up_a_query_that_takes_too_long(cli: Cli) -> None:
    result = cli("sql", "-", "--timeout", "1", stdin="select pg_sleep(30)")
    assert result.exit_code == 1
    assert "longer than allowed" in result.output


def test_sql_stops_at_the_limit_and_says_so(cli: Cli) -> None:
    result = cli("sql", "-", "--limit", "3", stdin="select * from generate_series(1, 10) as n")
    assert "3 rows, more were left out" in result.output


@pytest.mark.parametrize(
    "statement",
    [
        "select name from pii.contact",
        "(select name from pii.contact)",
        "/* harmless */ select count(*) from pii.contact",
        "-- harmless\nselect c.email from pii.source_customer as c where exists (select 1)",
        'select "row" from quarantine."row"',
        "with people as (select * from landing.customer) select 1 from people",
        "table pii.contact",
    ],
)
def test_sql_on_personal_data_needs_a_word_and_is_put_on_record(cli: Cli, warehouse: Warehouse, statement: str) -> None:
    add_ana(warehouse)
    refused = cli("sql", "-", stdin=statement)
    assert refused.exit_code == 1
    assert "may hold personal data" in flat(refused.output)
    assert reads_on_record(warehouse) == 0
    assert cli("sql", "-", "--personal-data", stdin=statement).exit_code == 0
    assert reads_on_record(warehouse) == 1


def test_sql_on_the_marketing_database(cli: Cli) -> None:
    result = cli("sql", "-", "--database", "marketing", "--format", "csv", stdin="select current_database() as name")
    assert result.output.startswith("name\nmarketing_")


# -- quarantine -----------------------------------------------------------------------------------------------------------
def test_a_refused_row_is_shown_with_every_value_masked(cli: Cli, warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                'insert into quarantine."row" (batch_id, source, entity, position, business_date, rule, rules, column_name, '
                "severity, reason, \"row\") values (1, 'crm', 'customer', 7, '2026-03-31', 'pattern', "
                "array['pattern(email)'], 'email', 'quarantine', 'no e-mail address', "
                '\'{"name": "Ana Álvarez 王", "email": "ana@@example.com", "phone": "+86 138 0000 1111"}\')'
            )
        )
    listed = cli("quarantine", "list")
    assert listed.exit_code == 0, listed.output
    assert "crm.customer row 7" in flat(listed.output)
    shown = cli("quarantine", "show", "1")
    assert "xxx@@xxxxxxx.xxx" in shown.output
    for personal in ("Ana", "王", "example", "138"):
        assert personal not in listed.output + shown.output
    assert cli("quarantine", "show", "2").exit_code == 1
    assert cli("quarantine", "fix", "1", "emale=ana@example.com").exit_code == 3
    assert cli("quarantine", "fix", "1", "email=ana@example.com").exit_code == 0
    assert "crm.customer row 7" in flat(cli("quarantine", "list", "--state", "fixed").output)
    assert "1 rows discarded" in cli("quarantine", "discard", "1").output


@pytest.mark.parametrize(
    ("value", "masked"),
    [("Ana 王", "xxx 某"), ("2026-02-30", "9999-99-99"), (None, ""), ("", ""), (" -5.0", " -9.9")],
)
def test_masking_keeps_the_form(value: str | None, masked: str) -> None:
    assert mask(value) == masked


def test_addresses_in_texts_are_hidden() -> None:
    text = mask_addresses("write to ana@example.com or +86 138 0000 1111, order 12")
    assert text == "write to [e-mail] or [phone], order 12"


# -- status, errors -------------------------------------------------------------------------------------------------------
def test_status_of_an_empty_installation(cli: Cli) -> None:
    result = cli("status")
    assert result.exit_code == 0, result.output
    assert "nothing is stuck" in result.output
    assert "marketing tools see nobody" in result.output


def test_status_names_an_attempt_that_died(cli: Cli, warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.run_ledger "
                "(stage, dataset, slice_key, business_date, dag_id, run_id, task_id, try_number, token) values "
                "('features', 'features', '2026-04-01', '2026-03-31', 'retention_features', 'r', 'build', 1, 7)"
            )
        )
    found = stuck(warehouse, None, datetime.now(tz=ZoneInfo("UTC")))
    assert found.rows == [
        [
            "attempt retention_features.build on features 2026-04-01 died",
            "just now",
            "run it again: the next attempt takes over",
        ]
    ]
    assert "Needs attention" in cli("status").output


def test_status_names_what_failed_until_it_was_made_good(cli: Cli, warehouse: Warehouse) -> None:
    insert = sa.text(
        "insert into ops.run_ledger (stage, dataset, slice_key, business_date, dag_id, run_id, task_id, try_number, token, "
        "state, message) values ('extract', 'landing/crm/order', '2026-03-31', '2026-03-31', 'cli', 'r', 'extract crm.order', "
        "1, :token, :state, :message)"
    )
    message = "crm order: orders.csv has no column total. Nothing landed."
    with warehouse.begin() as connection:
        connection.execute(insert, {"token": 7, "state": "failed", "message": message})
    now = datetime.now(tz=ZoneInfo("UTC"))
    assert [row[0] for row in stuck(warehouse, None, now).rows] == [
        "extract crm.order for 2026-03-31 failed: crm order: orders.csv has no column total"
    ]
    with warehouse.begin() as connection:
        connection.execute(insert, {"token": 8, "state": "published", "message": None})
    assert stuck(warehouse, None, now).rows == []


def test_status_names_a_push_that_waits_for_approval(cli: Cli, warehouse: Warehouse, marketing: Warehouse) -> None:
    insert = sa.text(
        "insert into marketing.audience_sync (stream, business_date, as_of_date, token, state, rows_total, rows_added, "
        "rows_updated, rows_removed, rows_refused, rows_withheld, tasks_added, tasks_withdrawn, checksum, environment, run_id) "
        "values ('audience', '2026-03-31', '2026-04-01', :token, :state, 9, 0, 0, 0, 0, 7, 0, 0, '0', 'production', 'r')"
    )
    now = datetime.now(tz=ZoneInfo("UTC"))
    for token, state, waits in ((1, "needs_approval", True), (2, "committed", False)):
        with marketing.begin() as connection:
            connection.execute(insert, {"token": token, "state": state})
        said = [row[0] for row in stuck(warehouse, marketing, now).rows]
        assert said == (["the push of 2026-03-31 waits for approval: 7 changes are held back"] if waits else [])


def test_report_before_the_first_day_says_what_to_do(cli: Cli) -> None:
    result = cli("report")
    assert result.exit_code == 1
    assert "no business day was published yet" in flat(result.output)
    assert "Traceback" not in result.output


def test_the_help_names_the_exit_codes(cli: Cli) -> None:
    result = cli("--help")
    assert result.exit_code == 0
    assert "Exit codes" in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RetentionError("broken."), 1),
        (LeaseHeld("busy."), 4),
        (ConnectionLost("gone."), 4),
        (KeyError("ana@example.com"), 1),
        (ValueError("ana@example.com is no number"), 1),
    ],
    ids=["failed", "lease held", "connection lost", "unforeseen key error", "unforeseen value error"],
)
def test_every_error_has_a_message_a_place_to_look_and_an_exit_code(error: Exception, code: int) -> None:
    message, found = explain(error)
    assert found == code
    assert "docs/runbook.md#" in message
    assert "ana@" not in message


def test_a_stopped_check_has_an_exit_code_of_its_own() -> None:
    from retention.quality.errors import CheckFailed

    assert explain(CheckFailed("3 of 10 rows. Nothing published."))[1] == 3


def test_a_day_that_has_not_ended_is_refused(cli: Cli) -> None:
    today = datetime.now(tz=ZoneInfo("Asia/Shanghai")).date()
    result = cli("run", "--date", today.isoformat())
    assert result.exit_code == 2
    assert "has not ended" in flat(result.output)
    assert closed_day(None) == today - timedelta(days=1)
    assert closed_day("2026-03-31") == date(2026, 3, 31)


@pytest.mark.parametrize("text", ["31.3.2026", "tomorrow", "2026-02-30"])
def test_a_date_that_is_none_is_refused(cli: Cli, text: str) -> None:
    assert cli("run", "--date", text).exit_code == 2


def test_passwords_are_hidden_in_urls() -> None:
    assert hide_password("postgresql://a:b:c@host:5/db") == "postgresql://a:***@host:5/db"
    assert hide_password("/some/folder") == "/some/folder"


# -- helpers --------------------------------------------------------------------------------------------------------------
def flat(text: str) -> str:
    """Undo line breaks and table borders."""
    return " ".join(text.replace("│", " ").split())


def add_ana(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        columns = {
            row.column_name: row.data_type
            for row in connection.execute(
                sa.text(
                    "select column_name, data_type from information_schema.columns where table_schema = 'pii' "
                    "and table_name = 'source_customer' and is_nullable = 'NO' and column_default is null"
                )
            )
        }
        then = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))
        samples = {"bigint": 1, "text": "ana", "boolean": False, "timestamp with time zone": then}
        values = {name: samples[kind] for name, kind in columns.items()}
        names = ", ".join(values)
        binds = ", ".join(f":{name}" for name in values)
        connection.execute(sa.text(f"insert into pii.source_customer ({names}) values ({binds})"), values)


def reads_on_record(warehouse: Warehouse) -> int:
    with warehouse.connect() as connection:
        return int(
            connection.execute(sa.text("select count(*) from ops.audit where action = 'read_personal_data'")).scalar_one()
        )


# -- people, plays --------------------------------------------------------------------------------------------------------
def test_a_request_is_entered_once_and_listed_without_the_person(cli: Cli) -> None:
    first = cli("privacy", "request", "erasure", "--source", "crm", "--customer-id", "ana-4711")
    again = cli("privacy", "request", "erasure", "--source", "crm", "--customer-id", "ana-4711")
    assert first.exit_code == 0, first.output
    assert first.output == again.output
    listed = cli("privacy", "list").output
    assert listed.count("erasure") == 1
    assert "ana-4711" not in first.output + listed
    number = first.output.split()[1]
    assert "no receipt yet" in cli("privacy", "receipt", number).output


def test_a_request_must_name_one_person(cli: Cli) -> None:
    result = cli("privacy", "request", "access", "--source", "crm")
    assert result.exit_code == 1
    assert "docs/runbook.md#privacy-request" in flat(result.output)
    assert cli("privacy", "request", "forget", "--customer-key", "1").exit_code == 2


def test_erasing_asks_first(cli: Cli) -> None:
    result = cli("erase", "--source", "crm", "--customer-id", "ana", stdin="n\n")
    assert result.exit_code == 1
    assert "cannot be undone" in result.output
    assert "no request" in cli("privacy", "list").output


def test_plays_are_listed_and_checked(cli: Cli, tmp_path: Path) -> None:
    assert "win_back" in cli("play", "list").output
    assert cli("play", "check").exit_code == 0
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "broken.yml").write_text("play: broken\nkindd: promotional\n")
    wrong = cli("play", "check", tmp_path / "plays")
    assert wrong.exit_code == 1
    assert "broken.yml" in wrong.output


def test_an_approval_needs_a_stopped_push(cli: Cli) -> None:
    result = cli("play", "approve", "--reason", "first push")
    assert result.exit_code == 1
    assert "there is nothing to approve" in flat(result.output)


def test_a_dry_run_needs_a_plan_and_a_feed_an_address(cli: Cli) -> None:
    result = cli("audience", "diff")
    assert result.exit_code == 1
    assert "Plan the day first" in flat(result.output)
    result = cli("audience", "feed")
    assert result.exit_code == 0
    assert "RETENTION_TARGET_MIRROR_URL is not set" in flat(result.output)
