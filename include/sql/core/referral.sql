-- core.referral: every delivered state of recommendations. The contact typed in is not taken over.
select
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.referral_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
        as referral_key,
    known.source_customer_key,
    known.customer_key,
    coalesce(referred.source_customer_key, unknown.source_customer_key) as referred_source_customer_key,
    referred.customer_key as referred_customer_key,
    nullif(btrim(landed.referred_at), '')::timestamptz as referred_at,
    nullif(btrim(landed.converted_at), '')::timestamptz as converted_at,
    round(nullif(btrim(landed.reward_amount), '')::numeric * :minor_factor)::bigint as reward_minor,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.referral as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.referrer_customer_id = known.customer_id
left join pii.source_customer as referred
    on delivery.customer_source = referred.source and landed.referred_customer_id = referred.customer_id
-- Whoever is not delivered yet has a key all the same, made where the pepper is.
left join pg_temp.unknown_customer as unknown
    on delivery.customer_source = unknown.source and landed.referred_customer_id = unknown.customer_id
