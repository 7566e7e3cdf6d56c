-- with (security_barrier = true)
-- bi.customer: the wide row per customer as of the newest published date. Columns are chosen one by one: nothing that names,
-- addresses or describes a person beyond what segments need ever gets in by `*`.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'segments.tier'
),

people as (
    select
        customer_key,
        region,
        customer_kind,
        cast(date_trunc('month', member_since) as date) as member_since_month
    from core.customer
    where valid_to is null and not is_test and not is_staff
),

regions as (
    select region
    from people
    group by region
    having count(*) >= coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    )
),

warnings as (
    select
        warning.customer_key,
        count(*) as count_warnings
    from newest
    inner join scores.warning as warning on newest.as_of_date = warning.as_of_date
    group by warning.customer_key
)

select
    people.customer_key,
    tier.as_of_date,
    regions.region,
    people.customer_kind,
    people.member_since_month,
    tier.service_tier,
    tier.is_at_risk,
    lifecycle.lifecycle_stage,
    matrix.value_class,
    rfm.rfm_class,
    rfm.rfm_segment,
    membership.membership_level,
    coalesce(orders.count_orders_365d, 0) as count_orders_365d,
    coalesce(orders.net_minor_365d, 0) as net_minor_365d,
    orders.recency_days,
    orders.mean_days_between_orders,
    orders.overdue_ratio,
    orders.discount_share_365d,
    service.count_complaints_open,
    engagement.latest_nps,
    churn.churn_probability,
    clv.clv_12m_minor,
    repurchase.probability_90d as repurchase_probability_90d,
    repurchase.next_order_date,
    persona.persona,
    coalesce(warnings.count_warnings, 0) as count_warnings,
    coalesce(churn.is_fallback, clv.is_fallback) as has_fallback_scores
from newest
inner join segments.tier as tier on newest.as_of_date = tier.as_of_date
inner join people on tier.customer_key = people.customer_key
left join regions on people.region = regions.region
left join segments.lifecycle as lifecycle
    on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
left join segments.value_matrix as matrix
    on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
left join segments.rfm as rfm on tier.as_of_date = rfm.as_of_date and tier.customer_key = rfm.customer_key
left join segments.membership as membership
    on tier.as_of_date = membership.as_of_date and tier.customer_key = membership.customer_key
left join features.customer_orders as orders
    on tier.as_of_date = orders.as_of_date and tier.customer_key = orders.customer_key
left join features.customer_service as service
    on tier.as_of_date = service.as_of_date and tier.customer_key = service.customer_key
left join features.customer_engagement as engagement
    on tier.as_of_date = engagement.as_of_date and tier.customer_key = engagement.customer_key
left join scores.churn as churn on tier.as_of_date = churn.as_of_date and tier.customer_key = churn.customer_key
left join scores.clv as clv on tier.as_of_date = clv.as_of_date and tier.customer_key = clv.customer_key
left join scores.repurchase as repurchase
    on tier.as_of_date = repurchase.as_of_date and tier.customer_key = repurchase.customer_key
left join scores.persona as persona on tier.as_of_date = persona.as_of_date and tier.customer_key = persona.customer_key
left join warnings on tier.customer_key = warnings.customer_key
