-- with (security_barrier = true)
-- bi.operations_freshness: the newest published date of every table, and how far it is behind the newest of all.
with

newest as (
    select
        table_name,
        max(cast(slice_key as date)) as as_of_date
    from ops.published
    -- What has landed goes by the business day, which is one before; how far sources have come is in bi.operations_source.
    where slice_key ~ '^\d{4}-\d{2}-\d{2}$' and table_name not like 'landing.%'
    group by table_name
),

expected as (
    select max(newest.as_of_date) as as_of_date
    from newest
    where newest.table_name like 'features.%'
)

select
    split_part(newest.table_name, '.', 1) as layer,
    newest.table_name,
    newest.as_of_date,
    published.rows,
    published.published_at,
    extract(epoch from current_timestamp - published.published_at) / 3600.0 as hours_since_published,
    expected.as_of_date - newest.as_of_date as days_behind,
    published.is_stale
from newest
inner join ops.published as published
    on newest.table_name = published.table_name and cast(newest.as_of_date as text) = published.slice_key
cross join expected
