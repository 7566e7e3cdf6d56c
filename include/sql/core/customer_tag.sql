-- core.customer_tag: every delivered state of tags on customers.
select
    known.source_customer_key,
    known.customer_key,
    nullif(btrim(landed.tag), '') as tag,
    nullif(btrim(landed.set_by), '') as set_by,
    nullif(btrim(landed.set_at), '')::timestamptz as set_at,
    nullif(btrim(landed.removed_at), '')::timestamptz as removed_at,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.customer_tag as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.customer_id = known.customer_id
