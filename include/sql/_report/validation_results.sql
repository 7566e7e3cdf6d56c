-- The newest verdict of each check of the batches of a business day.
select distinct on (result.batch_id, result.rule, result.column_name, result.expected)
    result.batch_id,
    result.rule,
    result.column_name,
    result.severity,
    result.passed,
    result.rows_checked,
    result.rows_failed,
    result.observed,
    result.expected,
    result.engine,
    result.checked_at
from ops.check_result as result
inner join ops.batch as batch on result.batch_id = batch.batch_id
where batch.business_date = :business_date
order by result.batch_id, result.rule, result.column_name, result.expected, result.check_result_id desc
