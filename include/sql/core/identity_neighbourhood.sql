-- One round of looking around: source customers by key, by e-mail address, by phone number and by the person they belong to.
-- The caller asks again with what is new until nothing is; every address is asked for once.
with

reached as (
    select unnest(cast(:keys as bigint [])) as source_customer_key

    union

    select known.source_customer_key
    from pii.source_customer as known
    where known.email_normalised in (select unnest(cast(:emails as text [])))

    union

    select known.source_customer_key
    from pii.source_customer as known
    where known.phone_e164 in (select unnest(cast(:phones as text [])))

    union

    select known.source_customer_key
    from pii.source_customer as known
    where known.customer_key in (select unnest(cast(:people as bigint [])))
)

select
    known.source_customer_key,
    known.source,
    known.customer_id,
    known.source_created_at,
    known.email_normalised,
    known.phone_e164,
    known.birth_date,
    known.customer_key,
    alias.customer_key as linked_customer_key
from reached
inner join pii.source_customer as known on reached.source_customer_key = known.source_customer_key
left join core.customer_alias as alias on reached.source_customer_key = alias.source_customer_key
