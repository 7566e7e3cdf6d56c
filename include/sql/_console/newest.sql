-- The newest slice in force of each table that the console shows, and how many slices were overtaken by a change of an earlier day.
select
    table_name,
    max(slice_key::date) as as_of_date,
    count(*) filter (where is_stale) as stale,
    max(slice_key) filter (where is_stale) as stale_slice
from ops.published
where slice_key ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
group by table_name
