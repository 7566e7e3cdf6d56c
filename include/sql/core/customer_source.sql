-- core.customer_source: every state of every source customer delivered for the day, without what identifies the person.
select
    known.source_customer_key,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as version_at,
    nullif(btrim(landed.gender), '') as gender,
    extract(year from nullif(btrim(landed.birth_date), '')::date)::integer as birth_year,
    to_char(nullif(btrim(landed.birth_date), '')::date, 'MM-DD') as birthday_md,
    to_char(nullif(btrim(landed.wedding_anniversary), '')::date, 'MM-DD') as wedding_md,
    nullif(btrim(landed.city), '') as city,
    nullif(btrim(landed.region), '') as region,
    nullif(btrim(landed.occupation), '') as occupation,
    nullif(btrim(landed.acquisition_channel), '') as acquisition_channel,
    nullif(btrim(landed.account_owner), '') as account_owner,
    coalesce(nullif(btrim(landed.customer_kind), ''), 'consumer') as customer_kind,
    nullif(btrim(landed.personality_tag), '') as personality_tag,
    nullif(btrim(landed.language), '') as language,
    -- least() and coalesce() pass over nulls: the earlier of the two times, else the one there is, else the change.
    coalesce(
        least(nullif(btrim(landed.member_since), '')::timestamptz, nullif(btrim(landed.created_at), '')::timestamptz),
        nullif(btrim(landed.updated_at), '')::timestamptz,
        delivery.landed_at
    ) as member_since,
    coalesce(nullif(btrim(landed.is_test), '')::boolean, false) as is_test,
    false as is_staff,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.customer as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known on delivery.source = known.source and landed.customer_id = known.customer_id
