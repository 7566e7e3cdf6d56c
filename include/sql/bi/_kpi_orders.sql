-- KPIs of orders for bi.kpi_value: the day before as_of and its month to date, overall and under every heading a customer has as of
-- that date; orders and revenue also by the channel of the order.
-- Signed entries are summed by their own date, so that a later cancellation never changes an earlier day.
-- `kpi.labels` stands for the customers with their cells, `kpi.headings` for the headings of each cell.
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
        cast(sum(entries.net_minor) as bigint) as net_minor,
        count(*) filter (where entries.kind = 'paid') as count_paid,
        count(*) filter (where entries.kind = 'paid' and entries.order_number > 1) as count_repeat,
        sum(entries.days_since_previous_order) filter (where entries.kind = 'paid') as gap_days,
        count(entries.days_since_previous_order) filter (where entries.kind = 'paid') as count_gaps
    from entries
    inner join periods on entries.happened_at >= periods.starts_at
    group by periods.period, entries.customer_key
),

combinations as (
    select
        labels.cell,
        customer_periods.period,
        sum(customer_periods.orders) as orders,
        sum(customer_periods.net_minor) as net_minor,
        count(*) as customers,
        count(*) filter (where customer_periods.count_paid > 0) as buyers,
        count(*) filter (where customer_periods.count_repeat > 0) as repeat_buyers,
        sum(customer_periods.gap_days) as gap_days,
        sum(customer_periods.count_gaps) as count_gaps,
        count(*) filter (where customer_periods.count_gaps > 0) as gap_customers
    from customer_periods
    inner join kpi.labels as labels on customer_periods.customer_key = labels.customer_key
    group by labels.cell, customer_periods.period
),

member_cells as (
    select cell
    from kpi.headings as heading
    where dimension = 'membership' and member <> :lowest_level
),

sums as (
    select
        combinations.period,
        heading.dimension,
        heading.member,
        sum(combinations.orders) as orders,
        sum(combinations.net_minor) as net_minor,
        sum(combinations.net_minor) filter (where member_cells.cell is not null) as member_net_minor,
        sum(combinations.customers) as customers,
        sum(combinations.buyers) as buyers,
        sum(combinations.repeat_buyers) as repeat_buyers,
        sum(combinations.gap_days) as gap_days,
        sum(combinations.count_gaps) as count_gaps,
        sum(combinations.gap_customers) as gap_customers
    from combinations
    inner join kpi.headings as heading on combinations.cell = heading.cell
    left join member_cells on combinations.cell = member_cells.cell
    group by combinations.period, heading.dimension, heading.member
),

-- Every period and heading has its row, a day without an order too: 0 orders is a number, not a gap in the chart. Of a date told
-- anew those that had an order.
headings as (
    select distinct
        periods.period,
        heading.dimension,
        heading.member
    from kpi.headings as heading
    cross join periods
    where cast(:is_every_heading as boolean) or heading.cell in (select combinations.cell from combinations)
),

-- By customer first: who ordered twice through a channel is one customer of it.
channel_customers as (
    select
        periods.period,
        header.channel,
        entries.customer_key,
        sum(entries.order_count) as orders,
        sum(entries.net_minor) as net_minor
    from entries
    inner join core.order_header as header on entries.order_key = header.order_key
    inner join periods on entries.happened_at >= periods.starts_at
    where header.channel is not null
    group by periods.period, header.channel, entries.customer_key
),

order_channels as (
    select
        channel_customers.period,
        channel_customers.channel as member,
        sum(channel_customers.orders) as orders,
        sum(channel_customers.net_minor) as net_minor,
        count(*) as customers
    from channel_customers
    inner join kpi.labels as labels on channel_customers.customer_key = labels.customer_key
    group by channel_customers.period, channel_customers.channel
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
