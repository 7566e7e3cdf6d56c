-- core.order_line: every delivered state of lines, with the key, customer and rate of their order, and the category that the
-- product had when the order was paid.
with

lines as (
    select
        header.order_key,
        nullif(btrim(landed.line_number), '')::integer as line_number,
        header.customer_key,
        product.product_key,
        product.category_1,
        product.category_2,
        header.paid_at,
        header.fx_rate * :minor_factor as minor_rate,
        nullif(btrim(landed.quantity), '')::numeric as quantity,
        nullif(btrim(landed.unit_price), '')::numeric as unit_price,
        coalesce(nullif(btrim(landed.discount_amount), '')::numeric, 0) as discount,
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
    inner join core.product as product
        on delivery.product_source = product.source and landed.product_id = product.product_id
)

select
    order_key,
    line_number,
    customer_key,
    product_key,
    category_1,
    category_2,
    paid_at as happened_at,
    quantity,
    round(unit_price * minor_rate)::bigint as unit_price_minor,
    round(quantity * unit_price * minor_rate)::bigint as gross_minor,
    (round(quantity * unit_price * minor_rate) - round((quantity * unit_price - discount) * minor_rate))::bigint as discount_minor,
    round((quantity * unit_price - discount) * minor_rate)::bigint as net_minor,
    unit_price as unit_price_original,
    discount as discount_original,
    returned_quantity,
    returned_at,
    source,
    batch_id,
    updated_at,
    deleted_at,
    is_simulated
from lines
