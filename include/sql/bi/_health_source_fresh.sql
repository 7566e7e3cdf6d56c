-- Hours for which each source has owed the oldest business day that is not in core. Sources nobody reads any more are left out.
with

entities as (
    select
        source,
        entity,
        max(business_date) filter (where state = 'published') as business_date
    from ops.batch
    where cast(:expected_date as date) is not null
    group by source, entity
    having max(created_at) > cast(:now as timestamptz) - interval '14 days'
)

select
    source || '.' || entity as subject,
    case
        when business_date >= cast(:expected_date as date) then 0
        else extract(epoch from cast(:now as timestamptz) - (business_date + 2)::timestamp at time zone :time_zone) / 3600
    end::double precision as value,
    coalesce(
        cast(cast(:source_hours_by_entity as jsonb) ->> (source || '.' || entity) as double precision),
        cast(:source_hours as double precision)
    ) as objective,
    jsonb_build_object('newest', business_date, 'expected', cast(:expected_date as date)) as parts
from entities
