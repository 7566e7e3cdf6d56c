-- campaigns.uplift: one row per measured play and service tier, and one for the whole play, per as_of_date.
-- What a tier showed for itself is drawn towards what the play showed: by as much as tiers differ less from each other than chance
-- has them differ (between-tier variance after DerSimonian and Laird, 1986). A measurement and a prior are two estimates of one
-- number: each weighs as the inverse of its variance (normal with a normal prior). The prior's spread is a share of itself; where
-- a play states nothing, its priority stands for what it is expected to bring.
with

newest as (
    select max(as_of_date) as measured_on
    from bi.play_effect
    where as_of_date <= :as_of_date
),

measured as (
    select
        effect.play,
        effect.service_tier,
        newest.measured_on,
        effect.treated_customers,
        effect.control_customers,
        effect.difference,
        effect.standard_error
    from newest
    inner join bi.play_effect as effect on newest.measured_on = effect.as_of_date
    where effect.outcome = 'net_revenue_minor' and effect.difference is not null
),

-- A tier speaks for itself when it has as many people as a play must have.
speaking as (
    select
        play,
        service_tier,
        difference,
        standard_error * standard_error as variance
    from measured
    where
        service_tier <> 'all'
        and standard_error > 0
        and least(treated_customers, control_customers) >= cast(:minimum_people as integer)
),

homogeneity as (
    select
        play,
        count(*) as tiers,
        sum(1 / variance) as weights,
        sum(1 / (variance * variance)) as squared_weights,
        sum(difference * difference / variance) - power(sum(difference / variance), 2) / sum(1 / variance) as heterogeneity
    from speaking
    group by play
),

between_tiers as (
    select
        play,
        greatest(0, (heterogeneity - (tiers - 1)) / nullif(weights - squared_weights / weights, 0)) as variance
    from homogeneity
    where tiers > 1
),

drawn as (
    select
        whole.play,
        whole.service_tier,
        whole.measured_on,
        whole.treated_customers,
        whole.control_customers,
        least(whole.treated_customers, whole.control_customers) as people,
        cast(null as double precision) as own_share,
        whole.difference,
        whole.standard_error
    from measured as whole
    where whole.service_tier = 'all'
    union all
    select
        whole.play,
        tier.service_tier,
        whole.measured_on,
        coalesce(own.treated_customers, 0) as treated_customers,
        coalesce(own.control_customers, 0) as control_customers,
        least(whole.treated_customers, whole.control_customers) as people,
        shares.own_share,
        shares.own_share * coalesce(speaking.difference, 0) + (1 - shares.own_share) * whole.difference as difference,
        sqrt(
            shares.own_share * coalesce(speaking.variance, 0) + power((1 - shares.own_share) * whole.standard_error, 2)
        ) as standard_error
    from measured as whole
    cross join (values ('vip'), ('potential'), ('ordinary'), ('marginal')) as tier (service_tier)
    left join measured as own on whole.play = own.play and tier.service_tier = own.service_tier
    left join speaking on whole.play = speaking.play and tier.service_tier = speaking.service_tier
    left join between_tiers on whole.play = between_tiers.play
    cross join lateral (
        select
            coalesce(
                between_tiers.variance / nullif(between_tiers.variance + speaking.variance, 0), cast(0 as double precision)
            ) as own_share
    ) as shares
    where whole.service_tier = 'all'
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
        'all' as service_tier,
        sum(stated_value_minor) / sum(stated_chosen) as stated_minor
    from campaigns.allocation_play
    where
        stated_chosen > 0
        and as_of_date < :as_of_date
        and as_of_date >= cast(:as_of_date as date) - cast(:history_days as integer)
    group by play
    union all
    -- By tier from the decisions of the last five weeks: kept from day to day below, as the whole play's is.
    select
        decision.play,
        decision.service_tier,
        avg(decision.expected_value_minor) as stated_minor
    from campaigns.decision as decision
    inner join measured on decision.play = measured.play and measured.service_tier = 'all'
    where
        decision.evidence = 'stated'
        and decision.state = 'selected'
        and decision.service_tier is not null
        and decision.as_of_date < :as_of_date
        and decision.as_of_date >= cast(:as_of_date as date) - 35
    group by decision.play, decision.service_tier
),

known_before as (
    -- Once a play is measured nothing is stated of its contacts any more: what was stated before goes on from day to day.
    select distinct on (play, service_tier)
        play,
        service_tier,
        stated_minor
    from campaigns.uplift
    where as_of_date < :as_of_date and stated_minor is not null
    order by play, service_tier, as_of_date desc
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
        drawn.play,
        drawn.service_tier,
        drawn.measured_on,
        drawn.treated_customers,
        drawn.control_customers,
        drawn.people,
        drawn.own_share,
        drawn.difference * margin.share as margin_minor,
        drawn.standard_error * margin.share as error_minor,
        coalesce(stated.stated_minor, known_before.stated_minor, whole.stated_minor, whole_before.stated_minor) as stated_minor,
        priorities.priority * cast(:priority_point_minor as double precision) as standing_in_minor
    from drawn
    cross join margin
    left join stated on drawn.play = stated.play and drawn.service_tier = stated.service_tier
    left join known_before on drawn.play = known_before.play and drawn.service_tier = known_before.service_tier
    left join stated as whole on drawn.play = whole.play and whole.service_tier = 'all'
    left join known_before as whole_before on drawn.play = whole_before.play and whole_before.service_tier = 'all'
    left join priorities on drawn.play = priorities.play
),

priced as (
    select
        weighed.*,
        power(
            cast(:prior_spread as double precision) * coalesce(abs(stated_minor), standing_in_minor, 0), 2
        ) as prior_variance
    from weighed
),

shared as (
    select
        priced.*,
        case
            when
                people >= cast(:minimum_people as integer)
                and error_minor is not null
                and prior_variance + error_minor * error_minor > 0
                then prior_variance / (prior_variance + error_minor * error_minor)
            else 0
        end as weight
    from priced
)

select
    cast(:as_of_date as date) as as_of_date,
    play,
    service_tier,
    measured_on,
    treated_customers,
    control_customers,
    own_share,
    margin_minor,
    error_minor,
    stated_minor,
    weight,
    case when weight >= 0.5 then 'measured' else 'stated' end as evidence
from shared
