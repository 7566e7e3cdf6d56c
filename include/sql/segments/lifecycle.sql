-- segments.lifecycle: one row per customer per as_of_date. The later rule wins; the case reads from the last rule up.
-- Who is at risk is judged in segments.tier, where the flag is damped. A stage that was held the day before goes on; one that began
-- on a day not run began then (segments.lifecycle_gap); who is seen for the first time is in the stage since the day that the rule
-- itself names, where it names one.
with

customers as (
    select
        engagement.customer_key,
        engagement.count_converted_referrals_lifetime,
        orders.count_orders_lifetime,
        orders.recency_days,
        orders.tenure_days,
        orders.first_to_last_order_days,
        orders.mean_days_between_orders,
        orders.overdue_ratio,
        cast(orders.won_back_at at time zone :business_timezone as date) as won_back_on,
        coalesce(tier.is_at_risk, false) as is_at_risk
    from features.customer_engagement as engagement
    left join features.customer_orders as orders
        on engagement.as_of_date = orders.as_of_date and engagement.customer_key = orders.customer_key
    left join segments.tier as tier
        on engagement.as_of_date = tier.as_of_date and engagement.customer_key = tier.customer_key
    where engagement.as_of_date = :as_of_date
),

staged as (
    select
        customers.*,
        case
            when count_orders_lifetime is null then 'prospect'
            when :as_of_date - won_back_on <= :won_back_days then 'won_back'
            when recency_days > :lost_days then 'lost'
            when is_at_risk then 'at_risk'
            when count_orders_lifetime >= :loyal_orders and first_to_last_order_days >= :loyal_span_days then 'loyal'
            when
                count_orders_lifetime >= :loyal_orders_with_referral and count_converted_referrals_lifetime >= 1
                then 'loyal'
            when count_orders_lifetime >= 2 then 'repeat'
            when tenure_days <= :new_days then 'new'
            else 'lapsed_new'
        end as lifecycle_stage
    from customers
),

dated as (
    -- The as-of date from which the rule has held, where orders and calendar alone tell it.
    select
        staged.*,
        least(:as_of_date, greatest(
            case lifecycle_stage
                when 'won_back' then won_back_on + 1
                when 'lost' then :as_of_date - recency_days + :lost_days + 1
                when 'at_risk'
                    then case
                        when overdue_ratio >= :at_risk_overdue_ratio
                            then
                                :as_of_date - recency_days
                                + cast(ceil(:at_risk_overdue_ratio * mean_days_between_orders) as integer)
                    end
                when 'new' then :as_of_date - tenure_days + 1
                when 'lapsed_new' then :as_of_date - tenure_days + :new_days + 1
            end,
            cast(:previous_date as date) + 1
        )) as told_since
    from staged
),

gap as (
    select distinct on (customer_key)
        customer_key,
        to_stage,
        stage_from,
        from_stage
    from segments.lifecycle_gap
    where as_of_date = :as_of_date
    order by customer_key, stage_from desc
),

previous as (
    select
        coalesce(gap.customer_key, lifecycle.customer_key) as customer_key,
        coalesce(gap.to_stage, lifecycle.lifecycle_stage) as lifecycle_stage,
        coalesce(gap.stage_from, lifecycle.stage_since) as stage_since,
        case when gap.customer_key is null then lifecycle.previous_stage else gap.from_stage end as previous_stage
    from (
        select
            customer_key,
            lifecycle_stage,
            stage_since,
            previous_stage
        from segments.lifecycle
        where as_of_date = cast(:previous_date as date)
    ) as lifecycle
    full join gap on lifecycle.customer_key = gap.customer_key
)

select
    :as_of_date as as_of_date,
    dated.customer_key,
    dated.lifecycle_stage,
    label.label_zh as lifecycle_stage_zh,
    case
        when dated.lifecycle_stage = previous.lifecycle_stage then previous.stage_since
        when previous.customer_key is not null then :as_of_date
        when dated.lifecycle_stage in ('won_back', 'lost', 'new', 'lapsed_new') then dated.told_since
        when dated.lifecycle_stage = 'at_risk' and dated.overdue_ratio >= :at_risk_overdue_ratio then dated.told_since
        else :as_of_date
    end as stage_since,
    case
        when dated.lifecycle_stage = previous.lifecycle_stage
            then previous.previous_stage
        else previous.lifecycle_stage
    end as previous_stage,
    dated.won_back_on
from dated
left join previous on dated.customer_key = previous.customer_key
inner join segments.label as label
    on dated.lifecycle_stage = label.label and label.label_group = 'lifecycle_stage'
