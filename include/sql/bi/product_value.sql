-- bi.product_value: what was sold of each product on the closed day and in its month so far. The month carries on from the day
-- before (:carried_from), so that a day costs a day; on the first of a month, and where no day came before, it is counted from its
-- beginning, with whatever arrived late. :since is the start of what has to be read.
with

paid as (
    -- Orders paid since then that still stand.
    select
        entry.order_key,
        min(entry.happened_at) filter (where entry.kind = 'paid') as paid_at
    from core.order_entry as entry
    where
        entry.happened_at >= :since
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
        and not exists (
            select 1
            from core.customer as customer
            where
                customer.customer_key = entry.customer_key
                and customer.valid_to is null
                and customer.is_test
        )
    group by entry.order_key
    having sum(entry.order_count) > 0
),

sold as (
    select
        line.product_key,
        line.order_key,
        paid.paid_at as happened_at,
        line.quantity as units,
        line.gross_minor,
        line.discount_minor,
        line.net_minor,
        0 as returned_units
    from paid
    inner join core.order_line as line on paid.order_key = line.order_key
    where line.deleted_at is null or line.deleted_at >= :as_of
),

-- Money back is in the ledger on the day it went; what came back for it is on the lines.
given_back as (
    select distinct entry.order_key
    from core.order_entry as entry
    where
        entry.kind in ('returned', 'refunded')
        and entry.happened_at >= :since
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
),

came_back as (
    select
        line.product_key,
        cast(null as bigint) as order_key,
        line.returned_at as happened_at,
        0 as units,
        0 as gross_minor,
        0 as discount_minor,
        0 as net_minor,
        line.returned_quantity as returned_units
    from given_back
    inner join core.order_line as line on given_back.order_key = line.order_key
    where
        line.returned_at >= :since
        and line.returned_at < :as_of
        and (line.deleted_at is null or line.deleted_at >= :as_of)
),

moved as (
    select * from sold
    union all
    select * from came_back
),

summed as (
    select
        moved.product_key,
        period.period,
        count(distinct moved.order_key) as orders,
        sum(moved.units) as units,
        sum(moved.gross_minor) as gross_minor,
        sum(moved.discount_minor) as discount_minor,
        sum(moved.net_minor) as net_minor,
        sum(moved.returned_units) as returned_units
    from moved
    inner join (values ('day', cast(:day_start as timestamptz)), ('month', cast(:since as timestamptz))) as period (period, starts_at)
        on moved.happened_at >= period.starts_at
    group by moved.product_key, period.period
    union all
    select
        value.product_key,
        value.period,
        value.orders,
        value.units,
        value.gross_minor,
        value.discount_minor,
        value.net_minor,
        value.returned_units
    from bi.product_value as value
    where value.as_of_date = :carried_from and value.period = 'month'
)

select
    cast(:as_of_date as date) as as_of_date,
    period,
    case when period = 'day' then cast(:business_date as date) else cast(:month as date) end as period_start,
    product_key,
    cast(sum(orders) as bigint) as orders,
    cast(sum(units) as double precision) as units,
    cast(sum(gross_minor) as bigint) as gross_minor,
    cast(sum(discount_minor) as bigint) as discount_minor,
    cast(sum(net_minor) as bigint) as net_minor,
    cast(sum(returned_units) as double precision) as returned_units
from summed
group by period, product_key
