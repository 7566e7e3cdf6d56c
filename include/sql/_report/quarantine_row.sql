-- One refused row with its contents; whoever prints it masks them.
select
    quarantine_id,
    batch_id,
    source,
    entity,
    file,
    position,
    business_date,
    rules,
    reason,
    state,
    first_quarantine_id,
    replayed_in,
    outcome,
    times_seen,
    last_seen_at,
    "row"
from quarantine."row"
where quarantine_id = :quarantine_id
