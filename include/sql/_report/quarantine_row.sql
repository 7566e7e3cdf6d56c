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
    "row"
from quarantine."row"
where quarantine_id = :quarantine_id
