-- Refused rows by source, entity and first rule broken; nothing of the rows themselves.
select
    source,
    entity,
    rule,
    coalesce(column_name, '') as column_name,
    count(*) filter (where state in ('open', 'fixed')) as waiting,
    count(*) as refused
from quarantine."row"
group by source, entity, rule, column_name
order by refused desc, source asc, entity asc, rule asc
