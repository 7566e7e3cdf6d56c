-- core.order_header: orders in the latest state delivered for the day.
select distinct on (order_key)
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.order_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as order_key,
    known.source_customer_key,
    known.customer_key,
    landed.order_id,
    nullif(btrim(landed.ordered_at), '')::timestamptz as ordered_at,
    nullif(btrim(landed.paid_at), '')::timestamptz as paid_at,
    nullif(btrim(landed.cancelled_at), '')::timestamptz as cancelled_at,
    nullif(btrim(landed.refunded_at), '')::timestamptz as refunded_at,
    coalesce(nullif(btrim(landed.currency), ''), :base_currency) as currency,
    fx.rate as fx_rate,
    round(nullif(btrim(landed.gross_amount), '')::numeric * fx.rate * :minor_factor)::bigint as gross_minor,
    coalesce(round(nullif(btrim(landed.discount_amount), '')::numeric * fx.rate * :minor_factor)::bigint, 0) as discount_minor,
    round(nullif(btrim(landed.gross_amount), '')::numeric * fx.rate * :minor_factor)::bigint
    - coalesce(round(nullif(btrim(landed.discount_amount), '')::numeric * fx.rate * :minor_factor)::bigint, 0) as net_minor,
    coalesce(round(nullif(btrim(landed.refund_amount), '')::numeric * fx.rate * :minor_factor)::bigint, 0) as refund_minor,
    nullif(btrim(landed.gross_amount), '')::numeric as gross_original,
    nullif(btrim(landed.channel), '') as channel,
    nullif(btrim(landed.store), '') as store,
    nullif(btrim(landed.coupon_code), '') as coupon_code,
    nullif(btrim(landed.campaign), '') as campaign,
    delivery.source,
    landed.batch_id,
    coalesce(
        nullif(btrim(landed.updated_at), '')::timestamptz,
        greatest(
            nullif(btrim(landed.ordered_at), '')::timestamptz,
            nullif(btrim(landed.paid_at), '')::timestamptz,
            nullif(btrim(landed.cancelled_at), '')::timestamptz,
            nullif(btrim(landed.refunded_at), '')::timestamptz
        )
    ) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing."order" as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.customer_id = known.customer_id
left join pg_temp.rate as fx
    on
        coalesce(nullif(btrim(landed.currency), ''), :base_currency) = fx.currency
        and least((nullif(btrim(landed.ordered_at), '')::timestamptz at time zone :business_timezone)::date, :as_of_date) = fx.day
order by order_key, updated_at desc, landed.batch_id desc, landed.position desc
