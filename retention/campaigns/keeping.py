"""What a plan keeps for good beside its slices: the plays as they stood, their positions, and who was drawn as control."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.binding import play_records
from retention.campaigns.eligibility import plays_version
from retention.campaigns.holdout import keep_universal
from retention.campaigns.plays import Play
from retention.campaigns.stratifying import Draw, Key, keep_draws
from retention.warehouse import Run


def keep_plan(
    connection: Connection, run: Run, plays: Sequence[Play], draws: Mapping[Key, Draw], staged: Mapping[str, str]
) -> None:
    """Keep what the slices of a day rest on, in the transaction that publishes them.

    Parameters
    ----------
    connection : Connection
        The transaction of the publication.
    run : Run
        The day.
    plays : sequence of Play
        In the order of their positions.
    draws : mapping
        Thresholds of the control groups that hold on the day.
    staged : mapping
        Staging table by slice: the slices themselves may not be in place yet.
    """
    connection.execute(
        sa.text(
            "insert into campaigns.plan_version (plays_version, plays, content_hashes) values (:version, :plays, :hashes) "
            "on conflict (plays_version) do nothing"
        ),
        {
            "version": plays_version(plays),
            "plays": [play.name for play in plays],
            "hashes": [play.content_hash for play in plays],
        },
    )
    keep_draws(connection, run, draws.values())
    keep_universal(run, connection, staged["campaigns.eligibility"])
    for play in plays:
        connection.execute(
            sa.text(
                "insert into campaigns.play (play, content_hash, name_en, name_zh, kind, purpose, priority, period, "
                "holdout_share, definition) values (:play, :content_hash, :name_en, :name_zh, :kind, :purpose, "
                ":priority, :period, :holdout_share, cast(:definition as jsonb)) on conflict (play, content_hash) do nothing"
            ),
            {
                "play": play.name, "content_hash": play.content_hash, "name_en": play.name_en, "name_zh": play.name_zh,
                "kind": play.kind, "purpose": play.purpose, "priority": play.priority, "period": play.period,
                "holdout_share": play.holdout_share, "definition": json.dumps(play.definition, ensure_ascii=False),
            },
        )  # fmt: skip
    connection.execute(
        sa.text(
            "insert into campaigns.holdout as holdout (play, period_key, customer_key, bucket, share, assigned_on) "
            "select decision.play, decision.period_key, decision.customer_key, decision.holdout_bucket, share.holdout_share, "
            f"decision.as_of_date from {staged['campaigns.decision']} as decision "
            "inner join jsonb_to_recordset(cast(:plays as jsonb)) as share (play text, holdout_share double precision) "
            "on decision.play = share.play "
            "where decision.as_of_date = :as_of_date and decision.state = 'control' "
            # A day that was planned and never pushed held nobody back: effects are watched from the first day that was.
            "on conflict (play, period_key, customer_key) do update set assigned_on = excluded.assigned_on "
            "where holdout.assigned_on < excluded.assigned_on "
            "and holdout.assigned_on - 1 not in (select business_date from campaigns.push_receipt)"
        ),
        {"plays": play_records(plays), "as_of_date": run.as_of_date},
    )
