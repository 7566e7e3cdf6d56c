-- The newest slice in force of each table.
select distinct on (table_name)
    table_name,
    slice_key,
    rows,
    published_at
from ops.published
order by table_name asc, slice_key desc
