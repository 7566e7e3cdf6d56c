"""A person's copy of their data: every row the registry finds, as one JSON file, with a line in the audit."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retention.privacy.registry import PersonRows, person_rows
from retention.privacy.requests import audit
from retention.privacy.subject import Subject, collect
from retention.warehouse import Lease, Run, Warehouse, all_contracts, failpoint


def export_person(run: Run, held: Lease, request: sa.Row[Any], folder: Path, now: datetime) -> Path:
    """Write one person's data to ``<folder>/access-<request>.json`` and close the request.

    The file is readable by its owner only; whoever hands it over deletes it after. An erasure of the person removes it.

    Parameters
    ----------
    run, held : Run, Lease
        The run and the lease on the request.
    request : Row
        The open request.
    folder : Path
        Where exports go; made when missing.
    now : datetime
        The present instant, aware.

    Returns
    -------
    The file.
    """
    with run.warehouse.connect() as connection:
        known = Subject.from_json(request.subject) | Subject(keys=frozenset(request.source_customer_keys))
        subject = collect(connection, run.secrets.pepper, known)
    document: dict[str, Any] = {
        "request": request.request_id,
        "as_of": now.isoformat(),
        "about": "every row held about you, by database and table; times in UTC, amounts in minor units of the base currency",
        "tables": {},
    }
    rows_by_store: dict[str, dict[str, int]] = {}
    for name, database in (("warehouse", run.warehouse), ("marketing", run.marketing)):
        if database is None:
            continue
        rows_by_store[name] = {}
        for rule in person_rows(name):
            rows = _rows(database, rule, subject)
            if rows:
                rows_by_store[name][rule.table] = len(rows)
                contract = all_contracts()[rule.table]
                document["tables"][f"{name}.{rule.table}"] = {"description": contract.description, "rows": rows}
    path = access_file(folder, request.request_id)
    _write(path, json.dumps(document, ensure_ascii=False, indent=2))
    failpoint("access.file_written")
    with held.publishing() as connection:
        connection.execute(
            sa.text(
                "insert into privacy.receipt (request_id, kind, customer_key, requested_at, completed_at, rows_by_store, "
                "recipients, "
                "verification) values (:request_id, 'access', :customer_key, :requested_at, :now, cast(:rows as jsonb), '{}', "
                "'{}') on conflict (request_id) do nothing"
            ),
            {
                "request_id": request.request_id,
                "customer_key": request.customer_key,
                "requested_at": request.requested_at,
                "now": now,
                "rows": json.dumps(rows_by_store),
            },
        )
        connection.execute(
            sa.text(
                "update privacy.request set state = 'done', subject = null, closed_at = :now where request_id = :request_id"
            ),
            {"now": now, "request_id": request.request_id},
        )
        total = sum(sum(tables.values()) for tables in rows_by_store.values())
        audit(connection, request.requested_by, "export_person", request.request_id, now, {"rows": total, "file": path.name})
        held.counts["rows_exported"] = total
    return path


def access_file(folder: Path, request_id: str) -> Path:
    """Return where the export of a request lies."""
    return folder / f"access-{request_id}.json"


def _rows(database: Warehouse, rule: PersonRows, subject: Subject) -> list[Any]:
    with database.connect() as connection:
        return list(
            connection.execute(
                sa.text(f"select to_jsonb(found) from (select * from {rule.qualified} where {rule.condition}) as found"),
                {"customer_keys": sorted(subject.keys)},
            ).scalars()
        )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    Path(temporary).replace(path)
