"""Roles and what they may do."""

from pathlib import Path

from retention.warehouse.migrations import run_sql_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql_file(Path(__file__).parents[1] / "0002_roles.sql")
