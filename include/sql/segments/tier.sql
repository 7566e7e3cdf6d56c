-- segments.tier: one row per customer per as_of_date.
-- The computed tier follows from value class and RFM class by segments.service_tier_rule. The tier held moves up at once
-- and down only when the computed tier has been below it for :tier_grace_days days: no flip-flop from day to day.
with

computed as (
    select
        value_matrix.customer_key,
        value_matrix.value_class,
        rfm.rfm_class,
        service_tier_rule.service_tier as computed_tier,
        label.label_order as computed_order
    from segments.value_matrix as value_matrix
    left join segments.rfm as rfm
        on value_matrix.as_of_date = rfm.as_of_date and value_matrix.customer_key = rfm.customer_key
    inner join segments.service_tier_rule as service_tier_rule
        on
            value_matrix.value_class = service_tier_rule.value_class
            and coalesce(rfm.rfm_class, 'none') = service_tier_rule.rfm_class
    inner join segments.label as label
        on service_tier_rule.service_tier = label.label and label.label_group = 'service_tier'
    where value_matrix.as_of_date = :as_of_date
),

risks as (
    select
        orders.customer_key,
        coalesce(churn.churn_probability >= :at_risk_probability, false)
        or coalesce(orders.overdue_ratio >= :at_risk_overdue_ratio, false) as is_at_risk
    from features.customer_orders as orders
    left join scores.churn as churn
        on orders.as_of_date = churn.as_of_date and orders.customer_key = churn.customer_key
    where orders.as_of_date = :as_of_date
),

previous as (
    select
        tier.customer_key,
        tier.service_tier,
        tier.tier_since,
        tier.previous_tier,
        tier.lower_since,
        label.label_order as tier_order
    from segments.tier as tier
    inner join segments.label as label
        on tier.service_tier = label.label and label.label_group = 'service_tier'
    where tier.as_of_date = :previous_date
),

compared as (
    select
        computed.customer_key,
        computed.value_class,
        computed.rfm_class,
        computed.computed_tier,
        previous.service_tier as held_tier,
        previous.tier_since,
        previous.previous_tier,
        case
            when computed.computed_order < previous.tier_order then coalesce(previous.lower_since, :as_of_date)
        end as lower_since
    from computed
    left join previous on computed.customer_key = previous.customer_key
),

damped as (
    select
        customer_key,
        value_class,
        rfm_class,
        computed_tier,
        held_tier,
        tier_since,
        previous_tier,
        lower_since,
        case
            when lower_since is not null and :as_of_date - lower_since < :tier_grace_days then held_tier
            else computed_tier
        end as service_tier
    from compared
)

select
    :as_of_date as as_of_date,
    damped.customer_key,
    damped.service_tier,
    label.label_zh as service_tier_zh,
    coalesce(risks.is_at_risk, false) as is_at_risk,
    case when damped.service_tier = damped.held_tier then damped.tier_since else :as_of_date end as tier_since,
    case
        when damped.service_tier = damped.held_tier then damped.previous_tier else damped.held_tier
    end as previous_tier,
    damped.computed_tier,
    case when damped.service_tier = damped.held_tier then damped.lower_since end as lower_since,
    damped.value_class,
    damped.rfm_class
from damped
left join risks on damped.customer_key = risks.customer_key
inner join segments.label as label
    on damped.service_tier = label.label and label.label_group = 'service_tier'
