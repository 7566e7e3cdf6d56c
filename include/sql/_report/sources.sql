-- How far each entity of each source has come: its newest batch, and up to which day it is published.
with

newest as (
    select distinct on (source, entity)
        source,
        entity,
        business_date,
        state,
        rows_extracted,
        created_at
    from ops.batch
    order by source asc, entity asc, batch_id desc
)

select
    newest.source,
    newest.entity,
    newest.business_date,
    newest.state,
    newest.rows_extracted,
    newest.created_at,
    cursors.business_date as published_until
from newest
left join ops.source_cursor as cursors
    on cursors.source = newest.source and cursors.entity = newest.entity
