"""Control groups in step with the service tiers: a threshold per tier, so that each tier holds back exactly its share.

A hash alone keeps the share on average; by chance a tier of three hundred may hold back twenty or forty of them, and the groups
then differ in more than the contact. So the threshold below which customers are control is fitted: per play, period and tier,
on the customers found on the first day with enough of them. The number to hold back is the share of them, rounded at random
(by a hash as well, so that the share is right on average); the threshold goes between the last bucket that belongs to them
and the next one, as near to the share as that allows. It is kept for the period (``campaigns.control_draw``): who comes later
is drawn by it too, nobody's group changes from day to day, and anyone can do the draw again from hash and threshold.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.conditions import Binds
from retention.campaigns.holdout import UNIVERSAL, bucket, bucket_sql, universal_period
from retention.campaigns.plays import Play
from retention.warehouse import Run, read_arrow

NO_TIER = "none"
"""Stands for the tier of customers without one."""
TIERS = ("vip", "potential", "ordinary", "marginal")
"""The service tiers of ``segments.tier``."""
ALWAYS = "always"
"""Stands for the period of plays whose period is the customer's own event."""

Key = tuple[str, str]
"""Play and service tier; the period is that of the day."""


@dataclass(frozen=True)
class Draw:
    """How the customers of one tier are drawn for one play and period."""

    play: str
    period_key: str
    service_tier: str
    share: float
    threshold: float
    customers: int
    controls: int
    fitted_on: date


def fitted_threshold(buckets: Sequence[float], customers: int, share: float, rounding: float) -> tuple[float, int]:
    """Return the threshold that holds back the share of some customers exactly, and how many that are.

    Parameters
    ----------
    buckets : sequence of float
        Their buckets in ascending order, at least all those up to a little above the share.
    customers : int
        How many they are in all.
    share : float
        Share to hold back.
    rounding : float
        In [0, 1): where it is less than the fraction that is over, one more is held back.
    """
    wanted = share * customers
    controls = min(math.floor(wanted) + (rounding < wanted - math.floor(wanted)), customers, len(buckets))
    last = buckets[controls - 1] if controls else 0.0
    following = buckets[controls] if controls < len(buckets) else 1.0
    # Below the threshold is control: it may lie anywhere above the last one's bucket, up to that of the next.
    return min(max(share, math.nextafter(last, 1.0) if controls else 0.0), following), controls


def read_draws(run: Run, plays: Sequence[Play]) -> dict[Key, Draw]:
    """Return the thresholds that hold on the day, by play and tier; those drawn under another salt or share are not among them.

    Parameters
    ----------
    run : Run
        The day.
    plays : sequence of Play
        The plays planned with.
    """
    shares = {play.name: play.holdout_share for play in plays}
    shares[UNIVERSAL] = run.settings.campaigns.universal_control_share
    periods = {play.name: period_of_draw(play, run.as_of_date) for play in plays}
    periods[UNIVERSAL] = universal_period(run.as_of_date)
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select play, period_key, service_tier, share, threshold, customers, controls, fitted_on "
                "from campaigns.control_draw where salt_hash = :salt_hash and period_key = any(:periods)"
            ),
            {"salt_hash": _salt_hash(run), "periods": sorted(set(periods.values()))},
        )
        draws = [Draw(**row._mapping) for row in rows]
    return {
        (draw.play, draw.service_tier): draw
        for draw in draws
        if periods.get(draw.play) == draw.period_key and shares[draw.play] == draw.share
    }


def period_of_draw(play: Play, day: date) -> str:
    """Return the period for which a play's thresholds are kept."""
    return play.period_key(day) or ALWAYS


def threshold_records(draws: Mapping[Key, Draw], plays: Sequence[Play], first_position: int = 1) -> str:
    """Return the plays' thresholds as a JSON array of position, service_tier and threshold: contenders are drawn by it."""
    positions = {play.name: position for position, play in enumerate(plays, first_position)}
    return json.dumps(
        [
            {"position": positions[play], "service_tier": tier, "threshold": draw.threshold}
            for (play, tier), draw in sorted(draws.items())
            if play in positions
        ]
    )


def universal_threshold_sql(draws: Mapping[Key, Draw], run: Run, binds: Binds) -> str:
    """Return the threshold of the universal group as an SQL expression over ``attributes``: the tier's, else the share."""
    share = f"cast({binds.add(run.settings.campaigns.universal_control_share)} as double precision)"
    whens = " ".join(
        f"when cast({binds.add(tier)} as text) then cast({binds.add(draw.threshold)} as double precision)"
        for (play, tier), draw in sorted(draws.items())
        if play == UNIVERSAL
    )
    return f"case coalesce(attributes.service_tier, '{NO_TIER}') {whens} else {share} end" if whens else share


def fit_universal(run: Run, attributes_table: str, draws: dict[Key, Draw]) -> None:
    """Add the thresholds of the universal group that the year lacks, fitted on all customers of the day.

    Parameters
    ----------
    run : Run
        The day.
    attributes_table : str
        Where the day's customer attributes are: the table, or its staging.
    draws : dict
        As :func:`read_draws` gave them; changed.
    """
    share = run.settings.campaigns.universal_control_share
    if share <= 0 or any(play == UNIVERSAL for play, _ in draws):
        return
    period = universal_period(run.as_of_date)
    place = bucket_sql(":salt", f"'{UNIVERSAL}'", ":period", "customer_key")
    query = (
        f"select service_tier, count(*), array_agg(place order by place) filter (where place < :cap) from ("
        f"select coalesce(service_tier, '{NO_TIER}') as service_tier, {place} as place from {attributes_table} "
        "where as_of_date = :as_of_date and not is_test and not is_staff offset 0) as placed group by service_tier"
    )
    binds = {"as_of_date": run.as_of_date, "salt": run.settings.campaigns.holdout_salt, "period": period, "cap": _cap(share)}
    with run.warehouse.connect() as connection:
        for tier, customers, buckets in connection.execute(sa.text(query), binds):
            _fit(run, draws, UNIVERSAL, period, tier, share, customers, buckets)


def fit_plays(
    run: Run,
    plays: Sequence[Play],
    contender_table: str,
    attributes_table: str,
    draws: dict[Key, Draw],
    first_position: int = 1,
) -> None:
    """Add the thresholds that the plays' periods lack, fitted on the day's contenders, and bring the contenders in line.

    Contenders were drawn by the plain share where there was no threshold: the few between share and threshold change sides,
    but for those who are on record as control, who stay so.

    Parameters
    ----------
    run : Run
        The day.
    plays : sequence of Play
        The plays in the order of their positions.
    contender_table, attributes_table : str
        Staging of the day's contenders and customer attributes.
    draws : dict
        As :func:`read_draws` gave them; changed.
    first_position : int
        Position of the first play.
    """
    drawn = {position: play for position, play in enumerate(plays, first_position) if play.holdout_share > 0}
    lacking = [position for position, play in drawn.items() if any((play.name, tier) not in draws for tier in TIERS)]
    if not lacking:
        return
    binds = {"as_of_date": run.as_of_date, "positions": lacking, "tiers": [*TIERS, NO_TIER]}
    rows = read_arrow(run.warehouse, _named(_DRAWN, contender_table, attributes_table), binds)
    position, tier, place, customer, is_control = (column.to_numpy(zero_copy_only=False) for column in rows.itercolumns())
    is_changed = np.zeros(len(position), dtype=bool)
    for number in lacking:
        of_play = np.flatnonzero(position == number)
        play = drawn[number]
        for code, name in enumerate((*TIERS, NO_TIER), 1):
            members = of_play[tier[of_play] == code]
            if (play.name, name) in draws:
                continue
            buckets = np.sort(place[members]).tolist()
            period = period_of_draw(play, run.as_of_date)
            draw = _fit(run, draws, play.name, period, name, play.holdout_share, len(members), buckets)
            if draw is not None:
                is_changed[members] = is_control[members] != (place[members] < draw.threshold)
    changed = np.flatnonzero(is_changed)
    if len(changed):
        names = [drawn[number].name for number in position[changed].tolist()]
        with run.warehouse.begin() as connection:
            connection.execute(
                sa.text(_named(_BROUGHT_IN_LINE, contender_table, attributes_table)),
                {"customers": customer[changed].tolist(), "positions": position[changed].tolist(), "names": names},
            )


def _named(query: str, contender_table: str, attributes_table: str) -> str:
    """Put the names of the staging tables in their place; both are the writer's own."""
    return query.replace("campaigns.contender", contender_table).replace("campaigns.customer_attributes", attributes_table)


_DRAWN = f"""
select
    contender.position,
    array_position(cast(:tiers as text[]), coalesce(attributes.service_tier, '{NO_TIER}')) as tier,
    contender.holdout_bucket,
    contender.customer_key,
    contender.is_control
from campaigns.contender as contender
inner join campaigns.customer_attributes as attributes
    on contender.customer_key = attributes.customer_key and contender.as_of_date = attributes.as_of_date
where
    contender.as_of_date = :as_of_date
    and contender.verdict = 'exempt'
    and contender.position = any(cast(:positions as smallint[]))
"""
_BROUGHT_IN_LINE = """
update campaigns.contender as drawn
set is_control = not drawn.is_control
from unnest(cast(:customers as bigint[]), cast(:positions as smallint[]), cast(:names as text[]))
    as changed (customer_key, position, play)
where
    drawn.customer_key = changed.customer_key
    and drawn.position = changed.position
    and not exists (
        select 1
        from campaigns.holdout as kept
        left join core.customer_alias as alias on kept.customer_key = alias.source_customer_key
        where
            kept.play = changed.play
            and kept.period_key = drawn.period_key
            and coalesce(alias.customer_key, kept.customer_key) = changed.customer_key
    )
"""


def keep_draws(connection: Connection, run: Run, draws: Iterable[Draw]) -> None:
    """Keep the thresholds fitted on the day, for the rest of their periods."""
    fitted = [draw for draw in draws if draw.fitted_on == run.as_of_date]
    if fitted:
        connection.execute(
            sa.text(
                "insert into campaigns.control_draw (play, period_key, service_tier, share, threshold, customers, controls, "
                "salt_hash, fitted_on) values (:play, :period_key, :service_tier, :share, :threshold, :customers, :controls, "
                ":salt_hash, :fitted_on) on conflict (play, period_key, service_tier) do update set share = excluded.share, "
                "threshold = excluded.threshold, customers = excluded.customers, controls = excluded.controls, "
                "salt_hash = excluded.salt_hash, fitted_on = excluded.fitted_on"
            ),
            [{**draw.__dict__, "salt_hash": _salt_hash(run)} for draw in fitted],
        )


def _fit(
    run: Run,
    draws: dict[Key, Draw],
    play: str,
    period_key: str,
    tier: str,
    share: float,
    customers: int,
    buckets: Sequence[float] | None,
) -> Draw | None:
    if customers < run.settings.campaigns.control_stratum_minimum:
        return None
    rounding = bucket(run.settings.campaigns.holdout_salt, play, f"{period_key}|{tier}", 0)
    threshold, controls = fitted_threshold(np.asarray(buckets or [], dtype=float).tolist(), customers, share, rounding)
    draw = Draw(play, period_key, tier, share, threshold, customers, controls, run.as_of_date)
    draws[play, tier] = draw
    return draw


def _cap(share: float) -> float:
    """Return a bucket that the last control's lies below for certain, with two hundred customers or more."""
    return min(1.0, 2 * share + 0.2)


def _salt_hash(run: Run) -> str:
    return hashlib.sha256(run.settings.campaigns.holdout_salt.encode()).hexdigest()
