-- What each purchaser's order lines of the last 365 business days cost, as of a date: the net margin's raw material.
-- A unit costs what its product cost in the state before as_of; foreign costs take the rate of the product's latest state.
-- Lines of orders cancelled before as_of are left out; what came back before it is neither sold nor paid for.
with

states as (
    select
        product_key,
        currency,
        unit_cost_original,
        updated_at
    from core.product
    union all
    select
        product_key,
        currency,
        unit_cost_original,
        updated_at
    from core.product_version
),

-- The last state before as_of; where there is none, the first: what it was before its first delivery is not known any better.
known as (
    select distinct on (product_key)
        product_key,
        currency,
        unit_cost_original
    from states
    order by product_key, updated_at < :as_of desc, case when updated_at < :as_of then updated_at end desc, updated_at
),

costs as (
    select
        known.product_key,
        case
            when known.unit_cost_original = product.unit_cost_original and known.currency = product.currency
                then cast(product.unit_cost_minor as double precision)
            when known.currency = product.currency and product.unit_cost_original > 0
                then cast(known.unit_cost_original / product.unit_cost_original * product.unit_cost_minor as double precision)
        end as unit_cost_minor
    from known
    inner join core.product as product on known.product_key = product.product_key
),

cancelled_orders as (
    select order_key
    from core.order_entry
    where
        kind in ('cancelled', 'corrected')
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by order_key
    having sum(order_count) < 0
),

lines as (
    select
        order_line.customer_key,
        cast(order_line.net_minor as double precision) as net_minor,
        cast(order_line.quantity as double precision) as quantity,
        cast(
            case when order_line.returned_at < :as_of then order_line.returned_quantity else 0 end as double precision
        ) as returned_quantity,
        costs.unit_cost_minor
    from core.order_line
    left join costs on order_line.product_key = costs.product_key
    where
        order_line.happened_at >= :since_365d
        and order_line.happened_at < :as_of
        and order_line.quantity > 0
        and (order_line.deleted_at is null or order_line.deleted_at >= :as_of)
        and order_line.order_key not in (select cancelled_orders.order_key from cancelled_orders)
)

select
    customer_key,
    sum(net_minor * greatest(1 - returned_quantity / quantity, 0)) as net_minor,
    coalesce(
        sum(net_minor * greatest(1 - returned_quantity / quantity, 0)) filter (where unit_cost_minor is not null), 0
    ) as costed_net_minor,
    coalesce(sum(unit_cost_minor * greatest(quantity - returned_quantity, 0)), 0) as cost_minor
from lines
group by customer_key
