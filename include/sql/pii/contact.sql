-- pii.contact: how to reach the touched people. Which of several values survives, attribute by attribute (docs/identity.md):
-- name: written out before a title in place of the given name (王先生), then the one that its source changed last;
-- e-mail, phone: the person's own before one that others use as well, then the latest change;
-- birth date: before the days that stand for none, the one most sources agree on, then the latest change; others: latest change.
-- Ties go by source_customer_key, so that no order of arrival decides. Records that a source deleted say nothing.
with

members as (
    select
        known.*,
        coalesce(known.name ~ '(先生|女士|小姐|太太|[0-9])$', false) as is_partial_name,
        coalesce(to_char(known.birth_date, 'YYYY-MM-DD') in ('1900-01-01', '1970-01-01', '2000-01-01'), false) as is_placeholder_birth,
        count(*) over (partition by known.customer_key, known.birth_date) as birth_votes,
        known.email_normalised is not null and exists (
            select 1
            from pii.source_customer as other
            where other.email_normalised = known.email_normalised and other.customer_key <> known.customer_key
        ) as is_email_shared,
        known.phone_e164 is not null and exists (
            select 1
            from pii.source_customer as other
            where other.phone_e164 = known.phone_e164 and other.customer_key <> known.customer_key
        ) as is_phone_shared
    from pii.source_customer as known
    where known.customer_key in (select unnest(cast(:people as bigint []))) and known.deleted_at is null
)

select
    customer_key,
    (array_agg(name order by is_partial_name, updated_at desc, source_customer_key) filter (where name is not null))[1] as name,
    (array_agg(email_normalised order by is_email_shared, updated_at desc, source_customer_key)
        filter (where email_normalised is not null))[1] as email,
    (array_agg(phone_e164 order by is_phone_shared, updated_at desc, source_customer_key)
        filter (where phone_e164 is not null))[1] as phone,
    coalesce(bool_and(is_email_shared) filter (where email_normalised is not null), false) as is_email_shared,
    coalesce(bool_and(is_phone_shared) filter (where phone_e164 is not null), false) as is_phone_shared,
    (array_agg(language order by updated_at desc, source_customer_key) filter (where language is not null))[1] as language,
    (array_agg(birth_date order by is_placeholder_birth, birth_votes desc, updated_at desc, source_customer_key)
        filter (where birth_date is not null))[1] as birth_date,
    (array_agg(wedding_anniversary order by updated_at desc, source_customer_key)
        filter (where wedding_anniversary is not null))[1] as wedding_anniversary,
    max(updated_at) as updated_at
from members
group by customer_key
