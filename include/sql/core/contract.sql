-- core.contract: every delivered state of contracts.
select
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.contract_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
        as contract_key,
    known.source_customer_key,
    known.customer_key,
    product.product_key,
    landed.product_id,
    nullif(btrim(landed.started_at), '')::timestamptz as started_at,
    nullif(btrim(landed.renewal_date), '')::date as renewal_date,
    round(
        nullif(btrim(landed.fee), '')::numeric
        * case when coalesce(nullif(btrim(landed.currency), ''), :base_currency) = :base_currency then 1 else fx.rate end
        * :minor_factor
    )::bigint as fee_minor,
    coalesce(nullif(btrim(landed.currency), ''), :base_currency) as currency,
    nullif(btrim(landed.fee), '')::numeric as fee_original,
    nullif(btrim(landed.renewed_at), '')::timestamptz as renewed_at,
    nullif(btrim(landed.cancelled_at), '')::timestamptz as cancelled_at,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.contract as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.customer_id = known.customer_id
left join core.product as product
    on delivery.product_source = product.source and landed.product_id = product.product_id
left join pg_temp.rate as fx
    on
        coalesce(nullif(btrim(landed.currency), ''), :base_currency) = fx.currency
        and least((nullif(btrim(landed.started_at), '')::timestamptz at time zone :business_timezone)::date, :as_of_date) = fx.day
        and fx.known_to = 'infinity'
