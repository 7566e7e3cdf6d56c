-- Rows delivered and refused by the newest batches of each source and entity up to a business day, oldest first.
select
    source,
    entity,
    business_date,
    rows_extracted,
    rows_quarantined
from (
    select
        source,
        entity,
        business_date,
        batch_id,
        rows_extracted,
        rows_quarantined,
        row_number() over (partition by source, entity order by business_date desc, batch_id desc) as nth
    from ops.batch
    where business_date <= :business_date and state in ('validated', 'published') and message is distinct from 'replay'
) as ranked
where nth <= :batches
order by source, entity, business_date, batch_id
