-- Share of each source's newest published delivery that was refused.
with

newest as (
    select distinct on (source, entity)
        source,
        entity,
        business_date,
        rows_extracted,
        rows_quarantined
    from ops.batch
    where state = 'published' and business_date > cast(:business_date as date) - 14 and business_date <= :business_date
    order by source asc, entity asc, business_date desc, batch_id desc
)

select
    source || '.' || entity as subject,
    case when rows_extracted >= :minimum_people then rows_quarantined::double precision / rows_extracted end as value,
    cast(:refused_share as double precision) as objective,
    jsonb_build_object('rows', rows_extracted, 'refused', rows_quarantined, 'day', business_date) as parts
from newest
where rows_extracted > 0
