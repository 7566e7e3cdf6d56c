-- Customer numbers which the delivery of the day gives to somebody else: name, birth date and addresses all changed at once.
-- One of them alone is a marriage, a correction, a move. pg_temp.person_now holds the new states, pii.source_customer the old ones.
select
    known.source_customer_key,
    known.customer_key,
    known.source,
    coalesce(incoming.updated_at, now()) as reused_at
from pg_temp.person_now as incoming
inner join pii.source_customer as known on incoming.source_customer_key = known.source_customer_key
where
    (known.updated_at is null or incoming.updated_at is null or incoming.updated_at >= known.updated_at)
    -- Not one word in common: whoever marries keeps a name.
    and not string_to_array(lower(regexp_replace(btrim(known.name), '\s+', ' ', 'g')), ' ')
    && string_to_array(lower(regexp_replace(btrim(incoming.name), '\s+', ' ', 'g')), ' ')
    and coalesce(known.email_normalised, known.phone_e164) is not null
    and (known.email_normalised is null or known.email_normalised is distinct from incoming.email_normalised)
    and (known.phone_e164 is null or known.phone_e164 is distinct from incoming.phone_e164)
    and case
        when known.birth_date is not null and incoming.birth_date is not null
            then known.birth_date <> incoming.birth_date
        -- Without a birth date to compare, both addresses must have been exchanged for others.
        else known.email_normalised <> incoming.email_normalised and known.phone_e164 <> incoming.phone_e164
    end
