-- The batches of a business day with their counts; nothing of the rows themselves.
select
    batch_id,
    source,
    entity,
    business_date,
    state,
    is_full,
    coalesce(message = 'replay', false) as is_replay,
    rows_extracted,
    rows_valid,
    rows_quarantined,
    rows_duplicate,
    rows_tombstoned
from ops.batch
where business_date = :business_date and state in ('landed', 'validated', 'published')
order by source, entity, batch_id
