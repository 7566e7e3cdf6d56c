-- Where one customer stands as of a date, by pseudonym: no name, no address, no birthday, no free text.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
)

select
    customer.customer_kind,
    -- A region in which few live would narrow down who this is.
    case
        when exists (
            select 1
            from bi.kpi_value as living
            cross join size
            where
                living.as_of_date = :as_of_date
                and living.kpi = 'mean_clv_12m'
                and living.period = 'month'
                and living.dimension = 'region'
                and living.member = customer.region
                and living.customers >= size.least_customers
        ) then customer.region
    end as region,
    cast(date_trunc('month', customer.member_since) as date) as member_since_month,
    tier.service_tier,
    tier.tier_since,
    tier.is_at_risk,
    lifecycle.lifecycle_stage,
    tier.value_class,
    rfm.rfm_segment,
    rfm.recency_score,
    rfm.frequency_score,
    rfm.monetary_score,
    membership.membership_level,
    membership.membership_level_zh,
    membership.points_balance,
    persona.persona,
    persona.persona_en,
    persona.persona_zh,
    orders.count_orders_lifetime,
    orders.count_orders_365d,
    orders.net_minor_365d,
    orders.net_minor_lifetime,
    cast(:as_of_date as date) - cast(orders.last_order_at at time zone :business_timezone as date) as recency_days,
    orders.mean_days_between_orders,
    orders.discount_share_365d,
    service.count_complaints_open,
    engagement.latest_nps
from core.customer as customer
left join segments.tier as tier on tier.as_of_date = :as_of_date and customer.customer_key = tier.customer_key
left join segments.lifecycle as lifecycle on lifecycle.as_of_date = :as_of_date and customer.customer_key = lifecycle.customer_key
left join segments.rfm as rfm on rfm.as_of_date = :as_of_date and customer.customer_key = rfm.customer_key
left join segments.membership as membership on membership.as_of_date = :as_of_date and customer.customer_key = membership.customer_key
left join scores.persona as persona on persona.as_of_date = :as_of_date and customer.customer_key = persona.customer_key
left join features.customer_orders as orders on orders.as_of_date = :as_of_date and customer.customer_key = orders.customer_key
left join features.customer_service as service on service.as_of_date = :as_of_date and customer.customer_key = service.customer_key
left join features.customer_engagement as engagement
    on engagement.as_of_date = :as_of_date and customer.customer_key = engagement.customer_key
where customer.customer_key = :customer and customer.valid_to is null
