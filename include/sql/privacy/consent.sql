-- privacy.consent: decisions of the day, as ledger entries. What a row says is part of its key (see consent_key in Python):
-- sources that keep one row per customer and channel change it in place, and a withdrawal must not be taken for known.
select distinct on (consent_key)
    ('x' || encode(substr(sha256(convert_to(concat_ws(
        chr(31),
        delivery.source,
        landed.consent_id,
        btrim(landed.purpose),
        btrim(landed.channel),
        btrim(landed.decision),
        (extract(epoch from nullif(btrim(landed.decided_at), '')::timestamptz) * 1000000)::bigint
    ), 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as consent_key,
    known.source_customer_key,
    known.customer_key,
    nullif(btrim(landed.purpose), '') as purpose,
    nullif(btrim(landed.channel), '') as channel,
    nullif(btrim(landed.decision), '') as decision,
    nullif(btrim(landed.decided_at), '')::timestamptz as decided_at,
    now() as recorded_at,
    nullif(btrim(landed.origin), '') as origin,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.consent as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.customer_id = known.customer_id
order by consent_key, decided_at desc, landed.batch_id desc, landed.position desc
