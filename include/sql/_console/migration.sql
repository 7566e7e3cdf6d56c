-- Who went from which group to which, as of the newest date with a migration of each span.
with

newest as (
    select
        span,
        max(as_of_date) as as_of_date
    from segments.migration
    where as_of_date <= :as_of_date
    group by span
)

select
    migration.span,
    migration.since_date,
    migration.dimension,
    migration.from_member,
    migration.from_en,
    migration.from_zh,
    migration.to_member,
    migration.to_en,
    migration.to_zh,
    migration.customers,
    migration.share_of_from::float8 as share_of_from,
    migration.is_suppressed
from newest
inner join bi.segment_migration as migration on newest.span = migration.span and newest.as_of_date = migration.as_of_date
order by migration.span, migration.dimension, migration.from_member, migration.to_member
