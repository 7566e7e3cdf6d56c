"""Reading the members of an audience who may be contacted at this moment: from ``sendable`` and from nothing else."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa
import sqlalchemy as sa

from retention.campaigns.errors import WrongEnvironment
from retention.campaigns.match_keys.listing import Listing, arrange, contact_keys
from retention.campaigns.match_keys.recipes import Recipe
from retention.campaigns.receipts import STREAM, marketing_of
from retention.warehouse import RetentionError, Run, load_contract, read_arrow

SCHEMA_VERSION = 1
"""Grows when a column of the members' list is added, changes its meaning or goes."""
_CHANNELS = {"email": ("email",), "phone": ("sms", "phone")}
"""Which channels a plain address may go out for."""


class NothingToExport(RetentionError):
    """There is no such audience, or nobody can be told who may be contacted. Nothing was written."""

    runbook = "audience-files"


@dataclass(frozen=True)
class Source:
    """What an export is made from."""

    sync_id: int
    business_date: date
    pushed_at: datetime
    heartbeat_at: datetime


def describe_source(run: Run, campaign: str) -> Source:
    """Return the push that filled an audience, after seeing that the database is ours and its consent is fresh.

    Raises
    ------
    WrongEnvironment when the database belongs to another environment; NothingToExport when the campaign was never pushed, or
    the consent feed is silent: an empty list would then mean "remove everybody" to whoever mirrors it.
    """
    environment = run.settings.company.environment
    with marketing_of(run).connect() as connection:
        found = connection.execute(sa.text("select value from marketing.setting where name = 'environment'")).scalar()
        if found is not None and found != environment:
            raise WrongEnvironment(
                f"marketing.setting: this database belongs to environment {found}, the run is {environment}. "
                "Nothing was written."
            )
        known = list(
            connection.execute(sa.text("select distinct campaign from marketing.audience_change order by campaign")).scalars()
        )
        sync = connection.execute(
            sa.text("select * from marketing.audience_sync where stream = :stream order by sync_id desc limit 1"),
            {"stream": STREAM},
        ).one_or_none()
        feed = connection.execute(
            sa.text("select min(heartbeat_at) as heartbeat_at, now() as now from marketing.consent_feed")
        ).one()
    with (
        run.warehouse.connect() as connection
    ):  # a planned play that reached nobody yet has an empty audience, which is one too
        planned = connection.execute(
            sa.text("select distinct play from campaigns.play where definition ->> 'kind' <> 'staff'")
        ).scalars()
        known = sorted({*known, *planned})
    if sync is None or campaign not in known:
        near = difflib.get_close_matches(campaign, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; pushed were {', '.join(known) or 'none'}."
        raise NothingToExport(f"no audience {campaign[:60]} was ever pushed{hint} Nothing was written.")
    longest = timedelta(hours=run.settings.campaigns.consent_heartbeat_hours)
    if feed.heartbeat_at is None or feed.now - feed.heartbeat_at >= longest:
        since = "it was set up" if feed.heartbeat_at is None else f"{feed.heartbeat_at:%Y-%m-%d %H:%M} UTC"
        raise NothingToExport(
            f"marketing.consent_feed: silent since {since}, so sendable shows nobody. Nothing was written; an empty list would "
            "have meant that everybody left. Run the consent synchronisation first."
        )
    return Source(sync.sync_id, sync.business_date, sync.pushed_at, feed.heartbeat_at)


def read_members(run: Run, campaign: str) -> pa.Table:
    """Return the members of an audience who may be contacted at this moment, with every column of ``sendable``, by customer."""
    columns = ", ".join(load_contract("marketing.sendable").column_names)
    return read_arrow(
        marketing_of(run),
        f"select {columns} from marketing.sendable where campaign = :campaign order by customer_key",
        {"campaign": campaign},
    )


def plain_addresses(run: Run, campaign: str, recipe: Recipe, members: pa.Table) -> tuple[pa.Table, Listing]:
    """Return the members with the plain address of their own channel beside them, and what became of everybody else's.

    Parameters
    ----------
    run, campaign : Run, str
        As read by :func:`read_members`.
    recipe : Recipe
        Without hashed keys.
    members : pyarrow.Table
        As :func:`read_members` gives them.
    """
    frame = members.select(["customer_key", "channel"]).to_pandas()
    people = frame.merge(contact_keys(run, recipe, frame["customer_key"].tolist()), on="customer_key", how="left")
    for key in recipe.keys:
        is_of_channel = people["channel"].isin(_CHANNELS[key.field])
        reason = people[f"{key.name}_reason"].astype(object)
        people[f"{key.name}_reason"] = reason.where(is_of_channel, "not_of_channel")
        people[key.name] = people[key.name].astype(object).where(is_of_channel, None)
        people[f"{key.field}_state"] = "personalised"
    listing = arrange(campaign, recipe, people)
    wanted = people[[key.name for key in recipe.keys]].notna().any(axis=1)
    table = members
    for key in recipe.keys:
        table = table.append_column(key.column, pa.Array.from_pandas(people[key.name], type=pa.string()))
    return table.filter(pa.array(wanted.tolist(), pa.bool_())), listing
