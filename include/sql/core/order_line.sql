-- core.order_line: lines in the latest state delivered for the day, with the key, customer and rate of their order.
-- Customer and time come first in the ordering (both follow from the order): the rows then enter the covering index in its
-- own order, which is several times faster than in the order of hashed keys.
with

lines as (
    select distinct on (header.customer_key, header.paid_at, header.order_key, line_number)
        header.order_key,
        nullif(btrim(landed.line_number), '')::integer as line_number,
        header.customer_key,
        product.product_key,
        landed.product_id,
        coalesce(delivery.product_source, delivery.source) as product_source,
        product.category_1,
        product.category_2,
        header.paid_at,
        header.fx_rate * :minor_factor as minor_rate,
        nullif(btrim(landed.quantity), '')::numeric as quantity,
        nullif(btrim(landed.unit_price), '')::numeric as unit_price,
        nullif(btrim(landed.discount_amount), '')::numeric as discount,
        nullif(btrim(landed.returned_quantity), '')::numeric as returned_quantity,
        nullif(btrim(landed.returned_at), '')::timestamptz as returned_at,
        delivery.source,
        landed.batch_id,
        coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
        nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
        nullif(btrim(landed.is_simulated), '')::boolean as is_simulated
    from landing.order_line as landed
    inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
    inner join core.order_header as header on delivery.order_source = header.source and landed.order_id = header.order_id
    left join core.product as product
        on delivery.product_source = product.source and landed.product_id = product.product_id
    order by
        header.customer_key,
        header.paid_at,
        header.order_key,
        line_number,
        updated_at desc,
        landed.batch_id desc,
        landed.position desc
),

priced as (
    select
        lines.*,
        round(unit_price * minor_rate)::bigint as unit_price_minor,
        round(quantity * unit_price * minor_rate)::bigint as gross_minor,
        coalesce(round(discount * minor_rate), 0)::bigint as discount_minor
    from lines
)

select
    order_key,
    line_number,
    customer_key,
    coalesce(
        product_key,
        ('x' || encode(substr(sha256(convert_to(product_source || chr(31) || product_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
    ) as product_key,
    category_1,
    category_2,
    paid_at as happened_at,
    quantity,
    unit_price_minor,
    gross_minor,
    discount_minor,
    gross_minor - discount_minor as net_minor,
    coalesce(returned_quantity, 0) as returned_quantity,
    returned_at,
    source,
    batch_id,
    updated_at,
    deleted_at,
    coalesce(is_simulated, false) as is_simulated
from priced
