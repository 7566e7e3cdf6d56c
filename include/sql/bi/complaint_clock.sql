-- bi.complaint_clock: broken clocks by team.
select
    coalesce(team, 'unassigned') as team,
    clock,
    coalesce(severity, 'unknown') as severity,
    count(*) filter (where state = 'open') as breaches_open,
    count(*) filter (where state = 'closed') as breaches_closed,
    min(due_at) filter (where state = 'open') as oldest_due_at
from ops.complaint_breach
group by coalesce(team, 'unassigned'), clock, coalesce(severity, 'unknown')
