-- What customers of a range of keys show of their habits, one row per customer, kind and value: orders by channel, and orders and
-- inbound touches by hour and by weekday (1 Monday to 7 Sunday) of the business time zone.
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

orders as materialized (
    select
        entry.customer_key,
        entry.order_key,
        entry.happened_at at time zone :business_timezone as happened_at
    from core.order_entry as entry
    where
        entry.customer_key between :first_key and :last_key
        and entry.kind = 'paid'
        and entry.happened_at >= :since
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
        and entry.order_key not in (select order_key from cancelled_orders)
),

visits as (
    select
        customer_key,
        happened_at
    from orders
    union all
    select
        customer_key,
        happened_at at time zone :business_timezone as happened_at
    from core.interaction
    where
        customer_key between :first_key and :last_key
        and direction = 'in'
        and happened_at >= :since
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
)

select
    orders.customer_key,
    'order_channel' as kind,
    header.channel as habit,
    count(*) as count_times
from orders
inner join core.order_header as header on orders.order_key = header.order_key
where header.channel is not null
group by orders.customer_key, header.channel
union all
select
    customer_key,
    'hour' as kind,
    cast(cast(extract(hour from happened_at) as integer) as text) as habit,
    count(*) as count_times
from visits
group by customer_key, cast(extract(hour from happened_at) as integer)
union all
select
    customer_key,
    'weekday' as kind,
    cast(cast(extract(isodow from happened_at) as integer) as text) as habit,
    count(*) as count_times
from visits
group by customer_key, cast(extract(isodow from happened_at) as integer)
