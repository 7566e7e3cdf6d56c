-- pg_temp.landed_order: the delivered states of orders, read once for their headers and their versions.
-- A source that does not say when it changed an order: its first state takes the latest time on the order; a later state that
-- says something else was made when it landed, for nothing better is known; one that says the same is the same.
create temporary table landed_order on commit drop as
with

orders as (
    select
        ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.order_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as order_key,
        landed.order_id,
        known.source_customer_key,
        known.customer_key,
        nullif(btrim(landed.ordered_at), '')::timestamptz as ordered_at,
        nullif(btrim(landed.paid_at), '')::timestamptz as paid_at,
        nullif(btrim(landed.cancelled_at), '')::timestamptz as cancelled_at,
        nullif(btrim(landed.refunded_at), '')::timestamptz as refunded_at,
        coalesce(nullif(btrim(landed.currency), ''), :base_currency) as currency,
        nullif(btrim(landed.gross_amount), '')::numeric as gross_original,
        coalesce(nullif(btrim(landed.discount_amount), '')::numeric, 0) as discount_original,
        coalesce(nullif(btrim(landed.refund_amount), '')::numeric, 0) as refund_original,
        nullif(btrim(landed.channel), '') as channel,
        nullif(btrim(landed.store), '') as store,
        nullif(btrim(landed.coupon_code), '') as coupon_code,
        nullif(btrim(landed.campaign), '') as campaign,
        delivery.source,
        landed.batch_id,
        nullif(btrim(landed.updated_at), '')::timestamptz as updated_at,
        delivery.landed_at,
        nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
        coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
    from landing."order" as landed
    inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
    inner join pii.source_customer as known
        on delivery.customer_source = known.source and landed.customer_id = known.customer_id
)

select
    orders.*,
    coalesce(
        orders.updated_at,
        case
            when stored.order_key is null
                then greatest(orders.ordered_at, orders.paid_at, orders.cancelled_at, orders.refunded_at)
            when (
                orders.source_customer_key, orders.ordered_at, orders.paid_at, orders.cancelled_at, orders.refunded_at,
                orders.currency, orders.gross_original, orders.discount_original, orders.refund_original, orders.deleted_at
            ) is not distinct from (
                stored.source_customer_key, stored.ordered_at, stored.paid_at, stored.cancelled_at, stored.refunded_at,
                stored.currency, stored.gross_original, stored.discount_original, stored.refund_original, stored.deleted_at
            ) then stored.updated_at
            else orders.landed_at
        end
    ) as version_at
from orders
-- Looked up one by one, and only for states without a time: a join might read all orders there ever were.
left join lateral (
    select header.*
    from core.order_header as header
    where orders.updated_at is null and orders.order_key = header.order_key
    order by header.order_key
    limit 1
) as stored on true
