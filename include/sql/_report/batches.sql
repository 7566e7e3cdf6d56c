-- The newest delivery of each source and entity.
select distinct on (source, entity)
    source,
    entity,
    business_date,
    state,
    rows_extracted,
    rows_valid,
    rows_quarantined,
    rows_duplicate,
    rows_tombstoned
from ops.batch
order by source asc, entity asc, batch_id desc
