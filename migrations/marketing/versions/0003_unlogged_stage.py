"""The stage of a push is not written to the log."""

from pathlib import Path

from retention.warehouse.migrations import run_sql_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql_file(Path(__file__).parents[1] / "0003_unlogged_stage.sql")
