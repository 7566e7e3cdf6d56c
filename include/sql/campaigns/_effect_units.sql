-- campaigns.effect_unit, for the people whom the relation `effect.scope` names by each of their customer numbers.
-- By intention to treat: a customer counts once per play and period, from the day they were first handed out or held back. Control of
-- days that were never pushed (backfills) would dilute the comparison and is left out. The play * is all promotion together: everybody
-- known in the year, against the universal control group. Runs once per customer bucket.
with recursive

scope as (
    select
        source_customer_key,
        customer_key
    from effect.scope as scope
    where coalesce(mod(customer_key & 65535, cast(:bucket_count as integer)) = :bucket, false)
),

pushed_days as (
    select distinct business_date + 1 as as_of_date
    from campaigns.push_receipt
),

delivered as (
    select
        scope.customer_key,
        delivery.play,
        delivery.period_key,
        min(delivery.as_of_date) as started_on
    from scope
    inner join campaigns.delivery as delivery on scope.source_customer_key = delivery.customer_key
    where delivery.as_of_date < :as_of_date
    group by scope.customer_key, delivery.play, delivery.period_key
),

-- Two records, one held back and one contacted, turned out to be one person: contacted is contacted.
held_back as (
    select
        scope.customer_key,
        holdout.play,
        holdout.period_key,
        min(holdout.assigned_on) as started_on
    from scope
    inner join campaigns.holdout as holdout on scope.source_customer_key = holdout.customer_key
    inner join pushed_days on holdout.assigned_on = pushed_days.as_of_date
    where holdout.assigned_on < :as_of_date and holdout.play <> '*'
    group by scope.customer_key, holdout.play, holdout.period_key
),

years as (
    select
        holdout.period_key,
        min(holdout.assigned_on) as first_on
    from campaigns.holdout as holdout
    inner join pushed_days on holdout.assigned_on = pushed_days.as_of_date
    where holdout.play = '*' and holdout.assigned_on < :as_of_date
    group by holdout.period_key
),

-- Whoever became known after the newest push has not been drawn yet.
last_push as (
    select max(as_of_date) as as_of_date
    from pushed_days
    where as_of_date < :as_of_date
),

universal as (
    select distinct
        scope.customer_key,
        holdout.period_key
    from scope
    inner join campaigns.holdout as holdout on scope.source_customer_key = holdout.customer_key
    where holdout.play = '*' and holdout.assigned_on < :as_of_date
),

people as (
    select
        customer.customer_key,
        min(cast(customer.valid_from at time zone :business_timezone as date)) as known_on
    from core.customer as customer
    inner join (select distinct customer_key from scope) as known on customer.customer_key = known.customer_key
    group by customer.customer_key
    having not coalesce(bool_or((customer.is_test or customer.is_staff) and customer.valid_to is null), false)
),

units as (
    select
        coalesce(delivered.customer_key, held_back.customer_key) as customer_key,
        coalesce(delivered.play, held_back.play) as play,
        coalesce(delivered.period_key, held_back.period_key) as period_key,
        delivered.play is not null as is_treated,
        coalesce(delivered.started_on, held_back.started_on) as started_on,
        cast(:outcome_days as integer) as watched_days
    from delivered
    full outer join held_back
        on delivered.customer_key = held_back.customer_key
        and delivered.play = held_back.play
        and delivered.period_key = held_back.period_key
    union all
    select
        people.customer_key,
        '*' as play,
        years.period_key,
        universal.customer_key is null as is_treated,
        greatest(years.first_on, people.known_on + 1) as started_on,
        make_date(cast(years.period_key as integer) + 1, 1, 1) - greatest(years.first_on, people.known_on + 1) as watched_days
    from people
    cross join years
    cross join last_push
    left join universal on people.customer_key = universal.customer_key and years.period_key = universal.period_key
    where
        greatest(years.first_on, people.known_on + 1) <= last_push.as_of_date
        and people.known_on + 1 < make_date(cast(years.period_key as integer) + 1, 1, 1)
),

-- Tier when it began: a play may move people between tiers, and a comparison by tier must not.
tiers as (
    select
        move.customer_key,
        move.to_tier,
        move.as_of_date as held_from,
        lead(move.as_of_date) over (partition by move.customer_key order by move.as_of_date) as held_until
    from segments.tier_move as move
    inner join (select distinct customer_key from scope) as known on move.customer_key = known.customer_key
),

-- From date to date by the index: the slices hold a million rows each.
scored_days as (
    select min(as_of_date) as as_of_date
    from scores.clv
    union all
    select (select min(score.as_of_date) from scores.clv as score where score.as_of_date > scored_days.as_of_date) as as_of_date
    from scored_days
    where scored_days.as_of_date is not null
),

-- What is known once stays: the slice of the day may be gone, and two records have become one.
kept as (
    select
        scope.customer_key,
        unit.play,
        unit.period_key,
        max(unit.value_before_minor) as value_before_minor
    from scope
    inner join campaigns.effect_unit as unit on scope.source_customer_key = unit.customer_key
    where unit.value_before_minor is not null
    group by scope.customer_key, unit.play, unit.period_key
)

select
    units.customer_key,
    units.play,
    units.period_key,
    units.started_on,
    units.is_treated,
    tiers.to_tier as service_tier,
    cast(outcome.spend_before_minor as bigint) as spend_before_minor,
    coalesce(clv.clv_12m_minor, kept.value_before_minor) as value_before_minor,
    cast(outcome.net_minor as bigint) as net_minor,
    outcome.has_bought
from units
left join tiers
    on units.customer_key = tiers.customer_key
    and units.started_on >= tiers.held_from
    and units.started_on < coalesce(tiers.held_until, 'infinity')
left join kept
    on units.customer_key = kept.customer_key and units.play = kept.play and units.period_key = kept.period_key
-- One look per unit, into the slice of its day: most of the slices are gone, and nobody looks for those.
left join scored_days on units.started_on = scored_days.as_of_date
left join lateral (
    select score.clv_12m_minor
    from scores.clv as score
    where
        score.as_of_date = units.started_on and score.customer_key = units.customer_key and scored_days.as_of_date is not null
    offset 0 -- noqa: AM09
) as clv on true
-- Reckoned once per unit, not once per order of it: what the offset is for.
cross join lateral (
    select
        cast(units.started_on as timestamp) at time zone :business_timezone as started_at,
        cast(units.started_on - 365 as timestamp) at time zone :business_timezone as known_from,
        least(cast(units.started_on + units.watched_days as timestamp) at time zone :business_timezone, :as_of) as ends_at
    from (values (1)) as unit (number)
    offset 0 -- noqa: AM09
) as bounds
cross join lateral (
    select
        coalesce(sum(entry.net_minor) filter (where entry.happened_at >= bounds.started_at), 0) as net_minor,
        coalesce(bool_or(entry.kind = 'paid' and entry.happened_at >= bounds.started_at), false) as has_bought,
        coalesce(sum(entry.net_minor) filter (where entry.happened_at < bounds.started_at), 0) as spend_before_minor
    from core.order_entry as entry
    where
        entry.customer_key = units.customer_key
        and entry.happened_at >= bounds.known_from
        and entry.happened_at < bounds.ends_at
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
) as outcome
where units.started_on >= :horizon and units.started_on < :as_of_date
order by units.customer_key
