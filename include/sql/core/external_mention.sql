-- core.external_mention: public comments.
select distinct on (mention_key)
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.mention_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as mention_key,
    nullif(btrim(landed.platform), '') as platform,
    nullif(btrim(landed.text), '') as text,
    nullif(btrim(landed.sentiment), '') as sentiment,
    case
        when landed.product_id is not null then ('x' || encode(substr(sha256(convert_to(
            coalesce(delivery.product_source, delivery.source) || chr(31) || landed.product_id, 'UTF8'
        )), 1, 8), 'hex'))::bit(64)::bigint
    end as product_key,
    nullif(btrim(landed.category), '') as category,
    nullif(btrim(landed.mentioned_at), '')::timestamptz as happened_at,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.external_mention as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
order by mention_key, coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) desc, landed.batch_id desc, landed.position desc
