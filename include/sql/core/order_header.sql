-- core.order_header: every delivered state of orders, in the base currency at the rate of the day of the order.
-- What was to be paid is converted as one amount, and the discount is what is left of the gross price: so a full refund, in
-- the same currency at the same rate, is the same number of minor units. PostgreSQL rounds halves away from zero.
with

rated as (
    select
        orders.*,
        case when orders.currency = :base_currency then 1 else fx.rate end as fx_rate
    from pg_temp.landed_order as orders
    left join pg_temp.rate as fx
        on
            orders.currency = fx.currency
            and least((orders.ordered_at at time zone :business_timezone)::date, :as_of_date) = fx.day
            and fx.known_to = 'infinity'
)

select
    order_key,
    source_customer_key,
    customer_key,
    order_id,
    ordered_at,
    paid_at,
    cancelled_at,
    refunded_at,
    currency,
    fx_rate,
    round(gross_original * fx_rate * :minor_factor)::bigint as gross_minor,
    (
        round(gross_original * fx_rate * :minor_factor)
        - round((gross_original - discount_original) * fx_rate * :minor_factor)
    )::bigint as discount_minor,
    round((gross_original - discount_original) * fx_rate * :minor_factor)::bigint as net_minor,
    round(refund_original * fx_rate * :minor_factor)::bigint as refund_minor,
    gross_original,
    discount_original,
    refund_original,
    channel,
    store,
    coupon_code,
    campaign,
    source,
    batch_id,
    version_at as updated_at,
    deleted_at,
    is_simulated
from rated
