-- The verdicts of the newest business day that was checked: the last try of each check, those that fail first.
with

newest as (
    select max(business_date) as business_date
    from ops.check_result
),

last_try as (
    select distinct on (result.table_name, result.rule, result.column_name, result.batch_id)
        result.*
    from newest
    inner join ops.check_result as result on newest.business_date = result.business_date
    order by result.table_name, result.rule, result.column_name, result.batch_id, result.checked_at desc, result.check_result_id desc
)

select
    business_date,
    table_name,
    rule,
    column_name,
    severity,
    passed,
    rows_checked,
    rows_failed,
    expected,
    observed::float8 as observed,
    checked_at,
    count(*) over () as total,
    count(*) filter (where passed) over () as total_passed,
    count(*) filter (where not passed and severity = 'fail') over () as total_stopped,
    sum(rows_failed) filter (where not passed and severity = 'quarantine') over () as total_quarantined
from last_try
order by
    passed,
    case severity when 'fail' then 1 when 'quarantine' then 2 else 3 end,
    rows_failed desc nulls last,
    table_name,
    rule,
    column_name
limit 200
