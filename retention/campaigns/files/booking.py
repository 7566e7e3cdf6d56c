"""Lists on record: who read which audience, when, how many rows, with which checksum."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.files.manifest import to_bytes
from retention.campaigns.match_keys.listing import Listing
from retention.campaigns.match_keys.recording import record
from retention.warehouse import Lease, Run


def book(
    connection: Connection,
    held: Lease,
    campaign: str,
    manifest: dict[str, Any],
    listing: Listing | None,
    actor: str,
    now: datetime,
) -> None:
    """Book a list that is being swapped in: the list, what became of the keys, and who read it."""
    manifest_sha256 = hashlib.sha256(to_bytes(manifest)).hexdigest()
    connection.execute(
        sa.text(
            "insert into campaigns.audience_export (campaign, list_name, version, format, rows_written, members, "
            "manifest_sha256, exported_by, exported_at, use_before) values (:campaign, :list_name, :version, :format, :rows, "
            ":members, :manifest_sha256, :actor, :now, :use_before)"
        ),
        {
            "campaign": campaign,
            "list_name": manifest["list"],
            "version": manifest["version"],
            "format": manifest["format"],
            "rows": manifest["rows"],
            "members": manifest["members"],
            "manifest_sha256": manifest_sha256,
            "actor": actor,
            "now": now,
            "use_before": datetime.fromisoformat(manifest["use_before"]),
        },
    )
    if listing is not None:
        record(connection, listing, now.astimezone(held.run.as_of.tzinfo).date(), now)
    details = {name: manifest[name] for name in ("version", "format", "rows", "members", "sync_id")}
    _write_audit(connection, actor, "export_audience", campaign, manifest["list"], {**details, "manifest": manifest_sha256})
    held.counts["rows_exported"] = manifest["rows"]


def audit(run: Run, actor: str, action: str, campaign: str, list_name: str, details: dict[str, Any]) -> None:
    """Put a read on record before it happens: what dies on the way has been read all the same."""
    with run.warehouse.begin() as connection:
        _write_audit(connection, actor, action, campaign, list_name, details)


def _write_audit(
    connection: Connection, actor: str, action: str, campaign: str, list_name: str, details: dict[str, Any]
) -> None:
    connection.execute(
        sa.text(
            "insert into ops.audit (actor, action, subject, details) "
            "values (:actor, :action, :subject, cast(:details as jsonb))"
        ),
        {"actor": actor, "action": action, "subject": f"{campaign} {list_name}", "details": json.dumps(details)},
    )
