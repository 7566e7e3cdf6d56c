-- KPIs of orders for bi.kpi_value: the day before as_of and its month to date, overall and under every heading a customer has as of
-- that date; orders and revenue also by the channel of the order.
-- Signed entries are summed by their own date, so that a later cancellation never changes an earlier day.
-- `kpi.labels` stands for the customers with their headings.
with

periods as (
    select 'day' as period, cast(:day_start as timestamptz) as starts_at
    union all
    select 'month' as period, cast(:month_start as timestamptz) as starts_at
),

labels as (
    select *
    from kpi.labels as labels
),

entries as (
    select
        entry.customer_key,
        entry.order_key,
        entry.kind,
        entry.happened_at,
        entry.order_count,
        entry.net_minor,
        entry.order_number,
        entry.days_since_previous_order
    from core.order_entry as entry
    where
        entry.happened_at >= :month_start
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
),

-- One row per customer and period first: headings multiply the rows only after the sums.
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
    group by periods.period, entries.customer_key
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

-- Every period and heading has its row, a day without an order too: 0 orders is a number, not a gap in the chart.
combinations as (
    select
        labels.tier,
        labels.stage,
        labels.segment,
        labels.membership,
        labels.acquisition_channel,
        labels.region,
        periods.period,
        sum(customer_periods.orders) as orders,
        sum(customer_periods.net_minor) as net_minor,
        sum(customer_periods.net_minor) filter (where labels.membership <> :lowest_level) as member_net_minor,
        count(customer_periods.customer_key) as customers,
        count(*) filter (where customer_periods.count_paid > 0) as buyers,
        count(*) filter (where customer_periods.count_repeat > 0) as repeat_buyers,
        sum(customer_periods.gap_days) as gap_days,
        sum(customer_periods.count_gaps) as count_gaps,
        count(*) filter (where customer_periods.count_gaps > 0) as gap_customers,
        count(buyers_before.customer_key) as buyers_before,
        count(*) filter (where buyers_before.has_bought_again) as retained,
        count(clv.customer_key) as scored,
        sum(clv.clv_12m_minor) as clv_12m_minor
    from labels
    cross join periods
    left join customer_periods
        on labels.customer_key = customer_periods.customer_key and periods.period = customer_periods.period
    left join buyers_before on labels.customer_key = buyers_before.customer_key
    left join scores.clv as clv on labels.customer_key = clv.customer_key and clv.as_of_date = :as_of_date
    group by 1, 2, 3, 4, 5, 6, 7
),

sums as (
    select
        combinations.period,
        label.dimension,
        label.member,
        sum(combinations.orders) as orders,
        sum(combinations.net_minor) as net_minor,
        sum(combinations.member_net_minor) as member_net_minor,
        sum(combinations.customers) as customers,
        sum(combinations.buyers) as buyers,
        sum(combinations.repeat_buyers) as repeat_buyers,
        sum(combinations.gap_days) as gap_days,
        sum(combinations.count_gaps) as count_gaps,
        sum(combinations.gap_customers) as gap_customers,
        sum(combinations.buyers_before) as buyers_before,
        sum(combinations.retained) as retained,
        sum(combinations.scored) as scored,
        sum(combinations.clv_12m_minor) as clv_12m_minor
    from combinations
    cross join lateral (
        values
        ('all', 'all'),
        ('tier', combinations.tier),
        ('stage', combinations.stage),
        ('segment', combinations.segment),
        ('membership', combinations.membership),
        ('acquisition_channel', combinations.acquisition_channel),
        ('region', combinations.region)
    ) as label (dimension, member)
    where label.member is not null
    group by combinations.period, label.dimension, label.member
),

order_channels as (
    select
        periods.period,
        header.channel as member,
        sum(entries.order_count) as orders,
        sum(entries.net_minor) as net_minor,
        count(distinct entries.customer_key) as customers
    from entries
    inner join labels on entries.customer_key = labels.customer_key
    inner join core.order_header as header on entries.order_key = header.order_key
    inner join periods on entries.happened_at >= periods.starts_at
    where header.channel is not null
    group by periods.period, header.channel
),

kpis as (
    select
        sums.period,
        sums.dimension,
        sums.member,
        kpi.kpi,
        kpi.numerator,
        kpi.denominator,
        kpi.customers
    from sums
    cross join lateral (
        values
        ('orders', sums.orders, 1, sums.customers),
        ('net_revenue', sums.net_minor, 1, sums.customers),
        ('member_revenue_share', sums.member_net_minor, sums.net_minor, sums.customers),
        ('repurchase_rate', sums.repeat_buyers, sums.buyers, sums.buyers),
        ('mean_repurchase_interval', sums.gap_days, sums.count_gaps, sums.gap_customers),
        ('retention_rate', sums.retained, sums.buyers_before, sums.buyers_before),
        ('churn_rate', sums.buyers_before - sums.retained, sums.buyers_before, sums.buyers_before),
        ('mean_clv_12m', sums.clv_12m_minor, sums.scored, sums.scored)
    ) as kpi (kpi, numerator, denominator, customers)
    union all
    select
        order_channels.period,
        'order_channel' as dimension,
        order_channels.member,
        kpi.kpi,
        kpi.numerator,
        1 as denominator,
        order_channels.customers
    from order_channels
    cross join lateral (
        values ('orders', order_channels.orders), ('net_revenue', order_channels.net_minor)
    ) as kpi (kpi, numerator)
)

select
    :as_of_date as as_of_date,
    kpis.kpi,
    kpis.period,
    cast(periods.starts_at at time zone :business_timezone as date) as period_start,
    kpis.dimension,
    kpis.member,
    coalesce(cast(kpis.numerator as double precision), 0) as numerator,
    coalesce(cast(kpis.denominator as double precision), 0) as denominator,
    cast(coalesce(kpis.numerator, 0) as double precision) / nullif(cast(kpis.denominator as double precision), 0) as value,
    cast(kpis.customers as bigint) as customers
from kpis
inner join periods on kpis.period = periods.period
