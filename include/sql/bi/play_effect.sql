-- bi.play_effect: what each play brought against its own control group, by intention to treat.
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

outcomes as (
    select
        units.play,
        units.is_treated,
        coalesce(sum(entry.net_minor), 0) as net_minor,
        coalesce(max(case when entry.kind = 'paid' then 1 else 0 end), 0) as has_bought
    from units
    left join core.order_entry as entry
        on units.customer_key = entry.customer_key
        and entry.happened_at >= cast(units.started_on as timestamp) at time zone :business_timezone
        and entry.happened_at < least(
            cast(units.started_on + :outcome_days as timestamp) at time zone :business_timezone, :as_of
        )
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by units.play, units.customer_key, units.started_on, units.is_treated
),

measured as (
    select
        outcomes.play,
        outcomes.is_treated,
        value.outcome,
        cast(value.amount as double precision) as amount
    from outcomes
    cross join lateral (
        values ('net_revenue_minor', outcomes.net_minor), ('bought', outcomes.has_bought)
    ) as value (outcome, amount)
),

arms as (
    select
        play,
        outcome,
        count(*) filter (where is_treated) as treated_customers,
        count(*) filter (where not is_treated) as control_customers,
        avg(amount) filter (where is_treated) as treated_mean,
        avg(amount) filter (where not is_treated) as control_mean,
        var_samp(amount) filter (where is_treated) as treated_variance,
        var_samp(amount) filter (where not is_treated) as control_variance
    from measured
    group by play, outcome
),

effects as (
    select
        play,
        outcome,
        treated_customers,
        control_customers,
        treated_mean,
        control_mean,
        treated_mean - control_mean as difference,
        -- Below 30 people the normal quantile promises more than it keeps, and a group without variance has no error to state.
        case
            when least(treated_customers, control_customers) >= 30 and treated_variance + control_variance > 0
                then 1.959964 * sqrt(treated_variance / treated_customers + control_variance / control_customers)
        end as half_width
    from arms
)

select
    :as_of_date as as_of_date,
    play,
    outcome,
    :outcome_days as outcome_days,
    treated_customers,
    control_customers,
    treated_mean,
    control_mean,
    difference,
    difference - half_width as lower_95,
    difference + half_width as upper_95,
    case
        when half_width is null then 'too_few'
        when difference > half_width then 'positive'
        when difference < -half_width then 'negative'
        else 'no_effect_seen'
    end as verdict
from effects
