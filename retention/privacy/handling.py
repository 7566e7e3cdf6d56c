"""The hourly round: open requests are carried out, storage limits applied, returned erased people swept away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retention.deployment import Deployment
from retention.privacy.access import access_file, export_person
from retention.privacy.erasure import erase
from retention.privacy.exported import delete_expired
from retention.privacy.files import FileStore, configured_stores
from retention.privacy.limits import apply_limits
from retention.privacy.redelivery import sweep_redelivered
from retention.privacy.registry import UnregisteredTable, unregistered
from retention.privacy.requests import audit
from retention.warehouse import RetentionError, Run, lease


def handle_requests(
    run: Run, now: datetime, stores: Sequence[FileStore] | None = None, exports: Path | None = None
) -> dict[str, Any]:
    """Carry out every open request, sweep what sources re-delivered of erased people, and apply the storage limits.

    Requests are handled one by one, each under its own lease; a request that fails stays open, the others go on, and the
    error is raised at the end.

    Parameters
    ----------
    run : Run
        Gives both databases.
    now : datetime
        The present instant, aware.
    stores : sequence of FileStore, optional
        Files to erase from; default those of the sources that this installation describes.
    exports : Path, optional
        Folder for copies made on an access request, with ``audiences`` below it for audiences in files; default
        ``<home>/exports``.

    Returns
    -------
    Counts: requests done, settling and failed, rows swept and expired.

    Raises
    ------
    UnregisteredTable when a database holds a table of which nobody said how a person is removed.
    RetentionError of the first request that failed.
    """
    deployment = Deployment.from_env() if stores is None or exports is None else None
    if deployment is not None:
        stores = configured_stores(deployment) if stores is None else stores
        exports = deployment.home / "exports" if exports is None else exports
    assert stores is not None
    assert exports is not None
    _require_registry(run)
    counts: dict[str, Any] = {"requests_done": 0, "requests_settling": 0, "requests_failed": 0}
    failure: RetentionError | None = None
    for request_id in _open_requests(run):
        try:
            outcome = _handle(run, request_id, stores, exports, now)
            counts[f"requests_{outcome}"] += 1
        except RetentionError as error:
            counts["requests_failed"] += 1
            failure = failure or error
    counts.update(sweep_redelivered(run))
    counts.update(apply_limits(run, now))
    counts["lists_expired"] = delete_expired(exports / "audiences", now)
    if failure is not None:
        raise failure
    return counts


def _require_registry(run: Run) -> None:
    """Refuse to erase from a database that holds tables nobody registered: the receipt would promise too much."""
    unknown = [f"warehouse.{table}" for table in unregistered(run.warehouse, "warehouse")]
    if run.marketing is not None:
        unknown += [f"marketing.{table}" for table in unregistered(run.marketing, "marketing")]
    if unknown:
        raise UnregisteredTable(
            f"tables without a contract: {', '.join(unknown)}. Nobody can be erased from them, so no request was handled. "
            "Write a contract with `erasure`, or drop the table."
        )


def _open_requests(run: Run) -> list[str]:
    with run.warehouse.connect() as connection:
        return list(
            connection.execute(
                sa.text("select request_id from privacy.request where state <> 'done' order by requested_at, request_id")
            ).scalars()
        )


def _handle(run: Run, request_id: str, stores: Sequence[FileStore], exports: Path, now: datetime) -> str:
    with lease(run, "privacy", f"request {request_id}") as held:
        with run.warehouse.connect() as connection:
            request = connection.execute(
                sa.text("select * from privacy.request where request_id = :request_id"), {"request_id": request_id}
            ).one()
        if request.state == "done":
            return "done"
        if request.kind == "access":
            export_person(run, held, request, exports, now)
            return "done"
        _remove_exports(run, request, exports)
        outcome = erase(run, held, request, stores, now, exports / "audiences")
        if outcome == "done":
            with run.warehouse.begin() as connection:
                audit(connection, request.requested_by, "erase_person", request_id, now)
        return outcome


def _remove_exports(run: Run, request: sa.Row[Any], exports: Path) -> None:
    """Delete copies made for the person on an earlier access request."""
    with run.warehouse.connect() as connection:
        earlier = connection.execute(
            sa.text(
                "select request_id from privacy.request where kind = 'access' "
                "and source_customer_keys && cast(:keys as bigint[])"
            ),
            {"keys": list(request.source_customer_keys)},
        ).scalars()
        for request_id in earlier.all():
            access_file(exports, request_id).unlink(missing_ok=True)
