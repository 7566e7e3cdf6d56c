-- The newest delivery of each source and entity, and whether its counts add up.
select distinct on (source, entity)
    source,
    entity,
    business_date,
    state,
    rows_extracted,
    rows_valid,
    rows_quarantined,
    rows_duplicate,
    rows_tombstoned,
    rows_extracted = rows_valid + rows_quarantined + rows_duplicate + coalesce(rows_tombstoned, 0) as is_balanced,
    created_at
from ops.batch
order by source asc, entity asc, batch_id desc
