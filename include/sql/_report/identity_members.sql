-- The source customers of one person, the one that names it first. Values are masked by who prints them.
select
    known.source_customer_key,
    known.source,
    known.customer_id,
    known.name,
    known.email_normalised as email,
    known.phone_e164 as phone,
    known.birth_date,
    alias.rule,
    alias.linked_at
from core.customer_alias as alias
inner join pii.source_customer as known on alias.source_customer_key = known.source_customer_key
where alias.customer_key = :person
order by known.source_created_at, known.source, known.customer_id
