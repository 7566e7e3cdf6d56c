-- core.campaign_event: what marketing tools reported back.
select
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.event_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as event_key,
    known.source_customer_key,
    known.customer_key,
    nullif(btrim(landed.campaign), '') as campaign,
    nullif(btrim(landed.channel), '') as channel,
    nullif(btrim(landed.kind), '') as kind,
    nullif(btrim(landed.send_key), '') as send_key,
    nullif(btrim(landed.occurred_at), '')::timestamptz as happened_at,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.campaign_event as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.customer_id = known.customer_id
