"""The writing protocol: lease, fencing token, ledger, one transaction that publishes.

Schedulers start a second try while the first still runs, killed clients leave statements behind, machines freeze and wake
up. So a writer takes a lease on (dataset, slice) with a token that grows with every holder, keeps it alive, prepares its
rows where nobody reads them, and publishes in one transaction that first locks the lease row and compares the token. An
overtaken writer finds a greater token there and changes nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from retention.warehouse.errors import Fenced, LeaseHeld, RetentionError, quote_error
from retention.warehouse.failpoints import failpoint
from retention.warehouse.run import Run

_CHANNEL = "retention_lease"


@dataclass
class Lease:
    """A lease that is held. Use :meth:`publishing` for the transaction that makes the work visible."""

    run: Run
    dataset: str
    slice_key: str
    token: int
    ledger_id: int
    counts: dict[str, int] = field(default_factory=dict)
    note: str = ""
    published: bool = False

    @contextmanager
    def publishing(self) -> Iterator[Connection]:
        """Open the fenced transaction: what is done in it becomes visible at once and whole, or not at all.

        Raises
        ------
        Fenced when a newer attempt has taken the lease; nothing was changed.
        """
        failpoint("publish.before_lock")
        with self.run.warehouse.begin() as connection:
            self._compare_token(connection, lock="for update")
            failpoint("publish.locked")
            yield connection
            failpoint("publish.before_ledger")
            _close_ledger(connection, self.ledger_id, "published", self.counts, self.note)
            failpoint("publish.before_commit")
        self.published = True
        failpoint("publish.after_commit")

    def require_current(self) -> None:
        """Stop an attempt that was overtaken, before it finds out by missing its staging, which the newer one has dropped.

        Raises
        ------
        Fenced when a newer attempt has taken the lease.
        """
        with self.run.warehouse.connect() as connection:
            self._compare_token(connection)

    def _compare_token(self, connection: Connection, lock: str = "") -> None:
        current = connection.execute(
            sa.text(f"select token from ops.lease where dataset = :dataset and slice_key = :slice_key {lock}"),
            {"dataset": self.dataset, "slice_key": self.slice_key},
        ).scalar_one()
        if current != self.token:
            raise Fenced(
                f"{self.dataset} {self.slice_key}: this attempt ({self.run.attempt.task_id}, try "
                f"{self.run.attempt.try_number}) holds token {self.token}, a newer one holds {current}. "
                "It published nothing; the newer attempt carries on."
            )

    def record(
        self, connection: Connection, table: str, rows: int, slice_key: str | None = None, checksum: int | None = None
    ) -> None:
        """Record within :meth:`publishing` that a table was replaced or changed by this lease."""
        connection.execute(
            sa.text(
                "insert into ops.published (table_name, slice_key, token, rows, checksum, run_id, published_at, is_stale) "
                "values (:table_name, :slice_key, :token, :rows, :checksum, :run_id, clock_timestamp(), false) "
                "on conflict (table_name, slice_key) do update set token = excluded.token, rows = excluded.rows, "
                "checksum = excluded.checksum, run_id = excluded.run_id, published_at = excluded.published_at, is_stale = false"
            ),
            {
                "table_name": table,
                "slice_key": slice_key or self.slice_key,
                "token": self.token,
                "rows": rows,
                "checksum": checksum,
                "run_id": self.run.attempt.run_id,
            },
        )
        self.counts[table] = rows


@contextmanager
def lease(run: Run, dataset: str, slice_key: str = "*", stage: str | None = None) -> Iterator[Lease]:
    """Hold the lease on (dataset, slice) for the time of the block, renewing it in the background.

    Waits while another task holds it, for at most ``settings.lease.wait_seconds``; a newer try of the same task takes over
    at once. Leaving the block without having published closes the ledger entry as ``failed`` (error) or ``no_data``.

    Parameters
    ----------
    run : Run
        Who asks.
    dataset : str
        What is written, e.g. ``features`` or ``core``.
    slice_key : str
        Which part: an ISO date, or ``*`` for all of it.
    stage : str, optional
        What the ledger calls the work; default the dataset.

    Raises
    ------
    LeaseHeld when another run did not let go in time.
    """
    token, ledger_id = _acquire(run, dataset, slice_key, stage or dataset)
    held = Lease(run, dataset, slice_key, token, ledger_id)
    stop = threading.Event()
    renewer = threading.Thread(target=_renew, args=(held, stop), name=f"lease-{dataset}-{slice_key}", daemon=True)
    renewer.start()
    try:
        failpoint("lease.acquired")
        yield held
    except BaseException as error:
        quoted = quote_error(error, dataset) if isinstance(error, DBAPIError | psycopg.Error) else error
        _end(held, stop, renewer, "fenced" if isinstance(quoted, Fenced) else "failed", _safe_message(quoted))
        if quoted is error:
            raise
        raise quoted from None
    _end(held, stop, renewer, "no_data", held.note)


def _acquire(run: Run, dataset: str, slice_key: str, stage: str) -> tuple[int, int]:
    deadline = time.monotonic() + run.settings.lease.wait_seconds
    while True:
        outcome = _try_acquire(run, dataset, slice_key, stage)
        if isinstance(outcome, tuple):
            return outcome
        left = deadline - time.monotonic()
        if left <= 0:
            raise LeaseHeld(
                f"{dataset} {slice_key}: held since {outcome.acquired_at:%Y-%m-%d %H:%M:%S %Z} by {outcome.dag_id}/"
                f"{outcome.task_id} of run {outcome.run_id}; waited {run.settings.lease.wait_seconds:.0f} s. "
                "Nothing was changed."
            )
        _await_release(run, min(left, max(0.05, outcome.seconds_left)))


@dataclass(frozen=True)
class _Holder:
    dag_id: str
    run_id: str
    task_id: str
    acquired_at: datetime
    seconds_left: float


def _try_acquire(run: Run, dataset: str, slice_key: str, stage: str) -> tuple[int, int] | _Holder:
    attempt = run.attempt
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.lease (dataset, slice_key, token, expires_at) values (:dataset, :slice_key, 0, '-infinity') "
                "on conflict do nothing"
            ),
            {"dataset": dataset, "slice_key": slice_key},
        )
        row = _lock_lease(connection, dataset, slice_key)
        if row is None:  # its holder is publishing at this moment: nobody may take over, and nobody needs to hang on the lock
            return _publishing_holder(connection, dataset, slice_key)
        same_task = (row.dag_id, row.run_id, row.task_id) == (attempt.dag_id, attempt.run_id, attempt.task_id)
        if not row.is_free and not (same_task and attempt.try_number > row.try_number):
            return _Holder(row.dag_id, row.run_id, row.task_id, row.acquired_at, row.seconds_left)
        token = row.token + 1
        connection.execute(
            sa.text(
                "update ops.lease set token = :token, dag_id = :dag_id, run_id = :run_id, task_id = :task_id, "
                "try_number = :try_number, acquired_at = clock_timestamp(), "
                "expires_at = clock_timestamp() + make_interval(secs => :seconds) "
                "where dataset = :dataset and slice_key = :slice_key"
            ),
            {
                "token": token, "dag_id": attempt.dag_id, "run_id": attempt.run_id, "task_id": attempt.task_id,
                "try_number": attempt.try_number, "seconds": run.settings.lease.expires_seconds,
                "dataset": dataset, "slice_key": slice_key,
            },
        )  # fmt: skip
        sweep_abandoned(connection, dataset, slice_key)
        ledger_id = connection.execute(
            sa.text(
                "insert into ops.run_ledger "
                "(stage, dataset, slice_key, business_date, dag_id, run_id, task_id, try_number, token) "
                "values (:stage, :dataset, :slice_key, :business_date, :dag_id, :run_id, :task_id, :try_number, :token) "
                "returning ledger_id"
            ),
            {
                "stage": stage, "dataset": dataset, "slice_key": slice_key, "business_date": run.business_date,
                "dag_id": attempt.dag_id, "run_id": attempt.run_id, "task_id": attempt.task_id,
                "try_number": attempt.try_number, "token": token,
            },
        ).scalar_one()  # fmt: skip
    return token, int(ledger_id)


_LEASE = (
    "select token, dag_id, run_id, task_id, try_number, acquired_at, expires_at < clock_timestamp() as is_free, "
    "case when isfinite(expires_at) then extract(epoch from expires_at - clock_timestamp())::float8 else 0 end "
    "as seconds_left from ops.lease where dataset = :dataset and slice_key = :slice_key"
)


def _lock_lease(connection: Connection, dataset: str, slice_key: str) -> sa.Row[Any] | None:
    binds = {"dataset": dataset, "slice_key": slice_key}
    return connection.execute(sa.text(f"{_LEASE} for update skip locked"), binds).one_or_none()


def _publishing_holder(connection: Connection, dataset: str, slice_key: str) -> _Holder:
    row = connection.execute(sa.text(_LEASE), {"dataset": dataset, "slice_key": slice_key}).one()
    return _Holder(row.dag_id or "?", row.run_id or "?", row.task_id or "?", row.acquired_at, 1.0)


def sweep_abandoned(connection: Connection, dataset: str | None = None, slice_key: str | None = None) -> int:
    """Close the ledger entries of writers that died: overtaken ones, and those whose lease ran out.

    Called at every acquisition for its own slice and by ``retention status`` for all, so that no entry says ``running``
    for ever.

    Returns
    -------
    Entries closed.
    """
    result = connection.execute(
        sa.text(
            "update ops.run_ledger as entry set state = 'abandoned', ended_at = clock_timestamp(), "
            "message = 'the writer died or was overtaken before it published' "
            "from ops.lease as lease where entry.state = 'running' and lease.dataset = entry.dataset "
            "and lease.slice_key = entry.slice_key and (entry.token < lease.token or lease.expires_at < clock_timestamp()) "
            "and (cast(:dataset as text) is null or (entry.dataset = :dataset and entry.slice_key = :slice_key))"
        ),
        {"dataset": dataset, "slice_key": slice_key},
    )
    return int(result.rowcount)


def _await_release(run: Run, seconds: float) -> None:
    """Wait until some lease is released, or the given time."""
    with run.warehouse.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        raw.rollback()
        raw.autocommit = True
        try:
            raw.execute(f"listen {_CHANNEL}")
            next(raw.notifies(timeout=min(seconds, 2.0), stop_after=1), None)
            raw.execute(f"unlisten {_CHANNEL}")
        finally:
            raw.autocommit = False


def _renew(held: Lease, stop: threading.Event) -> None:
    """Keep the lease alive from a thread of its own; whether it was lost is decided at the fence, not here."""
    timing = held.run.settings.lease
    while not stop.wait(timing.renew_seconds):
        try:
            with held.run.warehouse.begin() as connection:
                renewed = connection.execute(
                    sa.text(
                        "update ops.lease set expires_at = clock_timestamp() + make_interval(secs => :seconds) "
                        "where dataset = :dataset and slice_key = :slice_key and token = :token"
                    ),
                    {
                        "seconds": timing.expires_seconds,
                        "dataset": held.dataset,
                        "slice_key": held.slice_key,
                        "token": held.token,
                    },
                ).rowcount
        except RetentionError:
            continue  # the database is away for a moment: the lease outlives several missed renewals
        if not renewed:
            return


def _end(held: Lease, stop: threading.Event, renewer: threading.Thread, state: str, message: str) -> None:
    """Let go: stop renewing, close the ledger when publishing did not, free the lease, wake who waits."""
    stop.set()
    renewer.join(timeout=held.run.settings.lease.renew_seconds)
    try:
        with held.run.warehouse.begin() as connection:
            if not held.published:
                _close_ledger(connection, held.ledger_id, state, held.counts, message)
            connection.execute(
                sa.text(
                    "update ops.lease set expires_at = '-infinity' "
                    "where dataset = :dataset and slice_key = :slice_key and token = :token"
                ),
                {"dataset": held.dataset, "slice_key": held.slice_key, "token": held.token},
            )
            connection.execute(sa.text(f"notify {_CHANNEL}"))
    except RetentionError:
        if state == "no_data":
            raise
        # The error that ends the block matters more; the lease runs out by itself and the next holder closes the entry.


def _close_ledger(connection: Connection, ledger_id: int, state: str, counts: dict[str, int], message: str) -> None:
    connection.execute(
        sa.text(
            "update ops.run_ledger set state = :state, ended_at = clock_timestamp(), counts = cast(:counts as jsonb), "
            "message = :message where ledger_id = :ledger_id and state in ('running', 'abandoned')"
        ),
        {"state": state, "counts": json.dumps(counts), "message": message or None, "ledger_id": ledger_id},
    )


def _safe_message(error: BaseException) -> str:
    """Return what may be stored of an error: the text of our own, only the kind of others (they may quote rows)."""
    return str(error) if isinstance(error, RetentionError) else type(error).__name__
