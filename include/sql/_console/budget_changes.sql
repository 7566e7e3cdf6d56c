-- Plays that lost or regained budget, newest first.
select *
from bi.budget_change
order by decided_on desc, play asc
limit 100
