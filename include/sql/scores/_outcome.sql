-- _outcome: what became of customers in a window, as known at its end: orders paid in it. Labels and truths of training.
-- An order counts when it is not cancelled by the end of the window; refunds and returns up to then are netted against it.
with

entries as (
    select
        customer_key,
        order_key,
        kind,
        happened_at,
        order_count,
        net_minor
    from core.order_entry
    where
        happened_at >= :starts_at
        and happened_at < :ends_at
        and (deleted_at is null or deleted_at >= :ends_at)
),

orders as (
    select
        customer_key,
        order_key,
        min(happened_at) as paid_at,
        cast(sum(net_minor) as bigint) as net_minor
    from entries
    group by customer_key, order_key
    having
        count(*) filter (where kind = 'paid') > 0
        and sum(order_count) > 0
)

select
    customer_key,
    count(*) as count_orders,
    count(distinct cast(paid_at at time zone :business_timezone as date)) as count_order_days,
    cast(sum(net_minor) as bigint) as net_minor
from orders
group by customer_key
order by customer_key
