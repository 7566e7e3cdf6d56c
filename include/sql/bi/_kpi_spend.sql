-- KPIs of money for bi.kpi_value: what promotion cost, what it brought by its measured effects, and how the money split between the
-- customers who matter most and the others. A touch handed out counts on the day of its plan.
-- `kpi.labels` stands for the customers with their headings.
with

periods as (
    select 'day' as period, cast(:day_start as timestamptz) as starts_at, cast(:as_of_date as date) - 1 as starts_on
    union all
    select 'month' as period, cast(:month_start as timestamptz) as starts_at, cast(:month_start_on as date) as starts_on
),

-- What a contact of a play brings, as margin, where its control group can tell; an effect is on revenue after the offer.
effects as (
    select *
    from jsonb_to_recordset(cast(:effects as jsonb)) as effect (play text, margin_minor double precision)
),

touches as (
    select
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        delivery.play,
        delivery.channel,
        delivery.as_of_date,
        coalesce(delivery.expected_cost_minor, delivery.cost_minor) as cost_minor,
        effects.margin_minor
        + greatest(coalesce(delivery.expected_cost_minor, delivery.cost_minor) - delivery.cost_minor, 0) as brought_minor
    from campaigns.delivery as delivery
    left join core.customer_alias as alias on delivery.customer_key = alias.source_customer_key
    left join effects on delivery.play = effects.play
    where
        delivery.kind = 'promotional'
        and delivery.as_of_date >= cast(:month_start_on as date)
        and delivery.as_of_date < :as_of_date
),

customer_periods as (
    select
        periods.period,
        touches.customer_key,
        touches.play,
        touches.channel,
        sum(touches.cost_minor) as cost_minor,
        sum(touches.brought_minor) as brought_minor,
        sum(touches.cost_minor) filter (where touches.brought_minor is not null) as measured_cost_minor
    from touches
    inner join periods on touches.as_of_date >= periods.starts_on
    group by periods.period, touches.customer_key, touches.play, touches.channel
),

sums as (
    select
        customer_periods.period,
        label.dimension,
        label.member,
        sum(customer_periods.cost_minor) as cost_minor,
        sum(customer_periods.brought_minor) as brought_minor,
        sum(customer_periods.measured_cost_minor) as measured_cost_minor,
        count(distinct customer_periods.customer_key) as customers,
        count(distinct customer_periods.customer_key) filter (where customer_periods.brought_minor is not null) as measured_customers
    from customer_periods
    left join kpi.labels as labels on customer_periods.customer_key = labels.customer_key
    cross join lateral (
        values
        ('all', 'all'),
        ('play', customer_periods.play),
        ('channel', customer_periods.channel),
        ('tier', labels.tier),
        ('stage', labels.stage),
        ('segment', labels.segment),
        ('membership', labels.membership),
        ('acquisition_channel', labels.acquisition_channel),
        ('region', labels.region)
    ) as label (dimension, member)
    where label.member is not null
    group by customer_periods.period, label.dimension, label.member
),

-- The rule holds for what was decided; days that were planned and never pushed spent nothing.
split as (
    select
        periods.period,
        sum(allocation.top_cost_minor) as top_cost_minor,
        sum(allocation.cost_minor) as cost_minor,
        sum(allocation.chosen) as chosen
    from periods
    inner join campaigns.allocation as allocation
        on allocation.as_of_date >= periods.starts_on and allocation.as_of_date < :as_of_date
    where exists (select 1 from campaigns.push_receipt as receipt where receipt.business_date + 1 = allocation.as_of_date)
    group by periods.period
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
        ('spend', sums.cost_minor, cast(1 as double precision), sums.customers),
        ('return_on_spend', sums.brought_minor, sums.measured_cost_minor, sums.measured_customers)
    ) as kpi (kpi, numerator, denominator, customers)
    where kpi.kpi = 'spend' or kpi.denominator > 0
    union all
    select
        split.period,
        'all' as dimension,
        'all' as member,
        'top_spend_share' as kpi,
        split.top_cost_minor as numerator,
        split.cost_minor as denominator,
        cast(split.chosen as bigint) as customers
    from split
    where split.cost_minor > 0
)

select
    :as_of_date as as_of_date,
    kpis.kpi,
    kpis.period,
    cast(periods.starts_at at time zone :business_timezone as date) as period_start,
    kpis.dimension,
    kpis.member,
    coalesce(kpis.numerator, 0) as numerator,
    kpis.denominator,
    coalesce(kpis.numerator, 0) / nullif(kpis.denominator, 0) as value,
    kpis.customers
from kpis
inner join periods on kpis.period = periods.period
