-- core.order_line: lines in the latest state delivered for the day, with the key, customer and rate of their order.
select distinct on (order_key, line_number)
    header.order_key,
    nullif(btrim(landed.line_number), '')::integer as line_number,
    header.customer_key,
    ('x' || encode(substr(sha256(convert_to(coalesce(delivery.product_source, delivery.source) || chr(31) || landed.product_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as product_key,
    product.category_1,
    product.category_2,
    header.paid_at as happened_at,
    nullif(btrim(landed.quantity), '')::numeric as quantity,
    round(nullif(btrim(landed.unit_price), '')::numeric * header.fx_rate * :minor_factor)::bigint as unit_price_minor,
    round(nullif(btrim(landed.quantity), '')::numeric * nullif(btrim(landed.unit_price), '')::numeric * header.fx_rate * :minor_factor)::bigint as gross_minor,
    coalesce(round(nullif(btrim(landed.discount_amount), '')::numeric * header.fx_rate * :minor_factor)::bigint, 0) as discount_minor,
    round(nullif(btrim(landed.quantity), '')::numeric * nullif(btrim(landed.unit_price), '')::numeric * header.fx_rate * :minor_factor)::bigint
    - coalesce(round(nullif(btrim(landed.discount_amount), '')::numeric * header.fx_rate * :minor_factor)::bigint, 0) as net_minor,
    coalesce(nullif(btrim(landed.returned_quantity), '')::numeric, 0) as returned_quantity,
    nullif(btrim(landed.returned_at), '')::timestamptz as returned_at,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.order_line as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join core.order_header as header on delivery.order_source = header.source and landed.order_id = header.order_id
left join core.product as product on delivery.product_source = product.source and landed.product_id = product.product_id
order by order_key, line_number, coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) desc, landed.batch_id desc, landed.position desc
