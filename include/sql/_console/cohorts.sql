-- The cohorts of the last twelve months in which somebody first bought, month by month.
select
    cohort_month,
    months_since,
    cohort_customers,
    active_customers,
    retention,
    net_minor
from bi.cohort
where cohort_month > cast(:as_of_date as date) - interval '13 months' and months_since <= 12
order by cohort_month, months_since
