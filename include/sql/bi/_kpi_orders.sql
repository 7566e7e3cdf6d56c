-- KPIs of orders for bi.kpi_value: the day before as_of and its month to date, overall and by tier and stage as of that date.
-- Signed entries are summed by their own date, so that a later cancellation never changes an earlier day.
with

periods as (
    select 'day' as period, cast(:day_start as timestamptz) as starts_at
    union all
    select 'month' as period, cast(:month_start as timestamptz) as starts_at
),

labels as (
    select
        tier.customer_key,
        label.dimension,
        label.member
    from segments.tier as tier
    left join segments.lifecycle as lifecycle
        on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
    cross join lateral (
        values ('all', 'all'), ('tier', tier.service_tier), ('stage', lifecycle.lifecycle_stage)
    ) as label (dimension, member)
    where
        tier.as_of_date = :as_of_date
        and label.member is not null
        and not exists (
            select 1 from core.customer as customer
            where customer.customer_key = tier.customer_key and customer.valid_to is null
                and (customer.is_test or customer.is_staff)
        )
),

entries as (
    select
        entry.customer_key,
        entry.kind,
        entry.happened_at,
        entry.order_count,
        entry.net_minor,
        entry.order_number,
        entry.days_since_previous_order
    from core.order_entry as entry
    where entry.happened_at < :as_of and (entry.deleted_at is null or entry.deleted_at >= :as_of)
),

-- One row per customer and period first: the labels triple the rows only after the sums.
customer_periods as (
    select
        periods.period,
        entries.customer_key,
        sum(entries.order_count) as orders,
        sum(entries.net_minor) as net_minor,
        count(*) filter (where entries.kind = 'paid') as count_paid,
        count(*) filter (where entries.kind = 'paid' and entries.order_number > 1) as count_repeat,
        sum(entries.days_since_previous_order) filter (where entries.kind = 'paid') as gap_days,
        count(entries.days_since_previous_order) filter (where entries.kind = 'paid') as count_gaps
    from entries
    inner join periods on entries.happened_at >= periods.starts_at
    where entries.happened_at >= :month_start
    group by periods.period, entries.customer_key
),

members as (
    select customer_key
    from segments.membership
    where as_of_date = :as_of_date and membership_level <> :lowest_level
),

sums as (
    select
        customer_periods.period,
        labels.dimension,
        labels.member,
        sum(customer_periods.orders) as orders,
        sum(customer_periods.net_minor) as net_minor,
        sum(customer_periods.net_minor) filter (where members.customer_key is not null) as member_net_minor,
        count(*) as customers,
        count(*) filter (where customer_periods.count_paid > 0) as buyers,
        count(*) filter (where customer_periods.count_repeat > 0) as repeat_buyers,
        sum(customer_periods.gap_days) as gap_days,
        sum(customer_periods.count_gaps) as count_gaps,
        count(*) filter (where customer_periods.count_gaps > 0) as gap_customers
    from customer_periods
    inner join labels on customer_periods.customer_key = labels.customer_key
    left join members on customer_periods.customer_key = members.customer_key
    group by customer_periods.period, labels.dimension, labels.member
),

-- Every period and member has its row, a day without an order too: 0 orders is a number, not a gap in the chart.
cells as (
    select distinct
        periods.period,
        periods.starts_at,
        labels.dimension,
        labels.member
    from labels
    cross join periods
),

-- An order that was cancelled again brought nobody back.
live_orders as (
    select
        entry.customer_key,
        min(entry.happened_at) filter (where entry.kind = 'paid') as paid_at
    from core.order_entry as entry
    where
        entry.happened_at >= :base_start
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by entry.customer_key, entry.order_key
    having sum(entry.order_count) > 0
),

buyers_before as (
    select
        customer_key,
        bool_or(paid_at >= :horizon_start) as has_bought_again
    from live_orders
    where paid_at is not null
    group by customer_key
    having bool_or(paid_at < :horizon_start)
),

retained as (
    select
        labels.dimension,
        labels.member,
        count(*) as customers,
        count(*) filter (where buyers_before.has_bought_again) as retained
    from buyers_before
    inner join labels on buyers_before.customer_key = labels.customer_key
    group by labels.dimension, labels.member
),

predicted as (
    select
        labels.dimension,
        labels.member,
        sum(clv.clv_12m_minor) as clv_12m_minor,
        count(*) as customers
    from scores.clv as clv
    inner join labels on clv.customer_key = labels.customer_key
    where clv.as_of_date = :as_of_date
    group by labels.dimension, labels.member
),

kpis as (
    select
        cells.period,
        cells.starts_at,
        cells.dimension,
        cells.member,
        kpi.kpi,
        coalesce(cast(kpi.numerator as double precision), 0) as numerator,
        coalesce(cast(kpi.denominator as double precision), 0) as denominator,
        coalesce(kpi.customers, 0) as customers
    from cells
    left join sums
        on cells.period = sums.period and cells.dimension = sums.dimension and cells.member = sums.member
    left join retained on cells.dimension = retained.dimension and cells.member = retained.member
    left join predicted on cells.dimension = predicted.dimension and cells.member = predicted.member
    cross join lateral (
        values
        ('orders', sums.orders, 1, sums.customers),
        ('net_revenue', sums.net_minor, 1, sums.customers),
        ('member_revenue_share', sums.member_net_minor, sums.net_minor, sums.customers),
        ('repurchase_rate', sums.repeat_buyers, sums.buyers, sums.buyers),
        ('mean_repurchase_interval', sums.gap_days, sums.count_gaps, sums.gap_customers),
        ('retention_rate', retained.retained, retained.customers, retained.customers),
        ('churn_rate', retained.customers - retained.retained, retained.customers, retained.customers),
        ('mean_clv_12m', predicted.clv_12m_minor, predicted.customers, predicted.customers)
    ) as kpi (kpi, numerator, denominator, customers)
)

select
    :as_of_date as as_of_date,
    kpi,
    period,
    cast(starts_at at time zone :business_timezone as date) as period_start,
    dimension,
    member,
    numerator,
    denominator,
    numerator / nullif(denominator, 0) as value,
    cast(customers as bigint) as customers
from kpis
