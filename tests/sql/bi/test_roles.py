"""What each role may do, and above all what it may not. Statements run as the role itself, by SET ROLE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from retention.warehouse import Warehouse, all_contracts
from retention.warehouse.embedded import EmbeddedPostgres
from tests.databases import cloned

BI_VIEWS = sorted(name for name, contract in all_contracts().items() if contract.schema == "bi" and contract.kind == "view")
OF_STAFF = [view for view in BI_VIEWS if view.startswith(("bi.sales_", "bi.service_"))]
"""Name staff or single cases: for their department alone."""
EVERYBODY = ["bi.kpi", "bi.kpi_definition", "bi.segment_history", "bi.segment_label", "bi.segment_size", "bi.setting"]
DEPARTMENTS = {
    role: sorted({*EVERYBODY, *(view for view in BI_VIEWS if view.startswith(prefixes))})
    for role, prefixes in {
        "bi_sales": ("bi.sales_",),
        "bi_service": ("bi.service_", "bi.complaint_"),
        "bi_product": ("bi.product_",),
        "bi_operations": ("bi.operations_", "bi.health", "bi.pipeline", "bi.audience"),
    }.items()
}
"""What each department reads, whole: written down here, not asked of the database."""

DENIED = {
    "bi_reader": [
        "select * from pii.contact",
        "select * from pii.source_customer",
        "select * from core.customer",
        "select * from core.complaint",
        "select * from features.customer_orders",
        "select * from scores.churn",
        "select * from campaigns.decision",
        "select * from privacy.consent",
        "select * from privacy.request",
        "select * from ops.audit",
        'select * from landing.customer',
        'select * from quarantine."row"',
        "select * from bi.kpi_value",
        "select * from bi.group_profile_value",
        "select * from bi.customer_group",
        "select * from bi.play_effect",
        *(f"select * from {view}" for view in OF_STAFF),
        "insert into bi.kpi_definition values ('x', 'x', 'x', 'x', 'x')",
        "delete from bi.kpi_definition",
        "create table bi.mine (a int)",
        "create table public.mine (a int)",
        "create temporary table mine (a int)",
        "update ops.lease set token = 0",
    ],
    "ret_audit": [
        "select * from pii.contact",
        "select subject from privacy.request",
        "select * from core.customer",
        "delete from ops.audit",
        "update privacy.receipt set kind = 'x'",
    ],
    "ret_model": ["select * from pii.contact", "select * from privacy.consent", "select * from campaigns.delivery",
                  "delete from core.order_entry"],
    "ret_ingest": ["select * from scores.churn", "select * from campaigns.holdout",
                   "delete from privacy.consent", "update privacy.tombstone set request_id = 'x'"],
    "ret_push": ["select * from pii.source_customer", "insert into privacy.consent select * from privacy.consent",
                 "delete from privacy.suppression", "delete from core.customer", 'select * from landing."order"'],
}  # fmt: skip

ALLOWED = {
    "bi_reader": [*(f"select * from {view}" for view in BI_VIEWS if view not in OF_STAFF), "select * from bi.kpi_definition"],
    **{role: [f"select * from {view}" for view in views] for role, views in DEPARTMENTS.items()},
    "ret_audit": ["select * from ops.audit", "select * from privacy.receipt", "select request_id, state from privacy.request"],
    "ret_model": ["select * from core.order_entry", "delete from scores.churn"],
    "ret_ingest": ["delete from landing.customer", "select * from privacy.tombstone", "update pii.contact set name = name"],
    "ret_push": [
        "select * from bi.play_effect",
        "select source_customer_key, customer_id from pii.source_customer",
        "select * from pii.contact",
        "select * from privacy.consent_current",
        "delete from campaigns.decision",
    ],
}


def run_as(warehouse: Warehouse, role: str, statement: str) -> None:
    with psycopg.connect(warehouse.url.render_as_string(hide_password=False)) as connection:
        connection.execute(f"set role {role}")
        connection.execute(statement)
        connection.rollback()


@pytest.fixture(scope="module")
def warehouse(server: EmbeddedPostgres, templates: dict[str, str], project: Path) -> Iterator[Warehouse]:
    """A warehouse with its roles, shared: nothing here changes it for good."""
    with cloned(server, "bi_roles", templates["warehouse"]) as url:
        opened = Warehouse(url)
        with psycopg.connect(url) as connection:
            # What belongs to the database itself is not cloned with it, so the file runs again: it may.
            connection.execute((project / "migrations/warehouse/0002_roles.sql").read_text())
        yield opened
        opened.dispose()


@pytest.mark.parametrize("role", DENIED)
def test_denied(warehouse: Warehouse, role: str) -> None:
    for statement in DENIED[role]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run_as(warehouse, role, statement)


@pytest.mark.parametrize("role", ALLOWED)
def test_allowed(warehouse: Warehouse, role: str) -> None:
    for statement in ALLOWED[role]:
        run_as(warehouse, role, statement)


def readable(warehouse: Warehouse, role: str) -> list[str]:
    """What a role may read in the whole database."""
    with psycopg.connect(warehouse.url.render_as_string(hide_password=False)) as connection:
        return sorted(
            row[0]
            for row in connection.execute(
                "select class.oid::regclass::text from pg_class as class where class.relkind in ('r', 'p', 'v', 'm') "
                "and class.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema') "
                "and has_table_privilege(%s, class.oid, 'select')",
                (role,),
            )
        )


@pytest.mark.parametrize("role", DEPARTMENTS)
def test_a_department_reads_what_is_listed_and_nothing_else(warehouse: Warehouse, role: str) -> None:
    assert readable(warehouse, role) == DEPARTMENTS[role]


def test_analysts_read_every_view_but_those_of_staff(warehouse: Warehouse) -> None:
    tables = {"bi.kpi_definition", "bi.setting"}
    assert set(readable(warehouse, "bi_reader")) == {*BI_VIEWS, *tables} - set(OF_STAFF)


def test_nothing_is_open_to_everybody(warehouse: Warehouse) -> None:
    with psycopg.connect(warehouse.url.render_as_string(hide_password=False)) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.table_privileges where grantee = 'PUBLIC' "
            "and table_schema not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        schemas = connection.execute(
            "select nspname from pg_namespace where nspname not like 'pg_%' and nspname <> 'information_schema' "
            "and has_schema_privilege('bi_reader', nspname, 'usage') and nspname <> 'bi'"
        ).fetchall()
    assert (tables, schemas) == ([], [])


def test_a_table_made_later_is_not_open_either(warehouse: Warehouse) -> None:
    with psycopg.connect(warehouse.url.render_as_string(hide_password=False)) as connection:
        connection.execute("create table bi.later (a int)")
        connection.execute("set role bi_reader")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from bi.later")


def test_with_the_guard_off_a_small_group_would_show(warehouse: Warehouse) -> None:
    """The guard turned off: granted the tables behind the views, a BI tool reads groups of one."""
    with psycopg.connect(warehouse.url.render_as_string(hide_password=False)) as connection:
        connection.execute("grant select on bi.kpi_value to bi_reader")
        connection.execute("set role bi_reader")
        connection.execute("select customers from bi.kpi_value where customers < 10")
        connection.rollback()


PERSONAL = {
    "name", "email", "phone", "gender", "birth_date", "birth_year", "birthday_md", "wedding_md", "wedding_anniversary", "city",
    "occupation", "text", "comment", "customer_id", "account_owner", "personality_tag", "address",
}  # fmt: skip


def test_no_view_has_a_personal_column(warehouse: Warehouse) -> None:
    for view in BI_VIEWS:
        # Who looks after a customer is no personal value of the customer's, and what sales is about.
        allowed = {"account_owner"} if view.startswith("bi.sales_") else set()
        assert not (PERSONAL - allowed) & set(all_contracts()[view].column_names), view


def test_every_view_and_column_is_commented(warehouse: Warehouse) -> None:
    with psycopg.connect(warehouse.url.render_as_string(hide_password=False)) as connection:
        missing = connection.execute(
            "select class.relname, attribute.attname from pg_class as class "
            "join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum > 0 "
            "where class.relnamespace = cast('bi' as regnamespace) and class.relkind = 'v' "
            "and col_description(class.oid, attribute.attnum) is null"
        ).fetchall()
    assert missing == []
    assert len(BI_VIEWS) >= 7
