"""BI tools find their way without being told anything: reflection, the questions tools ask about a database, and those of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
import yaml
from psycopg import sql

from retention.warehouse import Warehouse, all_contracts
from retention.warehouse.embedded import EmbeddedPostgres
from tests.databases import cloned

HERE = Path(__file__).parent
QUESTIONS: list[dict[str, Any]] = yaml.safe_load((HERE / "questions.yml").read_text())
CLIENTS: list[dict[str, Any]] = yaml.safe_load((HERE / "clients.yml").read_text())
ROLES = sorted({question["role"] for question in QUESTIONS})


@pytest.fixture(scope="module")
def logins(server: EmbeddedPostgres, templates: dict[str, str], project: Path) -> Iterator[dict[str, sa.Engine]]:
    """A database that tools log in to, as the manual says: one login per role, made by `create role … login in role …`."""
    with cloned(server, "bi_clients", templates["warehouse"]) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                (project / "migrations/warehouse/0002_roles.sql").read_text()
            )  # of the database itself: not cloned
            for role in ROLES:
                made = sql.SQL("create role {} login password 'pw' in role {}")
                connection.execute(made.format(sql.Identifier(f"tool_{role}"), sql.Identifier(role)))
        address = Warehouse(url).url.set(drivername="postgresql+psycopg", password="pw")
        engines = {role: sa.create_engine(address.set(username=f"tool_{role}")) for role in ROLES}
        yield engines
        for engine in engines.values():
            engine.dispose()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for role in ROLES:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(f"tool_{role}")))


def test_reflection_gives_every_view_with_types_and_comments(logins: dict[str, sa.Engine]) -> None:
    inspector = sa.inspect(logins["bi_reader"])
    contracts = {name: one for name, one in all_contracts().items() if one.schema == "bi" and one.kind == "view"}
    assert "bi" in inspector.get_schema_names()
    assert sorted(inspector.get_view_names("bi")) == sorted(one.name for one in contracts.values())
    for contract in contracts.values():
        columns = {column["name"]: column for column in inspector.get_columns(contract.name, "bi")}
        assert tuple(columns) == contract.column_names
        assert all(column["comment"] for column in columns.values()), contract.table
        assert not any(isinstance(column["type"], sa.types.NullType) for column in columns.values()), contract.table
        assert contract.description in (inspector.get_table_comment(contract.name, "bi")["text"] or "")
    table = sa.Table("customer", sa.MetaData(), schema="bi", autoload_with=logins["bi_reader"])
    with logins["bi_reader"].connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0


@pytest.mark.parametrize("role", ROLES)
def test_the_questions_of_people(logins: dict[str, sa.Engine], role: str) -> None:
    """Every question is answered by the login of its role, and refused to nobody who may ask it."""
    with logins[role].connect() as connection:
        for question in QUESTIONS:
            if question["role"] == role:
                result = connection.exec_driver_sql(question["sql"])
                assert list(result.keys()), question["name"]
                result.all()


@pytest.mark.parametrize("client", CLIENTS, ids=[client["tool"] for client in CLIENTS])
def test_the_questions_of_tools(logins: dict[str, sa.Engine], client: dict[str, Any]) -> None:
    with logins["bi_reader"].connect() as connection:
        raw: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        if client.get("refused"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                raw.execute(client["sql"])
            return
        cursor = raw.execute(client["sql"].encode())
        while cursor.nextset():
            pass
        answer = cursor.fetchall() if cursor.description else []
        assert client["shows"] in "\n".join(map(str, answer))


def test_a_tool_that_browses_sees_the_views_and_nothing_of_what_is_behind_them(logins: dict[str, sa.Engine]) -> None:
    navigator = next(client["sql"] for client in CLIENTS if client["tool"] == "Power BI, navigator")
    with logins["bi_sales"].connect() as connection:
        offered = {(row[0], row[1]) for row in connection.exec_driver_sql(navigator)}
    assert {schema for schema, _ in offered} == {"bi"}
    assert {"sales_customer", "kpi"} <= {name for _, name in offered}
    assert not {name for _, name in offered if name.startswith(("service_", "operations_", "customer"))}


def test_every_department_and_every_shared_view_is_asked_something() -> None:
    asked = {question["sql"].split(" from ")[1].split()[0].split(".")[1] for question in QUESTIONS}
    departments = {
        one.name
        for one in all_contracts().values()
        if one.table.startswith(("bi.sales_", "bi.service_", "bi.product_", "bi.operations_")) and one.kind == "view"
    }
    assert departments - asked == set()
    assert len(QUESTIONS) >= 36
