-- segments.lifecycle: one row per customer per as_of_date. The later rule wins; the case reads from the last rule up.
with

customers as (
    select
        engagement.customer_key,
        engagement.count_converted_referrals_lifetime,
        orders.count_orders_lifetime,
        orders.recency_days,
        orders.tenure_days,
        orders.first_to_last_order_days,
        orders.overdue_ratio,
        :as_of_date - cast(orders.won_back_at at time zone :business_timezone as date) as days_since_won_back,
        churn.churn_probability
    from features.customer_engagement as engagement
    left join features.customer_orders as orders
        on engagement.as_of_date = orders.as_of_date and engagement.customer_key = orders.customer_key
    left join scores.churn as churn
        on engagement.as_of_date = churn.as_of_date and engagement.customer_key = churn.customer_key
    where engagement.as_of_date = :as_of_date
),

staged as (
    select
        customer_key,
        case
            when count_orders_lifetime is null then 'prospect'
            when days_since_won_back <= :won_back_days then 'won_back'
            when recency_days > :lost_days then 'lost'
            when churn_probability >= :at_risk_probability or overdue_ratio >= :at_risk_overdue_ratio then 'at_risk'
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

previous as (
    select
        customer_key,
        lifecycle_stage,
        stage_since,
        previous_stage
    from segments.lifecycle
    where as_of_date = :previous_date
)

select
    :as_of_date as as_of_date,
    staged.customer_key,
    staged.lifecycle_stage,
    label.label_zh as lifecycle_stage_zh,
    case
        when staged.lifecycle_stage = previous.lifecycle_stage then previous.stage_since else :as_of_date
    end as stage_since,
    case
        when staged.lifecycle_stage = previous.lifecycle_stage
            then previous.previous_stage
        else previous.lifecycle_stage
    end as previous_stage
from staged
left join previous on staged.customer_key = previous.customer_key
inner join segments.label as label
    on staged.lifecycle_stage = label.label and label.label_group = 'lifecycle_stage'
