-- bi.cohort_value: customers by the month of their first order, and what they did in the months from :months_from on.
with

cohorts as (
    select
        orders.customer_key,
        cast(date_trunc('month', orders.first_order_at at time zone :business_timezone) as date) as cohort_month
    from features.customer_orders as orders
    where
        orders.as_of_date = :as_of_date
        and orders.first_order_at is not null
        and not exists (
            select 1 from core.customer as customer
            where customer.customer_key = orders.customer_key and customer.valid_to is null
                and (customer.is_test or customer.is_staff)
        )
),

sizes as (
    select
        cohort_month,
        count(*) as cohort_customers
    from cohorts
    group by cohort_month
),

months as (
    select cast(month as date) as month
    from generate_series(
        cast(:months_from as timestamp), date_trunc('month', cast(:as_of_date as date) - 1), interval '1 month'
    ) as month
),

activity as (
    select
        entry.customer_key,
        cast(date_trunc('month', entry.happened_at at time zone :business_timezone) as date) as month,
        bool_or(entry.kind = 'paid') as is_active,
        sum(entry.order_count) as orders,
        sum(entry.net_minor) as net_minor
    from core.order_entry as entry
    where
        entry.happened_at >= :months_start_at
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by entry.customer_key, date_trunc('month', entry.happened_at at time zone :business_timezone)
),

sums as (
    select
        cohorts.cohort_month,
        activity.month,
        count(*) filter (where activity.is_active) as active_customers,
        sum(activity.orders) as orders,
        sum(activity.net_minor) as net_minor
    from activity
    inner join cohorts on activity.customer_key = cohorts.customer_key
    group by cohorts.cohort_month, activity.month
)

select
    :as_of_date as as_of_date,
    sizes.cohort_month,
    months.month,
    cast(
        12 * (extract(year from months.month) - extract(year from sizes.cohort_month))
        + extract(month from months.month) - extract(month from sizes.cohort_month) as integer
    ) as months_since,
    sizes.cohort_customers,
    coalesce(sums.active_customers, 0) as active_customers,
    cast(coalesce(sums.orders, 0) as bigint) as orders,
    cast(coalesce(sums.net_minor, 0) as bigint) as net_minor
from sizes
inner join months on sizes.cohort_month <= months.month
left join sums on sizes.cohort_month = sums.cohort_month and months.month = sums.month
