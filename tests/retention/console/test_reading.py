"""The console reads as a role that sees nobody, writes one thing, and keeps what it read until something is published."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from retention.console import Console, ConsoleClosed, Reader
from retention.console.remembering import Memory
from retention.console.words import words
from retention.settings import PROJECT_ROOT, Settings
from retention.warehouse import RetentionError, Warehouse, sql_file, statement
from tests.retention.console.conftest import ANA, DAY, SECRETS

QUERIES = sorted(path.stem for path in (PROJECT_ROOT / "include" / "sql" / "_console").glob("*.sql"))
BINDS = {"as_of_date": DAY, "from_date": DAY, "to_date": DAY, "period": "day", "dimension": "all", "member": None, "kpis": None,
         "dates": [DAY], "play": None, "customer": ANA, "key": ANA, "keys": [ANA], "actor": "wu", "business_timezone": "Asia/Shanghai",
         "action": "console_customer", "subject": "customer 1", "reason": "", "details": "{}"}  # fmt: skip
FORBIDDEN = [
    "select * from pii.contact",
    "select * from pii.source_customer",
    "select text from core.complaint",
    "select comment from core.survey_answer",
    "select subject from core.interaction",
    "select gender from core.customer",
    "select birthday_md from core.customer",
    "select account_owner from core.customer",
    'select "row" from quarantine."row"',
    "select * from landing.customer",
    "select * from privacy.consent",
    "select * from privacy.request",
    "select details from ops.audit",
]
WRITES = [
    "delete from ops.audit",
    "update ops.audit set actor = 'x'",
    "insert into campaigns.approval (business_date, approved_by, reason, ceilings) values (now(), 'x', 'x', '{}')",
    "update campaigns.guard_stop set allowed = 0",
    "delete from scores.churn",
    "create table bi.mine (a int)",
    "create temporary table mine (a int)",
]


def test_every_query_runs_as_the_role(console: Console) -> None:
    """A renamed column of a view breaks here, and not on somebody's page."""
    for name in QUERIES:
        if name != "note_look":
            console.reader.rows(name, BINDS)
    with console.reader.noting() as connection:
        connection.execute(*statement(sql_file("_console/note_look"), BINDS))
        connection.rollback()


@pytest.mark.parametrize("query", FORBIDDEN)
def test_nothing_personal_can_be_read(console: Console, query: str) -> None:
    with pytest.raises(RetentionError, match="may not do this"):
        console.reader.query(query)


@pytest.mark.parametrize("query", WRITES)
def test_nothing_can_be_written_even_where_writing_is_allowed(console: Console, query: str) -> None:
    with pytest.raises(RetentionError, match="may not do this"), console.reader.noting() as connection:
        connection.exec_driver_sql(query)


def test_the_session_is_read_only_beside(console: Console) -> None:
    with (
        pytest.raises(RetentionError, match="25006"),
        console.reader.connect() as connection,
    ):
        connection.exec_driver_sql("insert into ops.audit (actor, action) values ('x', 'x')")


def test_without_the_role_the_same_reading_shows_everything(company: Warehouse) -> None:
    """The guard turned off: the account itself could read Ana's name."""
    with company.connect() as connection:
        assert connection.exec_driver_sql("select name from pii.source_customer").scalar_one() == SECRETS[0]


def test_an_account_that_may_not_act_as_the_role_is_told_what_to_grant(company: Warehouse) -> None:
    with company.begin() as connection:
        connection.exec_driver_sql("drop role if exists stranger_of_console")
        connection.exec_driver_sql("create role stranger_of_console login password 'a-password'")
        connection.exec_driver_sql("grant connect on database console_company to stranger_of_console")
    url = company.url.set(username="stranger_of_console", password="a-password").render_as_string(hide_password=False)
    stranger = Console(url, Settings())
    try:
        with pytest.raises(ConsoleClosed, match="grant ret_console to"):
            stranger.reader.version()
    finally:
        stranger.close()
        with company.begin() as connection:
            connection.exec_driver_sql("revoke all on database console_company from stranger_of_console")
            connection.exec_driver_sql("drop role stranger_of_console")


def test_no_address_says_where_to_set_it() -> None:
    with pytest.raises(ConsoleClosed, match="RETENTION_WAREHOUSE_URL"):
        Reader("", Settings())


# -- what is remembered -----------------------------------------------------------------------------------------------------
def test_an_answer_is_kept_until_something_is_published_or_it_grows_old() -> None:
    now, version, computed = [0.0], ["a"], []
    memory = Memory(lambda: version[0], seconds=20, look_seconds=2, clock=lambda: now[0])

    def compute() -> int:
        computed.append(now[0])
        return len(computed)

    assert [memory.get("key", compute), memory.get("key", compute)] == [1, 1]
    version[0], now[0] = "b", 1
    assert memory.get("key", compute) == 1, "the version is asked for every two seconds at most"
    now[0] = 3
    assert memory.get("key", compute) == 2
    now[0] = 24
    assert memory.get("key", compute) == 3, "what moves by itself is looked at again"


def test_many_who_ask_at_once_wait_for_one_computation() -> None:
    memory, begun, go, computed = Memory(lambda: "a"), threading.Event(), threading.Event(), []

    def compute() -> str:
        begun.set()
        go.wait(5)
        computed.append(1)
        return "answer"

    threads = [threading.Thread(target=memory.get, args=("key", compute)) for _ in range(6)]
    for thread in threads:
        thread.start()
    begun.wait(5)
    go.set()
    for thread in threads:
        thread.join(5)
    assert len(computed) == 1


# -- words ------------------------------------------------------------------------------------------------------------------
def test_everything_that_is_said_is_said_in_both_languages() -> None:
    def texts(node: object, path: str) -> None:
        assert isinstance(node, dict), path
        if "en" in node or "zh" in node:
            assert {"en", "zh"} <= node.keys() <= {"en", "zh", "do_en", "do_zh", "better", "unit"}, (
                f"{path}: a comma in a sentence?"
            )
            assert ("do_en" in node) == ("do_zh" in node), path
            for language in ("en", "zh"):
                assert sorted(re.findall(r"\{\w+\}", node["en"])) == sorted(re.findall(r"\{\w+\}", node["zh"])), path
                assert node[language].strip() or path == "unit.count", path
            return
        for name, inner in node.items():
            if isinstance(inner, dict):
                texts(inner, f"{path}.{name}".strip("."))

    texts({name: inner for name, inner in words().items() if name not in ("kpi",)}, "")


def test_every_error_and_empty_state_that_is_used_has_its_words() -> None:
    folders = [PROJECT_ROOT / "retention" / "console", PROJECT_ROOT / "plugins" / "retention_airflow" / "console"]
    source = "\n".join(path.read_text() for folder in folders for path in Path(folder).glob("*.py"))
    used = set(re.findall(r'\bempty\("(\w+)"\)', source))
    refused = set(re.findall(r'Refused\("(\w+)"', source)) | set(re.findall(r'requires\("\w+", \w+, "(\w+)"\)', source))
    assert len(used) > 15
    assert len(refused) > 8
    assert used <= words()["empty"].keys()
    assert refused <= words()["error"].keys()
    for group in ("empty", "error", "attention"):
        assert all({"do_en", "do_zh"} <= known.keys() for known in words()[group].values()), group
