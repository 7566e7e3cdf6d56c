-- with (security_barrier = true)
-- bi.operations_quarantine: refused rows by rule. The rows themselves hold personal data and stay where they are.
select
    refused.business_date,
    refused.source,
    refused.entity,
    refused.rule,
    refused.column_name,
    refused.state,
    count(*) as rows,
    cast(sum(refused.times_seen) as bigint) as times_seen,
    min(refused.created_at) as first_refused_at,
    max(refused.last_seen_at) as last_seen_at
from quarantine.row as refused
group by refused.business_date, refused.source, refused.entity, refused.rule, refused.column_name, refused.state
