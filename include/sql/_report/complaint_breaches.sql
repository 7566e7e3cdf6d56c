-- Complaints that wait past a clock, the longest waiting first within their team.
select
    coalesce(team, 'unassigned') as team,
    clock,
    coalesce(severity, 'unknown') as severity,
    complaint_key as complaint,
    customer_key,
    due_at,
    alerted_at as told_at
from ops.complaint_breach
where
    state = 'open'
    and (cast(:team as text) is null or coalesce(team, 'unassigned') = cast(:team as text))
order by coalesce(team, 'unassigned'), due_at, complaint_key, clock
limit :row_limit
