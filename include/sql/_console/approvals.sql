-- The last approvals, used or not.
select
    business_date,
    approved_by,
    reason,
    ceilings,
    approved_at,
    used_at
from campaigns.approval
order by approval_id desc
limit 30
