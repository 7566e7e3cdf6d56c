-- with (security_barrier = true)
-- bi.sales_customer: what an account manager needs to know of a customer before picking up the telephone. Reasons, warnings and the
-- next best product are looked up per row, when a query names them: for the customers of one manager that costs nothing.
select
    tier.customer_key,
    tier.as_of_date,
    customer.account_owner,
    customer.customer_kind,
    tier.service_tier,
    tier.service_tier_zh,
    tier.tier_since,
    tier.is_at_risk,
    tier.at_risk_since,
    lifecycle.lifecycle_stage,
    lifecycle.lifecycle_stage_zh,
    matrix.value_class,
    membership.membership_level,
    membership.amount_to_next_level_minor,
    coalesce(orders.count_orders_365d, 0) as count_orders_365d,
    coalesce(orders.net_minor_365d, 0) as net_minor_365d,
    orders.recency_days,
    orders.overdue_ratio,
    churn.churn_probability,
    clv.clv_12m_minor,
    cast(round(cast(churn.churn_probability * clv.clv_12m_minor as numeric)) as bigint) as value_at_risk_minor,
    repurchase.next_order_date,
    coalesce(service.count_complaints_open, 0) as count_complaints_open,
    engagement.latest_nps,
    (
        select string_agg(reason.sentence_en, '; ' order by reason.rank)
        from scores.reason as reason
        where
            reason.as_of_date = tier.as_of_date
            and reason.customer_key = tier.customer_key
            and reason.score = 'churn'
            and reason.is_raising
            and reason.rank <= 5
    ) as risk_reasons_en,
    (
        select string_agg(reason.sentence_zh, '；' order by reason.rank)
        from scores.reason as reason
        where
            reason.as_of_date = tier.as_of_date
            and reason.customer_key = tier.customer_key
            and reason.score = 'churn'
            and reason.is_raising
            and reason.rank <= 5
    ) as risk_reasons_zh,
    (
        select string_agg(warning.sentence_en, '; ' order by warning.warning)
        from scores.warning as warning
        where warning.as_of_date = tier.as_of_date and warning.customer_key = tier.customer_key
    ) as warnings_en,
    (
        select string_agg(warning.sentence_zh, '；' order by warning.warning)
        from scores.warning as warning
        where warning.as_of_date = tier.as_of_date and warning.customer_key = tier.customer_key
    ) as warnings_zh,
    (
        select string_agg(best.item, ', ' order by best.rank)
        from scores.next_best as best
        where
            best.as_of_date = tier.as_of_date
            and best.customer_key = tier.customer_key
            and best.level = 'product'
            and best.list = 'next'
            and best.rank <= 3
    ) as next_best_products,
    (
        select count(*)
        from campaigns.staff_task as task
        where
            task.as_of_date = (
                select max(cast(published.slice_key as date))
                from ops.published as published
                where published.table_name = 'campaigns.staff_task'
            )
            and task.customer_key = tier.customer_key
    ) as count_tasks
from segments.tier as tier
inner join core.customer as customer
    on tier.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_test and not customer.is_staff
left join segments.lifecycle as lifecycle
    on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
left join segments.value_matrix as matrix
    on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
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
where
    tier.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'segments.tier'
    )
    and (customer.account_owner is not null or tier.service_tier in ('vip', 'potential'))
