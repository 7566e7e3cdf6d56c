"""Resolution of a day: the people around whoever is new or changed, read from the warehouse and linked anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.identity.candidates import fetch_records, find_candidates, raw_cursor, wanted
from retention.identity.comparisons import PRIVATE
from retention.identity.linking import judge_pairs, link_people, with_uses
from retention.identity.model import LinkageModel, shipped_model
from retention.identity.pairs import decisions_in_force, links_among, reach, store_pairs
from retention.identity.records import as_keys, prepare
from retention.identity.transfer import get_numbers, put_frame
from retention.warehouse import Run, sql_file


@dataclass(frozen=True)
class Resolution:
    """What linking changed.

    Attributes
    ----------
    members
        Source customers looked at.
    linked
        Source customers among them that belong to a person with other members.
    moved
        Source customers that belong to another person than before, with the person before.
    touched
        Every person that gained, lost or changed a member, or shares an address with one.
    compared
        Pairs that were compared.
    in_review
        Pairs among them that a person should look at.
    large_blocks
        Blocks that were too large to be compared: names so common that only an address could link.
    """

    members: int = 0
    linked: int = 0
    moved: dict[int, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    compared: int = 0
    in_review: int = 0
    large_blocks: int = 0


def resolve(connection: Connection, run: Run, changed: list[int], batch_id: int) -> Resolution:
    """Link the people around new and changed source customers, inside the transaction that publishes core.

    Judges anew what the changes bear on, then looks at everybody connected with it, however long the chain, so the outcome
    is the one that linking everybody would give. Writes ``pii.linkage_key``, ``core.linkage_pair``, ``core.customer_alias``,
    ``pii.source_customer`` and the trail ``core.identity_change``.

    Parameters
    ----------
    connection : Connection
        The publishing transaction; ``pii.source_customer`` holds the new values already.
    run : Run
        Settings, and the pepper that blocks are hashed with.
    changed : list of int
        Keys of source customers that are new or changed.
    batch_id : int
        Batch that changes are attributed to; 0 for a decision of a person.
    """
    if not changed:
        return Resolution()
    # A first load compares for minutes while the transaction waits; the usual limit is for clients that hang.
    connection.exec_driver_sql("set local idle_in_transaction_session_timeout = '1h'")
    keys = np.unique(as_keys(changed))
    model, settings = active_model(connection), run.settings.ingest
    found = find_candidates(connection, keys, model, settings, run.secrets.pepper)
    prepared = with_uses(found.prepared, found.large, settings, run.secrets.pepper)
    judged = judge_pairs(prepared, found.pairs, model)
    partners = store_pairs(connection, found.focus, judged, model, found.everybody)
    decisions = decisions_in_force(connection)
    records = found.records
    if found.everybody and not decisions:
        edges, reached = judged, found.focus
        wanted(connection, "linkage_reached", reached)
    else:
        reached = reach(connection, np.union1d(found.focus, partners))
        edges = links_among(connection)
        missing = np.setdiff1d(reached, records["source_customer_key"].to_numpy())
        if len(missing):
            more = fetch_records(connection, missing)
            records = pd.concat([records, more], ignore_index=True)
            # How many use their addresses plays no part: they are only looked at for what contradicts.
            alone = prepare(more, model.frequencies).assign(email_use=PRIVATE, phone_use=PRIVATE)
            prepared = pd.concat([prepared, alone], ignore_index=True)
        inside = np.isin(records["source_customer_key"].to_numpy(), reached)
        records, prepared = records[inside].reset_index(drop=True), prepared[inside].reset_index(drop=True)
    links = link_people(records, prepared, edges, decisions, model, settings)
    moved, old_people = _write(connection, links, batch_id)
    touched = set(
        links.loc[links["source_customer_key"].isin(np.union1d(found.focus, as_keys(moved))), "customer_key"].tolist()
    )
    return Resolution(
        members=len(links),
        linked=int(links["customer_key"].duplicated(keep=False).sum()),
        moved=moved,
        touched=touched | old_people,
        compared=found.pairs.num_rows,
        in_review=int((judged["state"] == "review").sum()),
        large_blocks=found.large_blocks,
    )


def active_model(connection: Connection) -> LinkageModel:
    """Return the model that links: the one trained here, else the one shipped.

    Raises
    ------
    LinkageModelRefused when the stored model is not what was stored.
    """
    row = connection.execute(sa.text("select model, sha256 from ops.linkage_model where state = 'champion'")).one_or_none()
    return shipped_model() if row is None else LinkageModel.parse(row.model, row.sha256)


def _write(connection: Connection, links: pd.DataFrame, batch_id: int) -> tuple[dict[int, int], set[int]]:
    """Store the links and the trail of changes; return who moved from which person, and the people they left."""
    connection.exec_driver_sql("drop table if exists pg_temp.link_now")
    connection.exec_driver_sql(
        "create temporary table link_now (source_customer_key bigint primary key, customer_key bigint, rule text) "
        "on commit drop"
    )
    put_frame(raw_cursor(connection), "pg_temp.link_now", links)
    connection.exec_driver_sql("analyze pg_temp.link_now")
    key, old = get_numbers(
        raw_cursor(connection),
        "select link_now.source_customer_key, alias.customer_key from pg_temp.link_now inner join core.customer_alias as alias "
        "on link_now.source_customer_key = alias.source_customer_key where alias.customer_key <> link_now.customer_key",
        2,
    )
    binds: dict[str, Any] = {"batch_id": batch_id}
    connection.execute(sa.text(sql_file("core/identity_change")), binds)
    connection.execute(sa.text(sql_file("core/customer_alias")))
    connection.execute(
        sa.text(
            "update pii.source_customer as known set customer_key = link_now.customer_key from pg_temp.link_now "
            "where known.source_customer_key = link_now.source_customer_key and known.customer_key <> link_now.customer_key"
        )
    )
    return dict(zip(key.tolist(), old.tolist(), strict=True)), set(old.tolist())
