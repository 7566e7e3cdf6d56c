-- What the design of a play's experiment rests on: its customers who would begin on the day, contacted or held back; how much their net
-- revenue differed over the last outcome window; what the play is expected to bring; how many came on earlier days; what share of the
-- variance a measurement before left unexplained.
with

beginners as (
    select
        decision.customer_key,
        case when decision.evidence = 'stated' then decision.expected_value_minor end as stated_minor,
        decision.expected_cost_minor - decision.cost_minor as offer_minor
    from campaigns.decision
    where decision.as_of_date = :as_of_date and decision.play = :play and decision.joined_on = decision.as_of_date
),

outcomes as (
    select
        beginners.customer_key,
        coalesce(sum(entry.net_minor), 0) as net_minor
    from beginners
    left join core.order_entry as entry
        on beginners.customer_key = entry.customer_key
        and entry.happened_at >= cast(:as_of as timestamptz) - cast(:outcome_days as integer) * interval '1 day'
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by beginners.customer_key
),

arrivals as (
    -- Days of the published plans: the table itself, whatever is staged.
    select
        count(*) as people,
        count(distinct kept.as_of_date) as days
    from "campaigns"."decision" as kept
    where
        kept.play = :play
        and kept.joined_on = kept.as_of_date
        and kept.as_of_date < :as_of_date
        and kept.as_of_date >= cast(:as_of_date as date) - 28
),

effects as (
    select variance_left
    from bi.play_effect
    where
        play = :play
        and service_tier = 'all'
        and outcome = 'net_revenue_minor'
        and as_of_date <= :as_of_date
        and variance_left is not null
    order by as_of_date desc
    limit 1
)

select
    (select count(*) from beginners) as customers,
    (select cast(stddev_samp(net_minor) as double precision) from outcomes) as deviation_minor,
    (select avg(stated_minor) from beginners) as stated_minor,
    (select avg(offer_minor) from beginners where stated_minor is not null) as offer_minor,
    case when arrivals.days > 0 then arrivals.people / cast(arrivals.days as double precision) end as per_day,
    coalesce((select variance_left from effects), 1.0) as variance_left
from arrivals
