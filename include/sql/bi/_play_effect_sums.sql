-- What bi.play_effect is reckoned from: per play, tier, outcome and arm, sums and sums of products of the outcome and of what was
-- known before (spend of the year before, predicted value), by intention to treat.
-- A customer counts once per play and period, from the day they were first handed out or held back; both groups are watched over
-- the same number of days. Control of days that were never pushed (backfills) would dilute the comparison and is left out.
with

pushed_days as (
    select distinct business_date + 1 as as_of_date
    from campaigns.push_receipt
),

treated as (
    select
        delivery.play,
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        min(delivery.as_of_date) as started_on
    from campaigns.delivery as delivery
    left join core.customer_alias as alias on delivery.customer_key = alias.source_customer_key
    where delivery.as_of_date < :as_of_date and delivery.as_of_date >= :earliest_date
    group by delivery.play, delivery.period_key, coalesce(alias.customer_key, delivery.customer_key)
),

control as (
    select
        holdout.play,
        coalesce(alias.customer_key, holdout.customer_key) as customer_key,
        holdout.assigned_on as started_on
    from campaigns.holdout as holdout
    left join core.customer_alias as alias on holdout.customer_key = alias.source_customer_key
    inner join pushed_days on holdout.assigned_on = pushed_days.as_of_date
    where
        holdout.assigned_on < :as_of_date
        and holdout.assigned_on >= :earliest_date
        -- Two records, one held back and one contacted, turned out to be one person: contacted is contacted.
        and not exists (
            select 1
            from campaigns.delivery as delivery
            left join core.customer_alias as other on delivery.customer_key = other.source_customer_key
            where
                delivery.play = holdout.play
                and delivery.period_key = holdout.period_key
                and delivery.as_of_date < :as_of_date
                and coalesce(other.customer_key, delivery.customer_key) = coalesce(alias.customer_key, holdout.customer_key)
        )
),

units as (
    select play, customer_key, started_on, true as is_treated from treated
    union all
    select play, customer_key, started_on, false as is_treated from control
),

tiers as (
    -- Tier when it began: a play may move people between tiers, and a comparison by tier must not.
    select distinct on (units.play, units.customer_key, units.started_on)
        units.play,
        units.customer_key,
        units.started_on,
        move.to_tier as service_tier
    from units
    inner join segments.tier_move as move
        on units.customer_key = move.customer_key and move.as_of_date <= units.started_on
    order by units.play, units.customer_key, units.started_on, move.as_of_date desc
),

outcomes as (
    select
        units.play,
        units.customer_key,
        units.started_on,
        units.is_treated,
        coalesce(sum(entry.net_minor) filter (where entry.happened_at >= bounds.started_at), 0) as net_minor,
        coalesce(
            max(case when entry.kind = 'paid' and entry.happened_at >= bounds.started_at then 1 else 0 end), 0
        ) as has_bought,
        coalesce(sum(entry.net_minor) filter (where entry.happened_at < bounds.started_at), 0) as spend_before_minor
    from units
    cross join lateral (
        select
            cast(units.started_on as timestamp) at time zone :business_timezone as started_at,
            cast(units.started_on - 365 as timestamp) at time zone :business_timezone as known_from,
            least(
                cast(units.started_on + cast(:outcome_days as integer) as timestamp) at time zone :business_timezone, :as_of
            ) as ends_at
    ) as bounds
    left join core.order_entry as entry
        on units.customer_key = entry.customer_key
        and entry.happened_at >= bounds.known_from
        and entry.happened_at < bounds.ends_at
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by units.play, units.customer_key, units.started_on, units.is_treated
),

known as (
    select
        outcomes.play,
        outcomes.is_treated,
        tiers.service_tier,
        outcomes.net_minor,
        outcomes.has_bought,
        outcomes.spend_before_minor,
        coalesce(clv.clv_12m_minor, 0) as value_before_minor,
        -- Slices older than a few weeks are gone but for the first of each month: an unknown value is no value of 0.
        case when clv.customer_key is null then 0 else 1 end as has_value_before
    from outcomes
    left join tiers
        on outcomes.play = tiers.play
        and outcomes.customer_key = tiers.customer_key
        and outcomes.started_on = tiers.started_on
    left join scores.clv as clv
        on outcomes.started_on = clv.as_of_date and outcomes.customer_key = clv.customer_key
),

measured as (
    select
        known.play,
        known.is_treated,
        known.service_tier,
        value.outcome,
        cast(value.amount as numeric) as outcome_amount,
        cast(known.spend_before_minor as numeric) as spend_before_minor,
        cast(known.value_before_minor as numeric) as value_before_minor,
        cast(known.has_value_before as numeric) as has_value_before
    from known
    cross join lateral (
        values ('net_revenue_minor', known.net_minor), ('bought', known.has_bought)
    ) as value (outcome, amount)
)

select
    play,
    case when grouping(service_tier) = 1 then 'all' else service_tier end as service_tier,
    outcome,
    is_treated,
    count(*) as count_customers,
    sum(outcome_amount) as sum_0,
    sum(spend_before_minor) as sum_1,
    sum(value_before_minor) as sum_2,
    sum(has_value_before) as sum_3,
    sum(outcome_amount * outcome_amount) as sum_00,
    sum(outcome_amount * spend_before_minor) as sum_01,
    sum(outcome_amount * value_before_minor) as sum_02,
    sum(outcome_amount * has_value_before) as sum_03,
    sum(spend_before_minor * spend_before_minor) as sum_11,
    sum(spend_before_minor * value_before_minor) as sum_12,
    sum(spend_before_minor * has_value_before) as sum_13,
    sum(value_before_minor * value_before_minor) as sum_22,
    sum(value_before_minor * has_value_before) as sum_23,
    sum(has_value_before * has_value_before) as sum_33
from measured
group by grouping sets ((play, outcome, is_treated), (play, outcome, is_treated, service_tier))
having grouping(service_tier) = 1 or service_tier is not null
order by play, service_tier, outcome, is_treated
