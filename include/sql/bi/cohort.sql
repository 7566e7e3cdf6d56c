-- with (security_barrier = true)
-- bi.cohort: the newest figures of every cohort and month, small groups hidden.
with

newest as (
    select distinct on (value.cohort_month, value.month)
        value.*,
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as smallest
    from bi.cohort_value as value
    order by value.cohort_month, value.month, value.as_of_date desc
),

shown as (
    select
        newest.*,
        -- A handful who came is as telling as a handful who did not.
        newest.cohort_customers >= newest.smallest
        and (newest.active_customers = 0 or newest.active_customers >= newest.smallest) as is_shown
    from newest
)

select
    shown.cohort_month,
    shown.month,
    shown.months_since,
    shown.as_of_date,
    case when shown.cohort_customers >= shown.smallest then shown.cohort_customers end as cohort_customers,
    case when shown.is_shown then shown.active_customers end as active_customers,
    case
        when shown.is_shown then cast(shown.active_customers as double precision) / shown.cohort_customers
    end as retention,
    case when shown.is_shown then shown.orders end as orders,
    case when shown.is_shown then shown.net_minor end as net_minor
from shown
