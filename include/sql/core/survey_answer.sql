-- core.survey_answer: every delivered state of survey answers.
select
    ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.answer_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as answer_key,
    known.source_customer_key,
    known.customer_key,
    nullif(btrim(landed.answered_at), '')::timestamptz as happened_at,
    nullif(btrim(landed.instrument), '') as instrument,
    nullif(btrim(landed.score), '')::numeric as score,
    nullif(btrim(landed.comment), '') as comment,
    nullif(btrim(landed.about_kind), '') as about_kind,
    nullif(btrim(landed.about_id), '') as about_id,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.survey_answer as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.customer_id = known.customer_id
