-- core.points_entry: every delivered state of entries of the points ledger.
select
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.entry_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as entry_key,
    known.source_customer_key,
    known.customer_key,
    nullif(btrim(landed.kind), '') as kind,
    nullif(btrim(landed.points), '')::bigint as points,
    nullif(btrim(landed.occurred_at), '')::timestamptz as happened_at,
    nullif(btrim(landed.expires_at), '')::timestamptz as expires_at,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.points_entry as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.customer_id = known.customer_id
