"""Erasing one person from every table, file and target.

The order makes it restartable: first remember who it is about (in the request), then tombstones, so that nothing new of the
person comes in; then files, then targets, then one transaction over the warehouse, in which the ids by which everything
is found go last. Every step removes what it finds and may run again. At the end everything is searched for the person's
values, and only a search without a hit closes the request.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.delivered import delete_delivered, delivered_rows
from retention.privacy.exported import delete_lists, lists_holding
from retention.privacy.files import FileStore, PersonMatcher, Rewrite, count_rows, planned_rewrites
from retention.privacy.orders import bury_orders
from retention.privacy.pseudonyms import address_hash
from retention.privacy.registry import person_rows
from retention.privacy.subject import Subject, collect
from retention.privacy.verification import Findings, search
from retention.warehouse import Lease, RetentionError, Run, all_contracts, failpoint
from retention.warehouse.identifiers import quote

RECIPIENTS = (
    "model artefacts hold split points, leaf sums and distribution parameters of the whole population, and words of complaints "
    "and comments that at least five people wrote, no row of anybody: "
    "nothing to remove; the next training no longer sees the person"
)


class ErasureIncomplete(RetentionError):
    """The search after an erasure still found the person."""

    runbook = "erasure-incomplete"


def erase(
    run: Run, held: Lease, request: sa.Row[Any], stores: Sequence[FileStore], now: datetime, lists: Path | None = None
) -> str:
    """Carry out one erasure request as far as it goes now.

    ``lists`` is the folder of audiences in files, where there is one.

    Returns
    -------
    ``done`` with a receipt written, or ``settling``: everything is removed, but a writer which began before the tombstone
        still holds a lease and might publish the person again. The next call removes that and decides anew.

    Raises
    ------
    ErasureIncomplete when the search finds the person although nobody else is writing; names the places, no values.
    """
    request_id = request.request_id
    subject = _begin(run, request_id, now)
    failpoint("erasure.tombstoned")
    numbers_from = {store.source: _numbers_from(run, store.source) for store in stores}
    _erase_files(run, request_id, subject, stores, numbers_from)
    if lists is not None:
        _erase_lists(run, request_id, subject, lists)
    failpoint("erasure.files_done")
    told = _erase_targets(run, request_id, subject, now)
    failpoint("erasure.targets_done")
    _erase_warehouse(run, request_id, subject)
    failpoint("erasure.warehouse_done")
    waiting_for = _older_writers(run, held, request_id)
    if waiting_for:
        with run.warehouse.begin() as connection:
            _set_state(connection, request_id, "settling")
        return "settling"
    findings = search(run, subject, request_id)
    for store in stores:
        for name, rows in count_rows(store, PersonMatcher(store, subject, numbers_from[store.source])).items():
            findings.hits[name] = rows
        findings.searched += 1
    if lists is not None:
        findings.hits.update({f"audiences/{name}": max(rows, 1) for name, rows in lists_holding(lists, subject.keys).items()})
        findings.searched += 1
    if findings.hits:
        places = ", ".join(f"{place}: {hits}" for place, hits in sorted(findings.hits.items()))
        raise ErasureIncomplete(
            f"request {request_id}: everything the registry names was removed, yet the search still finds the person in "
            f"{places}. "
            "No receipt was written; the request stays open and the next run tries again."
        )
    failpoint("erasure.verified")
    _close(held, request_id, findings, told, now)
    return "done"


def _begin(run: Run, request_id: str, now: datetime) -> Subject:
    """Remember whom it is about, write tombstones and suppression. From here on nothing new of the person comes in."""
    pepper = run.secrets.pepper
    with run.warehouse.begin() as connection:
        stored = connection.execute(
            sa.text("select subject, source_customer_keys from privacy.request where request_id = :request_id for update"),
            {"request_id": request_id},
        ).one()
        known = Subject.from_json(stored.subject) | Subject(keys=frozenset(stored.source_customer_keys))
        subject = collect(connection, pepper, known)
        connection.execute(
            sa.text(
                "update privacy.request set subject = cast(:subject as jsonb), source_customer_keys = :keys, state = 'running' "
                "where request_id = :request_id"
            ),
            {"subject": json.dumps(subject.to_json()), "keys": sorted(subject.keys), "request_id": request_id},
        )
        connection.execute(
            sa.text(
                "insert into privacy.tombstone (source_customer_key, request_id, erased_at) "
                "select key, :request_id, :now from unnest(cast(:keys as bigint[])) as key on conflict do nothing"
            ),
            {"keys": sorted(subject.keys), "request_id": request_id, "now": now},
        )
        connection.execute(
            sa.text(
                "insert into privacy.suppression (address_hash, channel, reason, since) "
                "select hash, 'all', 'erased', :now from unnest(cast(:hashes as text[])) as hash on conflict do nothing"
            ),
            {"hashes": sorted(address_hash(pepper, address) for address in subject.normalised), "now": now},
        )
        bury_orders(connection, pepper, subject.orders)
    return subject


def _numbers_from(run: Run, source: str) -> frozenset[str] | None:
    """Whose customer numbers a source uses: its own, or (when it has none in pii) those of the others."""
    with run.warehouse.connect() as connection:
        has_own = connection.execute(
            sa.text("select exists (select 1 from pii.source_customer where source = :source)"), {"source": source}
        ).scalar_one()
    return frozenset({source}) if has_own else None


def _erase_files(
    run: Run, request_id: str, subject: Subject, stores: Sequence[FileStore], numbers_from: dict[str, frozenset[str] | None]
) -> None:
    for store in stores:
        matcher = PersonMatcher(store, subject, numbers_from[store.source])
        found = count_rows(store, matcher)
        if not found:
            continue
        # Noted before the files change: a try that dies in between has told what the next one cannot see any more.
        with run.warehouse.begin() as connection:
            _note(connection, request_id, "files", found, keep_larger=True)
        for rewrite in planned_rewrites(store, matcher):
            # The manifest first: a try that dies in between leaves the person's rows, by which the next one finds the file.
            with run.warehouse.begin() as connection:
                _accept_rewrite(connection, store, rewrite)
            rewrite.apply()


def _erase_lists(run: Run, request_id: str, subject: Subject, lists: Path) -> None:
    """Delete the lists of audiences that hold, or may hold, the person; a match key cannot be told whose it is."""
    found = lists_holding(lists, subject.keys)
    if not found:
        return
    with run.warehouse.begin() as connection:
        _note(connection, request_id, "files", {f"audiences/{name}": rows for name, rows in found.items()}, keep_larger=True)
    delete_lists(lists, list(found))


def _accept_rewrite(connection: Connection, store: FileStore, rewrite: Rewrite) -> None:
    """Tell the manifest that we change this file ourselves, so that the next reading does not call it tampered with."""
    connection.execute(
        sa.text(
            "update ops.file_manifest set sha256 = :sha256, size_bytes = :size, rows = greatest(rows - :removed, 0) "
            "where source = :source and path = :path and sha256 <> :sha256"
        ),
        {
            "source": store.source,
            "path": rewrite.name,
            "sha256": rewrite.sha256,
            "size": len(rewrite.content),
            "removed": rewrite.removed,
        },
    )


def _erase_targets(run: Run, request_id: str, subject: Subject, now: datetime) -> dict[str, str]:
    """Remove the person from the marketing database and leave a removal for tools that follow by difference."""
    if run.marketing is None:
        return {}
    keys = {"customer_keys": sorted(subject.keys)}
    rules = person_rows("marketing")
    with run.marketing.connect() as connection:
        found = {
            rule.table: int(
                connection.execute(
                    sa.text(f"select count(*) from {rule.qualified} where {_kept_apart(rule.table, rule.condition)}"), keys
                ).scalar_one()
            )
            for rule in rules
        }
    with run.warehouse.begin() as connection:
        _note(connection, request_id, "marketing", {table: rows for table, rows in found.items() if rows}, keep_larger=True)
    failpoint("erasure.before_targets")
    with run.marketing.begin() as connection:
        # Pushes take turns by this row: between our removal and theirs nothing can slip in.
        connection.execute(sa.text("select 1 from marketing.push_state for update"))
        _announce_removal(connection, subject, now)
        for rule in rules:
            connection.execute(sa.text(f"delete from {rule.qualified} where {_kept_apart(rule.table, rule.condition)}"), keys)
        failpoint("erasure.before_targets_commit")
        announced = connection.execute(
            sa.text(
                "select max(sequence) from marketing.audience_change "
                "where customer_key = any(:customer_keys) and change = 'removed' and reason = 'erased'"
            ),
            keys,
        ).scalar_one()
    return {
        "marketing": "removal written to marketing.audience_change for every campaign the person was ever in; rows removed",
        **_further_targets(run, announced),
    }


def _further_targets(run: Run, announced: int | None) -> dict[str, str]:
    """Return what further databases are told, by name: all that were ever fed, also those that are not described any more.

    They are told by the feed, which follows within minutes; the number of the removal says which of its receipts proves it.
    """
    with run.warehouse.connect() as connection:
        targets = connection.execute(sa.text("select distinct target from campaigns.target_receipt order by target")).scalars()
        said = (
            "nothing of the person was ever sent there"
            if announced is None
            else f"told by the next feed, within minutes: removals of every audience, rows deleted; proven by its first row of "
            f"campaigns.target_receipt with sequence {announced} or more"
        )
        return {f"target {target}": said for target in targets}


def _kept_apart(table: str, condition: str) -> str:
    """The removal which tools still have to read is the one row that stays, without the customer's number."""
    if table == "marketing.audience_change":
        return f"({condition}) and not (change = 'removed' and reason = 'erased')"
    return condition


def _announce_removal(connection: Connection, subject: Subject, now: datetime) -> None:
    """Append one removal per campaign the person was ever announced for, copied from the latest row without its reasons."""
    columns = [
        column.name
        for column in all_contracts()["marketing.audience_change"].columns
        if not column.identity
        and column.name not in ("change", "reason", "customer_id", "reasons_en", "reasons_zh", "changed_at")
    ]
    names = ", ".join(map(quote, columns))
    connection.execute(
        sa.text(
            f"insert into marketing.audience_change ({names}, change, reason, reasons_en, reasons_zh, changed_at) "
            f"select {names}, 'removed', 'erased', 'erased', '已删除', :now from ("
            "select distinct on (campaign, customer_key) * from marketing.audience_change "
            "where customer_key = any(:customer_keys) order by campaign, customer_key, sequence desc) as latest "
            "where not (change = 'removed' and reason is not distinct from 'erased')"
        ),
        {"customer_keys": sorted(subject.keys), "now": now},
    )


def _erase_warehouse(run: Run, request_id: str, subject: Subject) -> None:
    """Remove the person from every table of the warehouse in one transaction, and from staging left behind."""
    keys = {"customer_keys": sorted(subject.keys)}
    with run.warehouse.begin() as connection:
        removed: dict[str, int] = {}
        for table, statement, binds in delivered_rows(subject):
            _count(removed, table, delete_delivered(connection, table, statement, binds))
        for statement in _staged_rows(connection):
            _count(removed, "staging", connection.execute(sa.text(statement), keys).rowcount)
        for rule in person_rows("warehouse"):
            statement = f"delete from {rule.qualified} where {rule.condition}"
            counted = rule.table.startswith("landing.") and rule.table != "landing.kept_row"  # kept beside its batch's counts
            if counted or rule.table == "quarantine.row":
                rows = delete_delivered(connection, rule.table, f"{statement} returning batch_id", keys)
            else:
                rows = connection.execute(sa.text(statement), keys).rowcount
            _count(removed, rule.table, rows)
            if rows:
                # The checksum was that of a slice with one more person; a re-run of the date makes a new one.
                connection.execute(
                    sa.text("update ops.published set checksum = null where table_name = :table"), {"table": rule.table}
                )
            failpoint("erasure.table_done")
        _note(connection, request_id, "warehouse", removed, keep_larger=False)
        connection.execute(
            sa.text(
                "update privacy.request set progress = progress || jsonb_build_object('erased_at', "
                "coalesce(progress ->> 'erased_at', cast(clock_timestamp() as text))) where request_id = :request_id"
            ),
            {"request_id": request_id},
        )
        failpoint("erasure.before_commit")


def _count(removed: dict[str, int], table: str, rows: int) -> None:
    if rows:
        removed[table] = removed.get(table, 0) + rows


def _staged_rows(connection: Connection) -> list[str]:
    """Statements for staging: tables of writers, named by their tokens, found by their key columns."""
    rows = connection.execute(
        sa.text(
            "select table_name, array_agg(cast(column_name as text)) as key_columns from information_schema.columns "
            "where table_schema = 'staging' and column_name in "
            "('customer_key', 'source_customer_key', 'referred_customer_key') "
            "group by table_name"
        )
    ).all()
    return [
        f"delete from staging.{_quoted(row.table_name)} "
        f"where {' or '.join(f'{quote(key)} = any(:customer_keys)' for key in row.key_columns)}"
        for row in rows
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _older_writers(run: Run, held: Lease, request_id: str) -> list[str]:
    """Writers that began before the person was removed and may still publish: they may have read the person before.

    Those are the holders of a lease, and whoever is publishing at this moment: they have locked their lease, so that it is
    not renewed and seems to have run out.
    """
    older = (
        "select lease.dataset || ' ' || lease.slice_key from ops.lease as lease where lease.acquired_at < ("
        "select cast(request.progress ->> 'erased_at' as timestamptz) from privacy.request as request "
        "where request.request_id = :request_id) and not (lease.dataset = :dataset and lease.slice_key = :slice_key)"
    )
    binds = {"request_id": request_id, "dataset": held.dataset, "slice_key": held.slice_key}
    with run.warehouse.begin() as connection:
        ended = connection.execute(
            sa.text(f"{older} and lease.expires_at <= clock_timestamp() for update of lease skip locked"), binds
        ).scalars()
        finished = set(ended)
        return [writer for writer in connection.execute(sa.text(older), binds).scalars() if writer not in finished]


def _note(connection: Connection, request_id: str, store: str, counts: dict[str, int], keep_larger: bool) -> None:
    """Add counts to the request. ``keep_larger`` where the same rows may be counted twice (another server, files)."""
    progress = connection.execute(
        sa.text("select progress from privacy.request where request_id = :request_id for update"), {"request_id": request_id}
    ).scalar_one()
    noted = dict(progress.get(store, {}))
    for name, rows in counts.items():
        before = int(noted.get(name, 0))
        noted[name] = max(before, rows) if keep_larger else before + rows
    connection.execute(
        sa.text("update privacy.request set progress = cast(:progress as jsonb) where request_id = :request_id"),
        {"progress": json.dumps({**progress, store: noted}), "request_id": request_id},
    )


def _set_state(connection: Connection, request_id: str, state: str) -> None:
    connection.execute(
        sa.text("update privacy.request set state = :state where request_id = :request_id"),
        {"state": state, "request_id": request_id},
    )


def _close(held: Lease, request_id: str, findings: Findings, told: dict[str, str], now: datetime) -> None:
    """Write the receipt and forget whom it was about, in one fenced transaction."""
    recipients = {**told, "models": RECIPIENTS}
    with held.publishing() as connection:
        connection.execute(
            sa.text(
                "insert into privacy.receipt (request_id, kind, customer_key, requested_at, completed_at, rows_by_store, "
                "recipients, "
                "verification) select request_id, kind, customer_key, requested_at, :now, progress - 'erased_at', "
                "cast(:recipients as jsonb), cast(:verification as jsonb) from privacy.request where request_id = :request_id "
                "on conflict (request_id) do nothing"
            ),
            {
                "request_id": request_id,
                "now": now,
                "recipients": json.dumps(recipients),
                "verification": json.dumps(findings.to_json()),
            },
        )
        connection.execute(
            sa.text(
                "update privacy.request set state = 'done', subject = null, closed_at = :now where request_id = :request_id"
            ),
            {"request_id": request_id, "now": now},
        )
        held.counts["requests_closed"] = held.counts.get("requests_closed", 0) + 1
