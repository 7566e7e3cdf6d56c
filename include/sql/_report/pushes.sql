-- The newest pushes to the marketing database.
select
    business_date,
    state,
    rows_added as added,
    rows_updated as updated,
    rows_removed as removed,
    rows_total as members,
    tasks_added as tasks
from marketing.audience_sync
order by sync_id desc
limit 5
