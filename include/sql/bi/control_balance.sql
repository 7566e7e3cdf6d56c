-- bi.control_balance: one row per play and tier per as_of_date.
-- Every customer has the probability of the draw they were in: the threshold fitted for their tier, else the play's share. The number
-- held back is compared with the sum of these; with thresholds fitted per tier it deviates less than chance would, so that the check
-- errs to the side of silence by day and not of false alarms.
with

pushed_days as (
    select distinct business_date + 1 as as_of_date
    from campaigns.push_receipt
),

shares as (
    select distinct on (play)
        play,
        holdout_share
    from campaigns.play
    order by play, registered_at desc
),

treated as (
    select
        delivery.play,
        delivery.period_key,
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        min(delivery.as_of_date) as started_on,
        (array_agg(delivery.service_tier order by delivery.as_of_date))[1] as service_tier
    from campaigns.delivery as delivery
    left join core.customer_alias as alias on delivery.customer_key = alias.source_customer_key
    where delivery.as_of_date < :as_of_date
    group by delivery.play, delivery.period_key, coalesce(alias.customer_key, delivery.customer_key)
    -- Who was a member before the window belongs to an earlier comparison.
    having min(delivery.as_of_date) >= :earliest_date
),

held_back as (
    select
        holdout.play,
        holdout.period_key,
        coalesce(alias.customer_key, holdout.customer_key) as customer_key,
        min(holdout.assigned_on) as started_on,
        min(decision.service_tier) as service_tier
    from campaigns.holdout as holdout
    inner join pushed_days on holdout.assigned_on = pushed_days.as_of_date
    left join core.customer_alias as alias on holdout.customer_key = alias.source_customer_key
    left join campaigns.decision as decision
        on holdout.assigned_on = decision.as_of_date
        and holdout.play = decision.play
        and holdout.customer_key = decision.customer_key
    where holdout.assigned_on < :as_of_date and holdout.assigned_on >= :earliest_date and holdout.play <> '*'
    group by holdout.play, holdout.period_key, coalesce(alias.customer_key, holdout.customer_key)
),

units as (
    select play, period_key, customer_key, service_tier, false as is_control from treated
    union all
    select play, period_key, customer_key, service_tier, true as is_control
    from held_back
    -- Two records of one person, one held back and one contacted: contacted is contacted, bi.control_contamination counts them.
    where
        not exists (
            select 1
            from treated
            where
                treated.play = held_back.play
                and treated.period_key = held_back.period_key
                and treated.customer_key = held_back.customer_key
        )
),

universal as (
    select
        '*' as play,
        attributes.customer_key,
        coalesce(attributes.service_tier, 'none') as service_tier,
        eligibility.is_universal_control as is_control,
        coalesce(drawn.threshold, cast(:universal_control_share as double precision)) as probability
    from campaigns.eligibility as eligibility
    inner join campaigns.customer_attributes as attributes
        on eligibility.as_of_date = attributes.as_of_date and eligibility.customer_key = attributes.customer_key
    left join campaigns.control_draw as drawn
        on drawn.play = '*'
        and drawn.period_key = :universal_period
        and coalesce(attributes.service_tier, 'none') = drawn.service_tier
    where eligibility.as_of_date = :as_of_date and not attributes.is_test and not attributes.is_staff
),

drawn as (
    select
        units.play,
        coalesce(units.service_tier, 'none') as service_tier,
        units.is_control,
        coalesce(fitted.threshold, shares.holdout_share) as probability
    from units
    inner join shares on units.play = shares.play
    left join campaigns.control_draw as fitted
        on units.play = fitted.play
        and fitted.period_key in (units.period_key, 'always')
        and coalesce(units.service_tier, 'none') = fitted.service_tier
    where shares.holdout_share > 0
    union all
    select
        play,
        service_tier,
        is_control,
        probability
    from universal
    where probability > 0
),

counted as (
    select
        play,
        case when grouping(service_tier) = 1 then 'all' else service_tier end as service_tier,
        count(*) filter (where not is_control) as treated_customers,
        count(*) filter (where is_control) as control_customers,
        sum(probability) as expected_control,
        sum(probability * (1 - probability)) as variance,
        count(*) as customers
    from drawn
    group by grouping sets ((play), (play, service_tier))
),

deviating as (
    select
        counted.*,
        case when variance > 0 then power(control_customers - expected_control, 2) / variance end as chi_square
    from counted
)

select
    cast(:as_of_date as date) as as_of_date,
    play,
    service_tier,
    treated_customers,
    control_customers,
    expected_control,
    expected_control / customers as expected_share,
    control_customers / cast(customers as double precision) as observed_share,
    chi_square,
    erfc(sqrt(chi_square / 2)) as p_value,
    case
        when least(expected_control, customers - expected_control) < 5 then 'too_few'
        when erfc(sqrt(chi_square / 2)) < 0.001 then 'imbalanced'
        else 'balanced'
    end as verdict
from deviating
