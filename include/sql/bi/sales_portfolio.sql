-- with (security_barrier = true)
-- bi.sales_portfolio: account owners and what they look after.
with

tasks as (
    select
        task.customer_key,
        count(*) as count_tasks
    from campaigns.staff_task as task
    where task.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'campaigns.staff_task'
    )
    group by task.customer_key
)

select
    tier.as_of_date,
    customer.account_owner,
    count(*) as customers,
    count(*) filter (where tier.service_tier = 'vip') as vip_customers,
    count(*) filter (where tier.is_at_risk) as at_risk_customers,
    cast(coalesce(sum(orders.net_minor_365d), 0) as bigint) as net_minor_365d,
    cast(coalesce(sum(clv.clv_12m_minor), 0) as bigint) as clv_12m_minor,
    cast(
        coalesce(round(cast(sum(churn.churn_probability * clv.clv_12m_minor) as numeric)), 0) as bigint
    ) as value_at_risk_minor,
    count(*) filter (where service.count_complaints_open > 0) as customers_with_open_complaint,
    cast(coalesce(sum(tasks.count_tasks), 0) as bigint) as count_tasks
from core.customer as customer
inner join segments.tier as tier
    on
        customer.customer_key = tier.customer_key
        and tier.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'segments.tier'
        )
left join features.customer_orders as orders
    on tier.as_of_date = orders.as_of_date and tier.customer_key = orders.customer_key
left join features.customer_service as service
    on tier.as_of_date = service.as_of_date and tier.customer_key = service.customer_key
left join scores.churn as churn on tier.as_of_date = churn.as_of_date and tier.customer_key = churn.customer_key
left join scores.clv as clv on tier.as_of_date = clv.as_of_date and tier.customer_key = clv.customer_key
left join tasks on tier.customer_key = tasks.customer_key
where customer.valid_to is null and not customer.is_test and not customer.is_staff and customer.account_owner is not null
group by tier.as_of_date, customer.account_owner
