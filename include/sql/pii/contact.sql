-- pii.contact: the best value of each field of the touched people: the one that its source changed last.
select
    customer_key,
    (array_agg(name order by updated_at desc, source_customer_key) filter (where name is not null))[1] as name,
    (array_agg(email_normalised order by updated_at desc, source_customer_key) filter (where email_normalised is not null))[1] as email,
    (array_agg(phone_e164 order by updated_at desc, source_customer_key) filter (where phone_e164 is not null))[1] as phone,
    (array_agg(language order by updated_at desc, source_customer_key) filter (where language is not null))[1] as language,
    (array_agg(birth_date order by updated_at desc, source_customer_key) filter (where birth_date is not null))[1] as birth_date,
    (array_agg(wedding_anniversary order by updated_at desc, source_customer_key)
        filter (where wedding_anniversary is not null))[1] as wedding_anniversary,
    max(updated_at) as updated_at
from pii.source_customer
where customer_key in (select unnest(cast(:people as bigint []))) and deleted_at is null
group by customer_key
