"""A sliced table of named people, and a program that publishes one slice of it: what the fault tests kill.

Run as ``python -m tests.retention.warehouse.people_slice URL TRY VERSION [TASK]``; exits 0 when published, 3 when fenced.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from retention.deployment import Secrets
from retention.settings import LeaseSettings, Settings
from retention.warehouse import Attempt, Column, Contract, Fenced, Run, Warehouse, contracts, stage_writer, writer
from retention.warehouse.ddl import create_table

TABLE = "features.people"
AS_OF = date(2026, 4, 1)
PEOPLE = {1: "Ana", 2: "Bo", 3: "Chen", 4: "Dai"}
QUICK = Settings(lease=LeaseSettings(expires_seconds=1.5, renew_seconds=0.3, wait_seconds=20.0))
CONTRACT = Contract(
    table=TABLE,
    database="warehouse",
    kind="slice",
    description="People of the fault tests.",
    grain="one row per person per as_of_date",
    primary_key=("as_of_date", "customer_key"),
    natural_key=(),
    erasure="customer_key",
    erasure_note="",
    columns=(
        Column("as_of_date", "date", "As-of date.", nullable=False),
        Column("customer_key", "bigint", "Person.", nullable=False),
        Column("version", "bigint", "Which attempt wrote the row."),
    ),
    indexes=(),
    checks=(),
    constraints=(),
    path=Path("people.yml"),
)


def register() -> None:
    """Make the contract known to the writer of this process."""
    known = contracts.load_contract
    lookup = lambda table: CONTRACT if table == TABLE else known(table)  # noqa: E731  # one line says it best
    writer.load_contract = lookup


def create(warehouse: Warehouse) -> None:
    """Make the table."""
    with warehouse.begin() as connection:
        connection.exec_driver_sql(create_table(CONTRACT))


def frame(version: int, as_of: date = AS_OF) -> pd.DataFrame:
    """Return the slice: everybody, stamped with a version."""
    return pd.DataFrame({"as_of_date": [as_of] * len(PEOPLE), "customer_key": list(PEOPLE), "version": [version] * len(PEOPLE)})


def read(warehouse: Warehouse) -> dict[int, int]:
    """Return version by person; an assertion fails on a person who is there twice."""
    with warehouse.connect() as connection:
        rows = connection.execute(sa.text(f"select customer_key, version from {TABLE} where as_of_date = '{AS_OF}'")).all()
    assert len(rows) == len({row.customer_key for row in rows}), "a person is there twice"
    return {row.customer_key: row.version for row in rows}


def publish(run: Run, version: int) -> dict[str, int]:
    """Publish the slice of AS_OF with a version."""
    with stage_writer(run, "features") as slice_writer:
        slice_writer.fill_arrow(TABLE, frame(version, run.as_of_date))
        return slice_writer.publish()


def main(url: str, try_number: str, version: str, task_id: str = "people") -> int:
    register()
    run = Run(
        business_date=date(2026, 3, 31),
        warehouse=Warehouse(url, application_name=f"people-{version}"),
        settings=QUICK,
        attempt=Attempt("test", "run-1", task_id, int(try_number)),
        secrets=Secrets(pepper=b"x" * 32),
    )
    try:
        publish(run, int(version))
    except Fenced as error:
        print(f"FENCED {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
