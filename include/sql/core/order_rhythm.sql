-- Number and rhythm of the paid orders of the touched people. Entries are written with both; this brings the entries that
-- stayed into line when an order arrived late, moved between people or was deleted.
with

numbered as (
    select
        entry.order_key,
        entry.sequence,
        row_number() over by_time as order_number,
        round(
            extract(epoch from entry.happened_at - lag(entry.happened_at) over by_time)::numeric / 86400, 6
        ) as days_since_previous_order
    from core.order_entry as entry
    where
        entry.kind = 'paid'
        and entry.deleted_at is null
        and entry.customer_key in (select person.customer_key from pg_temp.touched_person as person)
    window by_time as (partition by entry.customer_key order by entry.happened_at, entry.order_key)
)

update core.order_entry as entry
set
    order_number = numbered.order_number,
    days_since_previous_order = numbered.days_since_previous_order
from numbered
where
    entry.order_key = numbered.order_key
    and entry.kind = 'paid'
    and entry.sequence = numbered.sequence
    and (entry.order_number, entry.days_since_previous_order)
    is distinct from (numbered.order_number, numbered.days_since_previous_order)
