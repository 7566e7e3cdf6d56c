-- KPIs of orders for bi.kpi_value: the day before as_of and its month to date, overall and under every heading a customer has as of
-- that date; orders and revenue also by the channel of the order.
-- Signed entries are summed by their own date, so that a later cancellation never changes an earlier day.
-- `kpi.labels` stands for the customers with their headings, `kpi.headings` for the headings that get a row, orders or not.
with

periods as (
    select 'day' as period, cast(:day_start as timestamptz) as starts_at
    union all
    select 'month' as period, cast(:month_start as timestamptz) as starts_at
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
        and (entry.deleted_at is null or entry.deleted_at >= :known_at)
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

active_labels as (
    select labels.*
    from kpi.labels as labels
    inner join (select distinct customer_key from entries) as active on labels.customer_key = active.customer_key
),

combinations as (
    select
        labels.tier,
        labels.stage,
        labels.segment,
        labels.membership,
        labels.acquisition_channel,
        labels.region,
        customer_periods.period,
        sum(customer_periods.orders) as orders,
        sum(customer_periods.net_minor) as net_minor,
        sum(customer_periods.net_minor) filter (where labels.membership <> :lowest_level) as member_net_minor,
        count(*) as customers,
        count(*) filter (where customer_periods.count_paid > 0) as buyers,
        count(*) filter (where customer_periods.count_repeat > 0) as repeat_buyers,
        sum(customer_periods.gap_days) as gap_days,
        sum(customer_periods.count_gaps) as count_gaps,
        count(*) filter (where customer_periods.count_gaps > 0) as gap_customers
    from customer_periods
    inner join active_labels as labels on customer_periods.customer_key = labels.customer_key
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
        sum(combinations.gap_customers) as gap_customers
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

-- Every period and heading has its row, a day without an order too: 0 orders is a number, not a gap in the chart.
headings as (
    select distinct
        periods.period,
        label.dimension,
        label.member
    from (
        select distinct tier, stage, segment, membership, acquisition_channel, region
        from kpi.headings as heading
    ) as heading
    cross join lateral (
        values
        ('all', 'all'),
        ('tier', heading.tier),
        ('stage', heading.stage),
        ('segment', heading.segment),
        ('membership', heading.membership),
        ('acquisition_channel', heading.acquisition_channel),
        ('region', heading.region)
    ) as label (dimension, member)
    cross join periods
    where label.member is not null
),

order_channels as (
    select
        periods.period,
        header.channel as member,
        sum(entries.order_count) as orders,
        sum(entries.net_minor) as net_minor,
        count(distinct entries.customer_key) as customers
    from entries
    inner join active_labels as labels on entries.customer_key = labels.customer_key
    inner join core.order_header as header on entries.order_key = header.order_key
    inner join periods on entries.happened_at >= periods.starts_at
    where header.channel is not null
    group by periods.period, header.channel
),

kpis as (
    select
        headings.period,
        headings.dimension,
        headings.member,
        kpi.kpi,
        kpi.numerator,
        kpi.denominator,
        coalesce(kpi.customers, 0) as customers
    from headings
    left join sums
        on headings.period = sums.period and headings.dimension = sums.dimension and headings.member = sums.member
    cross join lateral (
        values
        ('orders', sums.orders, 1, sums.customers),
        ('net_revenue', sums.net_minor, 1, sums.customers),
        ('member_revenue_share', sums.member_net_minor, sums.net_minor, sums.customers),
        ('repurchase_rate', sums.repeat_buyers, sums.buyers, sums.buyers),
        ('mean_repurchase_interval', sums.gap_days, sums.count_gaps, sums.gap_customers)
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
