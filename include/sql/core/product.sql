-- core.product: every delivered state of products.
select
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.product_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as product_key,
    landed.product_id,
    nullif(btrim(landed.deleted_at), '') is null as valid,
    nullif(btrim(landed.name), '') as name,
    nullif(btrim(split_part(landed.category_path, ' > ', 1)), '') as category_1,
    nullif(btrim(split_part(landed.category_path, ' > ', 2)), '') as category_2,
    nullif(btrim(landed.category_path), '') as category_path,
    nullif(btrim(landed.brand), '') as brand,
    round(
        nullif(btrim(landed.list_price), '')::numeric
        * case when coalesce(nullif(btrim(landed.currency), ''), :base_currency) = :base_currency then 1 else fx.rate end
        * :minor_factor
    )::bigint as list_price_minor,
    round(
        nullif(btrim(landed.unit_cost), '')::numeric
        * case when coalesce(nullif(btrim(landed.currency), ''), :base_currency) = :base_currency then 1 else fx.rate end
        * :minor_factor
    )::bigint as unit_cost_minor,
    coalesce(nullif(btrim(landed.currency), ''), :base_currency) as currency,
    nullif(btrim(landed.list_price), '')::numeric as list_price_original,
    nullif(btrim(landed.unit_cost), '')::numeric as unit_cost_original,
    nullif(btrim(landed.stock_on_hand), '')::numeric as stock_on_hand,
    coalesce(nullif(btrim(landed.is_replenishable), '')::boolean, false) as is_replenishable,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.product as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
left join pg_temp.rate as fx
    on
        coalesce(nullif(btrim(landed.currency), ''), :base_currency) = fx.currency
        and least((coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) at time zone :business_timezone)::date, :as_of_date) = fx.day
        and fx.known_to = 'infinity'
