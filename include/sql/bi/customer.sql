-- with (security_barrier = true)
-- bi.customer: the wide row per customer as of the newest published date. Columns are chosen one by one: nothing that names,
-- addresses or describes a person beyond what segments need ever gets in by `*`. Where and since when somebody is a customer is shown
-- as exactly as enough people share it (bi.customer_group), and not at all before the first measurement has counted them.
-- Every table is joined by its whole key and none is needed for a column of another: a query pays for the columns it names. The date
-- is asked for by a subquery and not joined, so that only the newest partition of each table is opened.
with

warnings as (
    select
        warning.customer_key,
        count(*) as count_warnings
    from scores.warning as warning
    where warning.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'segments.tier'
    )
    group by warning.customer_key
)

select
    customer.customer_key,
    tier.as_of_date,
    case when groups.shown in ('month', 'year', 'region') then customer.region end as region,
    case when groups.shown <> 'nothing' then customer.customer_kind end as customer_kind,
    case when groups.shown = 'month' then groups.member_since_month end as member_since_month,
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
    coalesce(churn.is_fallback, clv.is_fallback) as has_fallback_scores,
    case
        when groups.shown in ('month', 'year') then cast(extract(year from groups.member_since_month) as integer)
    end as member_since_year,
    case when groups.shown in ('month', 'year') then customer.acquisition_channel end as acquisition_channel,
    tier.tier_since,
    tier.previous_tier,
    tier.at_risk_since,
    lifecycle.stage_since,
    lifecycle.previous_stage,
    rfm.recency_score,
    rfm.frequency_score,
    rfm.monetary_score,
    membership.amount_to_next_level_minor,
    membership.points_balance,
    membership.points_expiring_30d,
    coalesce(orders.count_orders_lifetime, 0) as count_orders_lifetime,
    coalesce(orders.net_minor_lifetime, 0) as net_minor_lifetime,
    orders.net_change_90d_minor,
    orders.mean_order_value_minor_365d,
    orders.refund_share_365d,
    service.count_complaints_365d,
    engagement.mean_csat_365d,
    engagement.count_interactions_90d,
    engagement.count_converted_referrals_lifetime,
    basket.count_categories_365d,
    basket.top_category_365d,
    clv.clv_12m_lower_minor,
    clv.clv_12m_upper_minor,
    cast(round(cast(churn.churn_probability * clv.clv_12m_minor as numeric)) as bigint) as value_at_risk_minor,
    repurchase.expected_orders_90d,
    preference.preferred_channel,
    preference.price_band
from segments.tier as tier
inner join core.customer as customer
    on tier.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_test and not customer.is_staff
left join bi.customer_group as groups
    on groups.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'bi.customer_group'
    )
    and coalesce(customer.region, '') = groups.region
    and customer.customer_kind = groups.customer_kind
    and coalesce(customer.acquisition_channel, '') = groups.acquisition_channel
    and cast(
        date_trunc(
            'month',
            customer.member_since at time zone coalesce(
                (select setting.value from bi.setting as setting where setting.name = 'business_timezone'), 'Asia/Shanghai'
            )
        ) as date
    ) = groups.member_since_month
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
left join features.customer_basket as basket
    on tier.as_of_date = basket.as_of_date and tier.customer_key = basket.customer_key
left join scores.churn as churn on tier.as_of_date = churn.as_of_date and tier.customer_key = churn.customer_key
left join scores.clv as clv on tier.as_of_date = clv.as_of_date and tier.customer_key = clv.customer_key
left join scores.repurchase as repurchase
    on tier.as_of_date = repurchase.as_of_date and tier.customer_key = repurchase.customer_key
left join scores.persona as persona on tier.as_of_date = persona.as_of_date and tier.customer_key = persona.customer_key
left join scores.preference as preference
    on tier.as_of_date = preference.as_of_date and tier.customer_key = preference.customer_key
left join warnings on tier.customer_key = warnings.customer_key
where
    tier.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'segments.tier'
    )
