-- bi.control_balance: one row per play and tier per as_of_date, from the units of comparison (`effect.unit` stands for them): whoever
-- was drawn within the window, treated or held back, under the tier held on that day.
-- Every customer has the probability of the draw they were in: the threshold fitted for their tier, else the play's share. The number
-- held back is compared with the sum of these; with thresholds fitted per tier it deviates less than chance would, so that the check
-- errs to the side of silence by day and not of false alarms.
with

shares as (
    select distinct on (play)
        play,
        holdout_share
    from campaigns.play
    order by play, registered_at desc
),

units as (
    select
        unit.play,
        unit.period_key,
        coalesce(unit.service_tier, 'none') as service_tier,
        not unit.is_treated as is_control,
        count(*) as customers
    from effect.unit as unit
    -- Who was a member before the window belongs to an earlier comparison.
    where unit.play <> '*' and unit.started_on >= :earliest_date and unit.started_on < :as_of_date
    group by unit.play, unit.period_key, coalesce(unit.service_tier, 'none'), unit.is_treated
),

universal as (
    select
        coalesce(attributes.service_tier, 'none') as service_tier,
        eligibility.is_universal_control as is_control,
        count(*) as customers
    from campaigns.eligibility as eligibility
    inner join campaigns.customer_attributes as attributes
        on eligibility.as_of_date = attributes.as_of_date and eligibility.customer_key = attributes.customer_key
    where eligibility.as_of_date = :as_of_date and not attributes.is_test and not attributes.is_staff
    group by coalesce(attributes.service_tier, 'none'), eligibility.is_universal_control
),

drawn as (
    select
        units.play,
        units.service_tier,
        units.is_control,
        units.customers,
        coalesce(fitted.threshold, shares.holdout_share) as probability
    from units
    inner join shares on units.play = shares.play
    left join lateral (
        select control_draw.threshold
        from campaigns.control_draw as control_draw
        where
            control_draw.play = units.play
            and control_draw.period_key in (units.period_key, 'always')
            and control_draw.service_tier = units.service_tier
        order by control_draw.period_key = 'always'
        limit 1
    ) as fitted on true
    where shares.holdout_share > 0
    union all
    select
        '*' as play,
        universal.service_tier,
        universal.is_control,
        universal.customers,
        coalesce(fitted.threshold, cast(:universal_control_share as double precision)) as probability
    from universal
    left join campaigns.control_draw as fitted
        on fitted.play = '*' and fitted.period_key = :universal_period and universal.service_tier = fitted.service_tier
    where coalesce(fitted.threshold, cast(:universal_control_share as double precision)) > 0
),

counted as (
    select
        play,
        case when grouping(service_tier) = 1 then 'all' else service_tier end as service_tier,
        coalesce(sum(customers) filter (where not is_control), 0) as treated_customers,
        coalesce(sum(customers) filter (where is_control), 0) as control_customers,
        sum(customers * probability) as expected_control,
        sum(customers * probability * (1 - probability)) as variance,
        sum(customers) as customers
    from drawn
    group by grouping sets ((play), (play, service_tier))
),

deviating as (
    select
        counted.*,
        case when variance > 0 then power(cast(control_customers as double precision) - expected_control, 2) / variance end as chi_square
    from counted
)

select
    cast(:as_of_date as date) as as_of_date,
    play,
    service_tier,
    treated_customers,
    control_customers,
    expected_control,
    expected_control / cast(customers as double precision) as expected_share,
    cast(control_customers as double precision) / cast(customers as double precision) as observed_share,
    chi_square,
    erfc(sqrt(chi_square / 2)) as p_value,
    case
        when least(expected_control, cast(customers as double precision) - expected_control) < 5 then 'too_few'
        when erfc(sqrt(chi_square / 2)) < 0.001 then 'imbalanced'
        else 'balanced'
    end as verdict
from deviating
