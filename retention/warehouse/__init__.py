"""The warehouse: connections, contracts, the writing protocol, migrations, the embedded server."""

from retention.warehouse.attach import partition_name
from retention.warehouse.connections import Warehouse, ingest_arrow, read_arrow, read_frame, statement
from retention.warehouse.contracts import Check, Column, Contract, all_contracts, load_contract, sql_file
from retention.warehouse.errors import (
    ConnectionLost,
    ContractError,
    DatabaseFailed,
    Fenced,
    LeaseHeld,
    RetentionError,
    quote_error,
)
from retention.warehouse.failpoints import failpoint
from retention.warehouse.lease import Lease, lease, sweep_abandoned
from retention.warehouse.migrations import migrate, pending
from retention.warehouse.run import Attempt, Run
from retention.warehouse.writer import StageWriter, ensure_partitions, stage_writer

__all__ = [
    "Attempt",
    "Check",
    "Column",
    "ConnectionLost",
    "Contract",
    "ContractError",
    "DatabaseFailed",
    "Fenced",
    "Lease",
    "LeaseHeld",
    "RetentionError",
    "Run",
    "StageWriter",
    "Warehouse",
    "all_contracts",
    "ensure_partitions",
    "failpoint",
    "ingest_arrow",
    "lease",
    "load_contract",
    "migrate",
    "partition_name",
    "pending",
    "quote_error",
    "read_arrow",
    "read_frame",
    "sql_file",
    "stage_writer",
    "statement",
    "sweep_abandoned",
]
