-- pii.source_customer: the latest state of the source customers delivered for the day, as normalised in Python.
-- Whoever is linked stays with their person until linking says otherwise; the earliest creation time stays.
select
    incoming.source_customer_key,
    incoming.source,
    incoming.customer_id,
    coalesce(alias.customer_key, incoming.source_customer_key) as customer_key,
    least(incoming.source_created_at, known.source_created_at) as source_created_at,
    incoming.name,
    incoming.email,
    incoming.phone,
    incoming.email_normalised,
    incoming.phone_e164,
    incoming.birth_date,
    incoming.wedding_anniversary,
    incoming.language,
    incoming.gender,
    incoming.city,
    incoming.region,
    incoming.customer_kind,
    incoming.batch_id,
    incoming.updated_at,
    incoming.deleted_at,
    incoming.is_simulated
from pg_temp.person_now as incoming
left join pii.source_customer as known on incoming.source_customer_key = known.source_customer_key
left join core.customer_alias as alias on incoming.source_customer_key = alias.source_customer_key
