-- Complaints past their clock, by team; cases, not people.
select
    team,
    clock,
    severity,
    breaches_open,
    breaches_closed,
    oldest_due_at
from bi.complaint_clock
order by breaches_open desc, oldest_due_at asc nulls last, team asc, clock asc
