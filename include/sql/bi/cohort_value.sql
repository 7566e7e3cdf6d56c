-- bi.cohort_value: customers by the month of their first order, and what they did in the months from :months_from on.
with

-- Where months begin, from that of the oldest first order on: a time is placed among them by number, which is far quicker than to
-- reckon the local month of millions of orders.
starts as (
    select
        array_agg(month at time zone :business_timezone order by month) as starts_at,
        array_agg(cast(month as date) order by month) as months
    from (
        select generate_series(
            date_trunc('month', least(min(orders.first_order_at) at time zone :business_timezone, cast(:months_from as timestamp))),
            date_trunc('month', cast(:as_of_date as timestamp)),
            interval '1 month'
        ) as month
        from features.customer_orders as orders
        where orders.as_of_date = :as_of_date
    ) as listed
),

cohorts as (
    select
        orders.customer_key,
        width_bucket(orders.first_order_at, (select starts.starts_at from starts)) as cohort
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
        counted.cohort,
        starts.months[counted.cohort] as cohort_month,
        counted.cohort_customers
    from starts
    cross join (
        select
            cohorts.cohort,
            count(*) as cohort_customers
        from cohorts
        group by cohorts.cohort
    ) as counted
),

months as (
    select cast(month as date) as month
    from generate_series(
        cast(:months_from as timestamp), date_trunc('month', cast(:as_of_date as date) - 1), interval '1 month'
    ) as month
),

activity as (
    select
        placed.customer_key,
        placed.place,
        bool_or(placed.kind = 'paid') as is_active,
        sum(placed.order_count) as orders,
        cast(sum(placed.net_minor) as bigint) as net_minor
    from (
        select
            entry.customer_key,
            entry.kind,
            entry.order_count,
            entry.net_minor,
            width_bucket(entry.happened_at, (select starts.starts_at from starts)) as place
        from core.order_entry as entry
        where
            entry.happened_at >= :months_start_at
            and entry.happened_at < :as_of
            and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    ) as placed
    group by placed.customer_key, placed.place
),

summed as (
    select
        cohorts.cohort,
        activity.place,
        count(*) filter (where activity.is_active) as active_customers,
        sum(activity.orders) as orders,
        sum(activity.net_minor) as net_minor
    from activity
    inner join cohorts on activity.customer_key = cohorts.customer_key
    group by cohorts.cohort, activity.place
),

sums as (
    select
        summed.*,
        starts.months[summed.place] as month
    from summed
    cross join starts
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
left join sums on sizes.cohort = sums.cohort and months.month = sums.month
