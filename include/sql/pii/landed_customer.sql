-- The latest state of each customer delivered for the day, as delivered: what Python normalises and gives keys to.
select distinct on (delivery.source, landed.customer_id)
    delivery.source,
    landed.customer_id,
    coalesce(
        least(nullif(btrim(landed.created_at), '')::timestamptz, nullif(btrim(landed.member_since), '')::timestamptz),
        nullif(btrim(landed.updated_at), '')::timestamptz,
        delivery.landed_at
    ) as source_created_at,
    nullif(btrim(landed.name), '') as name,
    nullif(btrim(landed.email), '') as email,
    nullif(btrim(landed.phone), '') as phone,
    nullif(btrim(landed.birth_date), '')::date as birth_date,
    nullif(btrim(landed.wedding_anniversary), '')::date as wedding_anniversary,
    nullif(btrim(landed.language), '') as language,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.customer as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
order by
    delivery.source,
    landed.customer_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) desc,
    landed.batch_id desc,
    landed.position desc
