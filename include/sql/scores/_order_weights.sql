-- Orders with lines of each customer of a range of keys within the window: how many, how recent, and which was the last.
with

cancelled_orders as (
    select order_key
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind in ('cancelled', 'corrected')
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by order_key
    having sum(order_count) < 0
),

orders as (
    select
        customer_key,
        order_key,
        min(:as_of_date - cast(happened_at at time zone :business_timezone as date)) as days_ago
    from core.order_line
    where
        customer_key between :first_key and :last_key
        and happened_at >= :since
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and order_key not in (select order_key from cancelled_orders)
    group by customer_key, order_key
)

select
    customer_key,
    count(*) as count_orders,
    cast(sum(power(0.5, days_ago / cast(:half_life_days as double precision))) as double precision) as weight,
    min(days_ago) as last_days_ago,
    max(days_ago) as first_days_ago
from orders
group by customer_key
