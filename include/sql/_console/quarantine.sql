-- Refused rows by rule; nothing of the rows themselves.
select
    source,
    entity,
    rule,
    column_name,
    severity,
    count(*) filter (where state in ('open', 'fixed')) as waiting,
    count(*) as refused,
    max(last_seen_at) as last_seen_at
from quarantine."row"
group by source, entity, rule, column_name, severity
order by waiting desc, refused desc, source asc, entity asc, rule asc
limit 200
