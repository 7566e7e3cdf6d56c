-- with (security_barrier = true)
-- bi.operations_source: what the sources delivered, batch by batch, over the last ninety days, and whether every row is accounted for.
select
    batch.business_date,
    batch.source,
    batch.entity,
    batch.batch_id,
    batch.state,
    batch.rows_extracted,
    batch.rows_valid,
    batch.rows_quarantined,
    batch.rows_duplicate,
    batch.rows_tombstoned,
    batch.rows_quarantined / nullif(cast(batch.rows_extracted as double precision), 0) as quarantined_share,
    batch.created_at,
    batch.landed_at,
    batch.published_at,
    extract(epoch from batch.published_at - batch.created_at) as duration_s
from ops.batch as batch
where batch.created_at >= current_timestamp - interval '90 days'
