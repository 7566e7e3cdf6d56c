"""Baseline: every table of the first release, generated from the contracts under include/sql."""

from pathlib import Path

from retention.warehouse.migrations import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql_file(Path(__file__).parents[1] / "0001_baseline.sql")
