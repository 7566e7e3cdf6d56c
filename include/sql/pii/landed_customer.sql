-- The latest state of each customer delivered for the day, as delivered: what Python normalises and gives keys to.
-- The earliest time of creation that any of its states says holds for all of them.
select distinct on (delivery.source, landed.customer_id)
    delivery.source,
    landed.customer_id,
    min(coalesce(
        least(nullif(btrim(landed.created_at), '')::timestamptz, nullif(btrim(landed.member_since), '')::timestamptz),
        nullif(btrim(landed.updated_at), '')::timestamptz,
        delivery.landed_at
    )) over (partition by delivery.source, landed.customer_id) as source_created_at,
    nullif(btrim(landed.name), '') as name,
    nullif(btrim(landed.email), '') as email,
    nullif(btrim(landed.phone), '') as phone,
    nullif(btrim(landed.birth_date), '')::date as birth_date,
    nullif(btrim(landed.wedding_anniversary), '')::date as wedding_anniversary,
    nullif(btrim(landed.language), '') as language,
    nullif(btrim(landed.gender), '') as gender,
    nullif(btrim(landed.city), '') as city,
    nullif(btrim(landed.region), '') as region,
    nullif(btrim(landed.customer_kind), '') as customer_kind,
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
    array[
        landed.deleted_at, landed.name, landed.email, landed.phone, landed.birth_date, landed.wedding_anniversary, landed.language,
        landed.is_simulated, landed.gender, landed.city, landed.region, landed.customer_kind
    ] collate "C" desc
