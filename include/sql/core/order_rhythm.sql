-- pg_temp.rhythm: number and rhythm of all paid orders of the touched people: those derived just now (pg_temp.rebuilt), and those
-- that stay as they are.
create temporary table rhythm on commit drop as
with

paid_orders as (
    select
        customer_key,
        order_key,
        happened_at,
        true as is_derived,
        null::integer as stored_number,
        null::numeric as stored_gap,
        null::timestamptz as stored_previous
    from pg_temp.rebuilt
    where kind = 'paid' and deleted_at is null

    union all

    select
        entry.customer_key,
        entry.order_key,
        entry.happened_at,
        false as is_derived,
        entry.order_number as stored_number,
        entry.days_since_previous_order as stored_gap,
        entry.previous_paid_at as stored_previous
    from core.order_entry as entry
    where
        entry.kind = 'paid'
        and entry.deleted_at is null
        and entry.customer_key in (select person.customer_key from pg_temp.touched_person as person)
        and not exists (select 1 from pg_temp.touched_order as touched where touched.order_key = entry.order_key)
),

numbered as (
    select
        order_key,
        is_derived,
        stored_number,
        stored_gap,
        stored_previous,
        (row_number() over by_time)::integer as order_number,
        round(
            extract(epoch from happened_at - lag(happened_at) over by_time)::numeric / 86400, 6
        ) as days_since_previous_order,
        lag(happened_at) over by_time as previous_paid_at
    from paid_orders
    window by_time as (partition by customer_key order by happened_at, order_key)
)

-- Of the entries that stay only those are looked up again whose place among the others has changed.
select
    order_key,
    order_number,
    days_since_previous_order,
    previous_paid_at,
    is_derived
from numbered
where
    is_derived
    or (order_number, days_since_previous_order, previous_paid_at) is distinct from (stored_number, stored_gap, stored_previous)
