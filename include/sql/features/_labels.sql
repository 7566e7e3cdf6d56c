-- What purchasers as of as_of did from then until :until: the truth that models learn and are judged by.
-- Same rules as features.customer_orders: an order counts where it was paid, and only if it still stands at :until.
with

entries as (
    select
        customer_key,
        order_key,
        kind,
        happened_at,
        order_count,
        net_minor,
        happened_at < :as_of and (deleted_at is null or deleted_at >= :as_of) as is_known,
        deleted_at is null or deleted_at >= :until as is_kept
    from core.order_entry
    where happened_at < :until
),

orders as (
    select
        customer_key,
        order_key,
        min(happened_at) filter (where kind = 'paid') as paid_at,
        coalesce(sum(order_count) filter (where is_known), 0) > 0 as stood_at_start,
        coalesce(sum(order_count) filter (where is_kept), 0) > 0 as stands_at_end,
        cast(sum(net_minor) filter (where is_kept) as bigint) as net_minor
    from entries
    group by customer_key, order_key
),

customers as (
    select
        customer_key,
        count(*) filter (where paid_at >= :as_of and stands_at_end) as count_orders,
        count(distinct cast(paid_at at time zone :business_timezone as date)) filter (
            where paid_at >= :as_of and stands_at_end
        ) as count_order_days,
        min(cast(paid_at at time zone :business_timezone as date)) filter (
            where paid_at >= :as_of and stands_at_end
        ) as next_order_date,
        cast(coalesce(sum(net_minor) filter (where paid_at >= :as_of and stands_at_end), 0) as bigint) as net_minor
    from orders
    group by customer_key
    having bool_or(stood_at_start)
),

left_out as (
    select customer_key
    from core.customer
    where
        valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (is_test or deleted_at < :as_of)
)

select
    customers.customer_key,
    customers.count_orders > 0 as has_order_within,
    customers.count_orders as orders,
    customers.count_order_days as order_days,
    customers.net_minor,
    customers.next_order_date - :as_of_date as days_to_next
from customers
where customers.customer_key not in (select left_out.customer_key from left_out)
