-- core.external_mention: every delivered state of public comments.
select
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.mention_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as mention_key,
    nullif(btrim(landed.platform), '') as platform,
    nullif(btrim(landed.text), '') as text,
    nullif(btrim(landed.sentiment), '') as sentiment,
    product.product_key,
    landed.product_id,
    nullif(btrim(landed.category), '') as category,
    nullif(btrim(landed.mentioned_at), '')::timestamptz as happened_at,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.external_mention as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
left join core.product as product
    on delivery.product_source = product.source and landed.product_id = product.product_id
