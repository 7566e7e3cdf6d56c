-- Checks by business day.
select
    business_date,
    count(*) as checks,
    count(*) filter (where not passed) as failed,
    coalesce(sum(rows_checked), 0)::bigint as rows_checked,
    coalesce(sum(rows_failed), 0)::bigint as rows_failed
from ops.check_result
where business_date > (select max(newest.business_date) from ops.check_result as newest) - 30
group by business_date
order by business_date
