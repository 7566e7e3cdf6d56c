-- with (security_barrier = true)
-- bi.operations_quality: checks by business day, table and rule, over the last ninety days; the newest verdict of each.
with

ranked as (
    select
        result.*,
        row_number() over (
            partition by result.business_date, result.table_name, result.rule, result.column_name, result.batch_id
            order by result.checked_at desc, result.check_result_id desc
        ) as place
    from ops.check_result as result
    where result.checked_at >= current_timestamp - interval '90 days'
)

select
    business_date,
    table_name,
    rule,
    column_name,
    severity,
    bool_and(passed) as passed,
    cast(sum(rows_checked) as bigint) as rows_checked,
    cast(sum(rows_failed) as bigint) as rows_failed,
    max(expected) as expected,
    max(checked_at) as checked_at
from ranked
where place = 1
group by business_date, table_name, rule, column_name, severity
