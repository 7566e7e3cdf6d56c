-- campaigns.uplift: one row per measured play per as_of_date.
-- A measurement and a prior are two estimates of one number: each weighs as the inverse of its variance (normal with a normal
-- prior). The prior's spread is a share of itself; where a play states nothing, its priority stands for what it is expected to bring.
with

newest as (
    select max(as_of_date) as measured_on
    from bi.play_effect
    where as_of_date <= :as_of_date
),

effects as (
    select
        effect.play,
        newest.measured_on,
        effect.treated_customers,
        effect.control_customers,
        effect.difference,
        effect.standard_error
    from newest
    inner join bi.play_effect as effect on newest.measured_on = effect.as_of_date
    where
        effect.outcome = 'net_revenue_minor'
        and effect.service_tier = 'all'
        and effect.difference is not null
),

margin as (
    -- Where unit costs are known, the share of revenue that is left; else the share that the settings assume.
    select
        coalesce(
            case
                when bool_and(basis = 'net_margin')
                    then
                        sum(margin_share * greatest(net_revenue_12m_minor, 0))
                        / nullif(sum(greatest(net_revenue_12m_minor, 0)), 0)
            end,
            cast(:assumed_margin_share as double precision)
        ) as share
    from scores.clv
    where as_of_date = :as_of_date
),

stated as (
    select
        play,
        sum(stated_value_minor) / sum(stated_chosen) as stated_minor
    from campaigns.allocation_play
    where
        stated_chosen > 0
        and as_of_date < :as_of_date
        and as_of_date >= cast(:as_of_date as date) - cast(:history_days as integer)
    group by play
),

known_before as (
    -- Once a play is measured nothing is stated of its contacts any more: what was stated before goes on from day to day.
    select distinct on (play)
        play,
        stated_minor
    from campaigns.uplift
    where as_of_date < :as_of_date and stated_minor is not null
    order by play, as_of_date desc
),

priorities as (
    select distinct on (play)
        play,
        priority
    from campaigns.play
    order by play, registered_at desc
),

weighed as (
    select
        effects.play,
        effects.measured_on,
        effects.treated_customers,
        effects.control_customers,
        effects.difference * margin.share as margin_minor,
        effects.standard_error * margin.share as error_minor,
        coalesce(stated.stated_minor, known_before.stated_minor) as stated_minor,
        power(
            cast(:prior_spread as double precision)
            * coalesce(
                abs(stated.stated_minor),
                abs(known_before.stated_minor),
                priorities.priority * cast(:priority_point_minor as double precision),
                0
            ),
            2
        ) as prior_variance
    from effects
    cross join margin
    left join stated on effects.play = stated.play
    left join known_before on effects.play = known_before.play
    left join priorities on effects.play = priorities.play
),

shared as (
    select
        weighed.*,
        case
            when
                least(treated_customers, control_customers) >= cast(:minimum_people as integer)
                and error_minor is not null
                and prior_variance + error_minor * error_minor > 0
                then prior_variance / (prior_variance + error_minor * error_minor)
            else 0
        end as weight
    from weighed
)

select
    cast(:as_of_date as date) as as_of_date,
    play,
    measured_on,
    treated_customers,
    control_customers,
    margin_minor,
    error_minor,
    stated_minor,
    weight,
    case when weight >= 0.5 then 'measured' else 'stated' end as evidence
from shared
