-- When the clock was last looked at.
select max(started_at) as checked_at
from ops.run_ledger
where dataset = 'complaint_clock' and state in ('published', 'no_data')
